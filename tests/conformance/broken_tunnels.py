"""SSH drivers that each break one rule of tunnels."""

from __future__ import annotations

from breaking import breaks
from ssh_drivers import Around, Broken, untimed

from ncwire.errors import ChannelError, SSHError


@breaks("tunnel.target", "tunnel.carries", "tunnel.frees", "open.jumps")
class TunnelsElsewhere(Broken):
    """The server is asked for another port."""

    contract = (1, 0)

    def open_tunnel(self, host, port, deadline):
        return super().open_tunnel(host, port + 1, deadline)


@breaks("tunnel.carries")
class TunnelLosesTheLast(Broken):
    """A tunnel's end comes before what was sent last."""

    contract = (1, 0)

    class Lossy(Around):
        def read(self, size):
            data = super().read(size)
            return b"" if data == b"the last" else data

    def open_tunnel(self, host, port, deadline):
        return self.Lossy(super().open_tunnel(host, port, deadline))


@breaks("tunnel.refused")
class RawTunnelErrors(Broken):
    """A tunnel that the server refuses is told as a connection that failed."""

    contract = (1, 0)

    def open_tunnel(self, host, port, deadline):
        try:
            return super().open_tunnel(host, port, deadline)
        except ChannelError as error:
            raise SSHError(str(error)) from error


@breaks("tunnel.deadline")
class TunnelsWithoutDeadline(Broken):
    """open_tunnel takes all the time that it likes."""

    contract = (1, 0)
    open_tunnel = untimed("open_tunnel")


@breaks("tunnel.frees")
class TunnelKeepsTheConnection(Broken):
    """A tunnel's end is not the connection's."""

    contract = (1, 0)

    class Kept(Around):
        def close(self):
            pass

        def abort(self):
            pass

    def open_tunnel(self, host, port, deadline):
        return self.Kept(super().open_tunnel(host, port, deadline))
