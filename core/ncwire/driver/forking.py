"""Forks: the connection stays the parent's, whatever the child does with its copy.

A child inherits fds, handles and locks. What it does with them, its mere exit included, would
reach the peer: a last word on the parent's connection, or bytes in the middle of its packets. And
a lock that another thread held at that moment is held for ever: that thread is not in the child.
"""

from __future__ import annotations

import os
import weakref
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading
    from typing import Protocol

    class _Lock(Protocol):
        def acquire(self, *, blocking: bool) -> bool: ...
        def release(self) -> None: ...


class Forkable(ABC):
    """Something with an fd that a forked child must leave alone; `watch_forks` takes it."""

    @abstractmethod
    def abandon_in_child(self) -> None:
        """Let go of the connection in a forked child: called there, before anything else runs.

        Locks are made anew, for the threads that held them do not exist here; `point_at_nothing`
        is for the fds. Nothing is waited for, and no code of the user's is run. The thread that
        forked may be in the middle of a call of the owner's, and goes on with it.
        """


def watch_forks(owner: Forkable) -> None:
    """Have `owner.abandon_in_child` called in each forked child, as long as `owner` lives."""
    _living.add(owner)


def point_at_nothing(fd: int) -> None:
    """Make `fd` /dev/null; a negative one, which is closed already, is left alone."""
    if fd < 0:
        return
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    os.dup2(null, fd, inheritable=False)
    os.close(null)


def is_free(lock: _Lock) -> bool:
    """Return whether a lock is free, or re-entrant and the calling thread's own.

    One that is neither is held, in a forked child, by a thread that does not exist there.
    """
    if lock.acquire(blocking=False):
        lock.release()
        return True
    return False


def free_in_child(lock: threading.RLock) -> None:
    """Free a re-entrant lock in a forked child if a thread holds it that does not exist there.

    It stays the same lock, for the thread that forked may have looked it up already, and be about
    to take it.
    """
    if not is_free(lock):
        lock._at_fork_reinit()  # type: ignore[attr-defined]  # noqa: SLF001 - `threading` itself does


_living: weakref.WeakSet[Forkable] = weakref.WeakSet()


def _abandon_all() -> None:
    failed: list[BaseException] = []
    for owner in list(_living):
        try:
            owner.abandon_in_child()
        except BaseException as error:  # noqa: BLE001 - the other owners are to be told all the same
            failed.append(error)
    if failed:
        # As from any fork handler: Python prints it, and the child goes on.
        raise BaseExceptionGroup("after a fork, in the child", failed)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_abandon_all)
