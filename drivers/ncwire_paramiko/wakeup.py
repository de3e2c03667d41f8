"""`Bell`: the fd that tells that there is something to read; and `Flag`, by which it is known."""

from __future__ import annotations

import os
import threading
from contextlib import suppress

from ncwire.driver import Forkable, point_at_nothing, watch_forks


class Flag:
    """Whether a buffer of paramiko's has something, its end included.

    The buffer sets and clears it as its event (paramiko 5.1, buffered_pipe.py), its lock being
    held. With an fd in that place, as paramiko has it, whoever reads would be woken while the
    lock is still held, and while paramiko's thread still has the interpreter.
    """

    __slots__ = ("on",)

    def __init__(self) -> None:
        self.on = False

    def set(self) -> None:
        """There is something."""
        self.on = True

    def clear(self) -> None:
        """There is nothing."""
        self.on = False


class Bell(Forkable):
    """A pipe that is readable from `ring` until `hush`.

    Whoever hushes it, one thread at a time, looks afterwards once more for what it is rung for:
    what came before that may have found it `rung` still, and so not have rung it.
    """

    def __init__(self) -> None:
        self.rung = False
        self._lock = threading.Lock()
        self._closed = True
        self._receiver, self._sender = os.pipe()
        self._closed = False
        os.set_blocking(self._receiver, False)
        watch_forks(self)

    def __del__(self) -> None:
        self.close()

    def fileno(self) -> int:
        """Return the fd to watch; the same one also when it is closed."""
        return self._receiver

    def ring(self) -> None:
        """Make it readable."""
        with self._lock:
            if not self.rung and not self._closed:
                # Before the byte is there: else it might be hushed without a byte to take.
                self.rung = True
                os.write(self._sender, b"\0")

    def hush(self) -> None:
        """Make it silent; if it is being rung just now, it may ring on."""
        with suppress(BlockingIOError):
            os.read(self._receiver, 1)
            self.rung = False

    def close(self) -> None:
        """Close both fds. Idempotent, from any thread."""
        with self._lock:
            if not self._closed:
                self._closed = True
                os.close(self._receiver)
                os.close(self._sender)

    def abandon_in_child(self) -> None:
        """Leave the pipe to the parent; see `Forkable`."""
        self._lock = threading.Lock()
        if not self._closed:
            for fd in (self._receiver, self._sender):
                point_at_nothing(fd)
