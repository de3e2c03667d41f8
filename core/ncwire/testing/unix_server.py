"""`EmbeddedUnixServer`: the small NETCONF server, on a Unix socket."""

from __future__ import annotations

import contextlib
import os
import pwd
import socket
import struct
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from ncwire.testing.listening import ListeningServer
from ncwire.testing.process import UnixServerProcess
from ncwire.testing.socket_stream import SocketConnection, SocketStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from ncwire.testing.listening import ServedConnection

_CREDENTIALS = struct.Struct("iII")
"""pid, uid and gid: struct ucred of unix(7)."""


class EmbeddedUnixServer(ListeningServer):
    """A NETCONF server as `EmbeddedServer`, on a Unix socket: for those who may open it.

    Who the user is, the kernel tells where it does (SO_PEERCRED, unix(7)), by the name of the
    account; "" elsewhere.

    - `path` is the socket's, which must not be there yet, and is this user's alone. Without one
      the server makes a folder for it. It is gone with the server.

    The other parameters are those of `EmbeddedServer`. Raises ValueError and OSError; nothing is
    left open then.
    """

    def __init__(
        self,
        *,
        path: str | os.PathLike[str] | None = None,
        base: Sequence[str] = ("1.0", "1.1"),
        datastore: str | bytes | None = None,
        capabilities: Iterable[str] = (),
        handshake_timeout: float = 30.0,
        script: Callable[[SocketStream], None] | None = None,
    ) -> None:
        super().__init__(
            base=base,
            capabilities=capabilities,
            datastore=datastore,
            handshake_timeout=handshake_timeout,
        )
        self._script = script
        with ExitStack() as stack:
            if path is None:
                folder = stack.enter_context(TemporaryDirectory(prefix="ncwire-unix-"))
                path = Path(folder) / "netconf.sock"
            self.path = os.fspath(path)
            """Where it listens."""
            self.driver_options: Mapping[str, str] = {"path": self.path}
            """What a client needs, as options of the driver `unix`."""
            listener = _listener(self.path)
            stack.callback(_remove, self.path)
            self._listen(listener)
            self._files = stack.pop_all()

    spawn = UnixServerProcess
    """Start the same server in a process of its own; see `UnixServerProcess`."""

    def close(self, timeout: float = 5.0) -> None:
        """Cut all connections and wait up to `timeout` seconds for their threads. Idempotent.

        The socket's file is gone then, too.
        """
        super().close(timeout)
        self._files.close()

    def _connected(self, sock: socket.socket) -> ServedConnection:
        return SocketConnection(
            sock,
            lambda connected: SocketStream(connected, _peer(connected)),
            lambda stream: self._hold(stream, self._script),
            self._wakeup.ring,
        )


def _listener(path: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(path)
        # No one can connect before it listens.
        os.chmod(path, 0o600)  # noqa: PTH101 - a path may be a str
        listener.listen(128)
    except BaseException:
        listener.close()
        raise
    return listener


def _peer(sock: socket.socket) -> str:
    if not hasattr(socket, "SO_PEERCRED"):
        return ""
    credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, uid, _ = _CREDENTIALS.unpack(credentials)
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)  # noqa: PTH108 - a path may be a str
