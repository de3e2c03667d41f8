"""Whether a caller's thread serves a connection in place of the pump's, and how it waits."""

from __future__ import annotations

import math
import os
import select
import threading
from contextlib import suppress

from ncwire.driver import Readiness

_EVENTS = {
    Readiness.NONE: 0,
    Readiness.READ: select.POLLIN,
    Readiness.WRITE: select.POLLOUT,
    Readiness.READ | Readiness.WRITE: select.POLLIN | select.POLLOUT,
}


class Borrowed:
    """One thread at a time has it, from `take` to `give_back`, and may `wait` for the fd.

    `wake` and `close` are for every thread. The pipe that wakes the one that waits is made when
    the first does, and is gone when `close` was called and nobody has it.
    """

    def __init__(self) -> None:
        self._holder = threading.Lock()
        self._change = threading.Lock()
        self._owner: int | None = None
        self._poll: select.poll | None = None
        self._pipe: tuple[int, int] | None = None
        self._watched: tuple[int, int] | None = None
        self._closed = False

    def take(self) -> bool:
        """Take it for the calling thread, if no other has it; do not wait for that."""
        if not self._holder.acquire(blocking=False):
            return False
        self._owner = threading.get_ident()
        return True

    def give_back(self) -> None:
        """Let others take it."""
        self._owner = None
        if self._closed:  # set before `close` looks for an owner: so one of both frees
            self.close()
        self._holder.release()

    def wait(self, fd: int, on: Readiness, seconds: float) -> None:
        """Wait until the fd is ready, or another thread calls `wake`, or time is up."""
        poll = self._poll or self._prepare()
        watched = (fd, _EVENTS[on])
        if watched != self._watched:
            if watched[1]:
                poll.register(*watched)  # it replaces what was registered for the fd
            else:  # or a hang-up would be told of again and again
                with suppress(KeyError):
                    poll.unregister(fd)
            self._watched = watched
        for ready, _ in poll.poll(math.ceil(max(0.0, seconds) * 1000)):
            if self._pipe is not None and ready == self._pipe[0]:
                with suppress(BlockingIOError):
                    os.read(ready, 4096)

    def wake(self) -> None:
        """Wake the thread that has it, unless that is the caller."""
        if self._owner is None or self._owner == threading.get_ident():
            return
        with self._change:
            if self._pipe is not None and self._owner is not None:
                with suppress(BlockingIOError):  # full: it will wake anyway
                    os.write(self._pipe[1], b"\0")

    def close(self) -> None:
        """Free the pipe, now or when it is given back. Idempotent."""
        with self._change:
            self._closed = True
            if self._owner is None:
                self._free()

    def _prepare(self) -> select.poll:
        with self._change:
            receiver, sender = os.pipe()
            os.set_blocking(receiver, False)
            os.set_blocking(sender, False)
            self._pipe = (receiver, sender)
        self._poll = select.poll()
        self._poll.register(receiver, select.POLLIN)
        return self._poll

    def _free(self) -> None:
        pipe, self._pipe, self._poll = self._pipe, None, None
        for fd in pipe or ():
            os.close(fd)
