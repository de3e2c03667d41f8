"""`PlainServer`: TCP in the clear, with the script interface of the embedded server."""

from __future__ import annotations

import socket
from contextlib import suppress
from types import MappingProxyType
from typing import TYPE_CHECKING

from ncwire.testing.conformance.acceptor import Acceptor
from ncwire.testing.stream import SessionInfo

if TYPE_CHECKING:
    from collections.abc import Callable


class SocketStream:
    """The server's end of a connection; see `ncwire.testing.ChannelStream`."""

    def __init__(self, sock: socket.socket) -> None:
        self.info = SessionInfo("", "", MappingProxyType({}))
        self._sock = sock

    def recv(self, size: int = 1 << 16) -> bytes:
        """Return up to `size` bytes as soon as there are some; b"" at the stream's end."""
        return self._sock.recv(size)

    def send(self, data: bytes) -> None:
        """Send all of `data`; raises ConnectionError once the stream has ended."""
        try:
            self._sock.sendall(data)
        except OSError as error:
            raise ConnectionError(f"sending failed: {error}") from error

    def send_stderr(self, data: bytes) -> None:
        """Send nothing: there is no other stream."""

    def close(self, exit_status: int = 0) -> None:  # noqa: ARG002 - there is no place for it
        """End the stream; what was sent before arrives. Idempotent."""
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_WR)


class PlainServer:
    """Listens on a free port of 127.0.0.1 and runs `script` for each connection."""

    def __init__(self, script: Callable[[SocketStream], None]) -> None:
        self._script = script
        listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = listener.getsockname()[1]
        self._acceptor = Acceptor(listener, self._run, "server")

    def close(self) -> None:
        """Cut all connections. Idempotent."""
        self._acceptor.close()

    def _run(self, sock: socket.socket) -> None:
        stream = SocketStream(sock)
        with sock:
            self._script(stream)
            stream.close()
            # Closing with bytes unread would reset, and lose what was sent.
            with suppress(OSError):
                while stream.recv():
                    pass
