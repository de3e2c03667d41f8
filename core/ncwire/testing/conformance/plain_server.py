"""`PlainServer`: TCP in the clear, with the script interface of the embedded server."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import TYPE_CHECKING

from ncwire.testing.conformance.acceptor import Acceptor
from ncwire.testing.socket_stream import SocketStream

if TYPE_CHECKING:
    from collections.abc import Callable


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
