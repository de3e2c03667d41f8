"""Whether a caller's thread serves a connection in place of the pump's, and how it waits."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from ncwire.poller import READ, EpollPoller

if TYPE_CHECKING:
    from collections.abc import Callable


class Borrowed:
    """One thread at a time has it, from `take` to `give_back`, and may `wait` for the fd.

    While it waits, what comes wakes it alone: the fd is watched for by the kernel's exclusive
    wake-ups, and it is the first in line, since `stand_behind` puts the pump behind it. While it
    does not, what comes wakes the pump. So no call changes what is watched.

    `wake` and `close` are for every thread. What is needed to wait is made when the first thread
    takes it, and is gone when `close` was called and nobody has it.
    """

    def __init__(self, fd: int, stand_behind: Callable[[], None]) -> None:
        self._fd = fd
        self._stand_behind = stand_behind
        self._holder = threading.Lock()
        self._change = threading.Lock()
        self._owner: int | None = None
        self._poller: EpollPoller | None = None
        self._wait: Callable[[float], list[tuple[int, int]]] = _nothing
        self._bell = -1
        self._closed = False

    def take(self, here: int) -> bool:
        """Take it for the calling thread, `here`, if no other has it; do not wait for that.

        False also when there is no fd left to wait with, or the connection's is closed.
        """
        if self._closed or not self._holder.acquire(blocking=False):
            return False
        self._owner = here
        if self._poller is not None:
            return True
        prepared = False
        try:
            prepared = self._prepare()
        finally:
            if not prepared:
                self.give_back()
        return prepared

    def give_back(self) -> None:
        """Let others take it."""
        self._owner = None
        if self._closed:  # set before `close` looks for an owner: so one of both frees
            self.close()
        self._holder.release()

    def wait(self, seconds: float) -> None:
        """Wait until the fd can be read, or another thread calls `wake`, or time is up.

        What can be read then is to be read until nothing is left, or to be left to the pump
        expressly: nobody else has been told of it. Only for the thread that has taken it.
        """
        for fd, _ in self._wait(max(0.0, seconds)):
            if fd == self._bell:
                with suppress(BlockingIOError):
                    os.eventfd_read(fd)

    def wake(self) -> None:
        """Wake the thread that has it, unless that is the caller."""
        if self._owner is None or self._owner == threading.get_ident():
            return
        with self._change:
            if self._poller is not None and self._owner is not None:
                os.eventfd_write(self._bell, 1)

    def close(self) -> None:
        """Free what it waits with, now or when it is given back. Idempotent."""
        with self._change:
            self._closed = True
            if self._owner is None:
                self._free()

    def _prepare(self) -> bool:
        try:
            bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        except OSError:
            return False
        try:
            poller = EpollPoller(exclusive=True)
        except OSError:
            os.close(bell)
            return False
        with self._change:
            self._poller, self._bell, self._wait = poller, bell, poller.wait
        try:
            poller.watch(bell, READ)
            # Last, for its number comes to be another's when the connection is freed meanwhile.
            poller.watch(self._fd, READ)
        except OSError:
            with self._change:
                self._free()
            return False
        self._stand_behind()
        return True

    def _free(self) -> None:
        if self._poller is not None:
            self._poller.close()
            self._poller, self._wait = None, _nothing
            os.close(self._bell)


def _nothing(_seconds: float) -> list[tuple[int, int]]:
    return []
