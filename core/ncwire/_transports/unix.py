"""`UnixSocketSession`: a NETCONF session over a Unix socket of this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncwire._transports.session import DriverSession, merged

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable, Mapping

    from ncwire._ssh.options.parameters import Filename
    from ncwire.driver import Timeouts


class UnixSocketSession(DriverSession):
    """A NETCONF session over a Unix socket, with a server on the same machine.

    The arguments are those of `DriverSession`; without a driver of the argument's, the profile's
    or the environment's NCWIRE_DRIVER that is one for Unix sockets it is "unix".
    """

    _transport = "unix"
    _default_driver = "unix"

    @property
    def port(self) -> None:
        """None: a Unix socket has no port."""
        return

    @property
    def path(self) -> str | None:
        """The socket's path; None before `connect`, or where the caller's socket was taken."""
        found = None if self._options is None else self._options.driver_options.get("path")
        return found if isinstance(found, str) else None

    def connect(  # type: ignore[override] # the documented signature
        self,
        path: Filename | None = None,
        timeout: float | None = None,
        *,
        peer_uid: int | str | None = None,
        sock_fd: int | None = None,
        sock: socket.socket | None = None,
        timeouts: Timeouts | None = None,
        driver_options: Mapping[str, object] | None = None,
    ) -> None:
        """Connect and exchange hellos.

        `path`: the socket's path, or "@name" for a name in Linux's abstract namespace; None only
        with `sock` or `sock_fd`. `peer_uid`: the user, by number or name, that must own the
        server's end. `driver_options`: the driver's own, by name; those above are among them, and
        are given in one place. `timeout`, `timeouts`, `sock` and `sock_fd` are as for
        `SSHSession.connect`.

        Nothing is encrypted, and the server is trusted as far as its socket's permissions go.

        Raises, with nothing sent: `OptionError`, `UnsupportedOption`, `DriverError`. Then
        `ConnectError`, `TransportError`, `HelloError`, `StepTimeoutError` for any step that is
        late, and `SessionCloseError` when `close` is called meanwhile. No socket, thread or fd is
        left then, and the session cannot be connected again.
        """
        owner = str(peer_uid) if isinstance(peer_uid, int) else peer_uid
        given = merged({"path": path, "peer_uid": owner}, driver_options)
        super().connect(
            None,
            timeout=timeout,
            sock_fd=sock_fd,
            sock=sock,
            timeouts=timeouts,
            driver_options=given,
        )

    def _known(self) -> Iterable[str]:
        known = super()._known()
        return known if self.path is None else (self.path, *known)

    def _described(self) -> str:
        return super()._described() if self.path is None else f"session on {self.path}"
