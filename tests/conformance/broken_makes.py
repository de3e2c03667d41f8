"""SSH drivers that each break one rule at a server of another make, over the paramiko driver."""

from __future__ import annotations

from breaking import breaks
from paramiko.common import MIN_PACKET_SIZE
from ssh_drivers import Around, Broken

from ncwire.errors import SSHError


@breaks("makes.small-packets")
class PacketsOfItsOwnSize(Broken):
    """Packets have at least the size that paramiko by itself has for the least."""

    contract = (1, 0)

    def open_channel(self, request, environment, deadline):
        channel = super().open_channel(request, environment, deadline)
        sound = channel._channel  # noqa: SLF001 - what the driver sends by
        sound.out_max_packet_size = max(sound.out_max_packet_size, MIN_PACKET_SIZE)
        return channel


@breaks("makes.large-transfers")
class CountsInTwentyFourBits(Broken):
    """What is written beyond 16 MiB is lost."""

    contract = (1, 0)

    class Channel(Around):
        written = 0

        def write(self, data):
            if self.written >= 1 << 24:
                return len(data)
            taken = super().write(data)
            self.written += taken
            return taken


@breaks("makes.end-of-stream", "makes.finish")
class CloseIsABreak(Broken):
    """A channel that the server closes with no end before that is said to have broken."""

    contract = (1, 0)

    class Channel(Around):
        def read(self, size):
            data = super().read(size)
            if data == b"" and not self.inner._channel.eof_received:  # noqa: SLF001
                raise SSHError("the channel has broken") from OSError("closed")
            return data


@breaks("makes.finish")
class FinishWaitsForTheEnd(Broken):
    """finish waits for the end of the server's data, which need not come before its close."""

    contract = (1, 0)

    class Channel(Around):
        finishing = False

        def finish(self):
            self.finishing = True
            super().finish()
            return bool(self.inner._channel.eof_received)  # noqa: SLF001

        def read(self, size):
            data = super().read(size)
            if data == b"" and self.finishing and not self.inner._channel.eof_received:  # noqa: SLF001
                return None
            return data
