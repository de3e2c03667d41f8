"""A wakeup: makes a wait of one thread end from another."""

from __future__ import annotations

import selectors
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ncwire.driver.deadline import Deadline


class Wakeup:
    """Set once, from any thread; then every `wait` returns False, at once."""

    def __init__(self) -> None:
        self._receiver, self._sender = socket.socketpair()
        self._sender.setblocking(False)
        self._lock = threading.RLock()  # a signal handler may come in the middle
        self.is_set = False

    def set(self) -> None:
        """Wake the waiting thread. Idempotent, also after `close`."""
        with self._lock:
            self.is_set = True
            with suppress(OSError):  # closed: nobody waits any more
                self._sender.send(b"\0")

    def wait(self, sock: socket.socket, events: int, deadline: Deadline) -> bool:
        """Wait for the socket to be ready for `selectors`' events; False when woken instead.

        Raises `StepTimeoutError` when the deadline passes.
        """
        with selectors.DefaultSelector() as selector:
            selector.register(self._receiver, selectors.EVENT_READ)
            selector.register(sock, events)
            ready = selector.select(deadline.remaining())
        if self.is_set:
            return False
        if not ready:
            raise deadline.error()
        return True

    def close(self) -> None:
        """Free both ends. Idempotent."""
        with self._lock:
            self._receiver.close()
            self._sender.close()
