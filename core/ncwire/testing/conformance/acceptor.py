"""Accepting connections, each served in a thread of its own, all of which end together."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Acceptor:
    """Serves each connection of a listening socket, which is the acceptor's from here on."""

    def __init__(
        self, listener: socket.socket, serve: Callable[[socket.socket], None], name: str
    ) -> None:
        self._listener = listener
        self._serve = serve
        self._name = f"kit: {name}"
        self._socks: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept, name=self._name, daemon=True)
        self._accepting.start()

    def close(self) -> None:
        """Cut all connections, and see their threads end. Idempotent."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        self._listener.close()
        for sock in self._socks:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(
                target=self._serve, args=(sock,), name=self._name, daemon=True
            )
            self._socks.append(sock)
            self._threads.append(thread)
            thread.start()
