"""`Wakeup`: the fd by which one thread ends the wait of another."""

from __future__ import annotations

import os
import select
from itertools import chain, starmap
from typing import TYPE_CHECKING, Any

from ncwire.driver.forking import Forkable, point_at_nothing, watch_forks

if TYPE_CHECKING:
    from collections.abc import Iterable

_ONE = (1).to_bytes(8, "little")
"""What eventfd(2) adds; to a pipe it is eight bytes. Any order of bytes will do."""
_ALL = 64
"""An eventfd is empty after one read, and a pipe after that of the rings of eight threads."""

_owned = getattr(select, "epoll" if hasattr(select, "epoll") else "kqueue").fromfd


class Wakeup(Forkable):
    """An fd that can be read from `ring` until `clear`: for a `poll` beside others, or a loop's.

    Every method may be called from any thread, from a signal handler in the middle of any other,
    and after `close`; none takes a lock, or waits. In a forked child it is nothing any more: what
    is done to it there does not reach the parent. One that is dropped without `close` is closed.

    The thread that clears it, one at a time, looks afterwards once more for what it is rung for:
    who came before that may have found it `rung` still, and so not have rung it.

    Raises `OSError` where the process has no fd left. eventfd(2), or a pipe where there is none.
    """

    rung: bool
    """Whether it was rung since it was last cleared; for who wants to save a call of `ring`."""

    def __init__(self) -> None:
        self.rung = False
        # The fds belong to objects that close them when the last reference goes, as those do that
        # stand for an epoll; it is used for nothing else. So `ring` has but to keep a reference,
        # and the number that it writes to is no other file's: this needs no lock, which a thread
        # that a signal handler keeps would keep from all others. Nor does it need a `__del__`, in
        # which what a signal handler raises would be lost.
        self._ends: list[Any] = []
        # In one call: an interrupt comes between two, and an fd would be left that nothing owns.
        self._ends.extend(map(_owned, _opened()))
        self._reader = self._ends[0].fileno()
        self._writer = self._ends[-1].fileno()
        for fd in (self._reader, self._writer):
            os.set_blocking(fd, False)
        watch_forks(self)

    def fileno(self) -> int:
        """Return the fd to watch for reading; -1 when it is closed."""
        return self._reader if self._ends else -1

    def ring(self) -> None:
        """Make it readable; nothing where it is already, or is closed."""
        ends = self._ends
        if ends and not self.rung:
            try:
                # Before the byte is there: it might be cleared with that, and would be taken for
                # rung for ever after. No interrupt comes between, for nothing is called there.
                self.rung = True
                os.write(self._writer, _ONE)
            finally:
                del ends  # an error's frames would keep it, and the fd

    def clear(self) -> None:
        """Make it silent; if it is being rung just now, it may be rung still."""
        ends = self._ends
        if ends:
            try:
                os.read(self._reader, _ALL)
            except BlockingIOError:
                pass
            finally:
                # After the byte is gone, by the same rule; and also if an interrupt comes.
                self.rung = False
                del ends

    def close(self) -> None:
        """Close the fd, when no other thread is in the middle of ringing. Idempotent."""
        self._ends = []

    def abandon_in_child(self) -> None:
        """Leave it to the parent; see `Forkable`."""
        if self._ends:
            for fd in {self._reader, self._writer}:
                point_at_nothing(fd)


def _opened() -> Iterable[int]:
    """Return what opens the fd to read, and the one to write if that is another, when asked."""
    if hasattr(os, "eventfd"):
        return map(os.eventfd, (0,))
    return chain.from_iterable(starmap(os.pipe, ((),)))
