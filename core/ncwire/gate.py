"""`Gate`: what one thread waits at until another opens it."""

from __future__ import annotations

import threading
from contextlib import suppress


class Gate:
    """Closed when it is made, and opened once; for one waiting thread.

    Unlike `threading.Event`, it may be opened by a signal handler in the very thread that waits:
    that would wait for the lock of an Event which the thread beneath it holds.
    """

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def open(self) -> None:
        """Let the thread that waits go on, or not wait at all. Never blocks."""
        with suppress(RuntimeError):  # open already
            self._lock.release()

    def wait(self, seconds: float) -> bool:
        """Wait until it is opened, or for so many seconds; return whether it was."""
        return self._lock.acquire(timeout=min(max(0.0, seconds), threading.TIMEOUT_MAX))
