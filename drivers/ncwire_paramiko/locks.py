"""Paramiko's locks, which an interrupt may leave held: they know their owner, who lets them go."""

from __future__ import annotations

import math
import threading
import time
from contextlib import suppress
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Protocol, TypeVar

from paramiko.buffered_pipe import BufferedPipe
from paramiko.transport import ChannelMap

from ncwire.driver.deadline import SLICE

if TYPE_CHECKING:
    from collections.abc import Callable

    import paramiko

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Locks:
    """Re-entrant locks, in the place of paramiko's plain ones.

    Paramiko takes its locks by `acquire`, and begins its `try` after that (5.1, channel.py,
    buffered_pipe.py, transport.py; threading.py does so, too). CPython runs signal handlers right
    after a call has returned: what one raises there leaves the lock held for ever, and who
    takes it next waits for ever, paramiko's thread and `close` among them. A re-entrant lock
    knows its owner, who is the one that was interrupted: it lets go of all that it holds.
    """

    def __init__(self) -> None:
        self._made: list[threading.RLock] = []

    def make(self) -> threading.RLock:
        """Return a new lock, which is let go with the others."""
        lock = threading.RLock()
        self._made.append(lock)
        return lock

    def let_go(self) -> None:
        """Release what the calling thread holds."""
        for lock in tuple(self._made):
            with suppress(RuntimeError):  # it is not, or no more, this thread's
                while True:
                    lock.release()

    def event(self) -> threading.Event:
        """Return an event with such a lock."""
        return _Event(self.make())

    def adopt(self, channel: paramiko.Channel) -> None:
        """Give such locks to a channel that no thread has used yet."""
        channel.lock = self.make()  # type: ignore[assignment]  # the stubs know Lock only
        channel.out_buffer_cv = threading.Condition(channel.lock)
        channel.in_buffer = _Pipe(self.make())
        channel.in_stderr_buffer = _Pipe(self.make())
        channel.event = self.event()
        channel.status_event = self.event()


class Channels(ChannelMap):
    """A transport's channels by number, each of which is given such locks when it is made."""

    def __init__(self, locks: Locks) -> None:
        super().__init__()
        self._lock = locks.make()
        self._locks = locks

    def put(self, chanid: int, chan: paramiko.Channel) -> None:
        """Take a channel in, before anything is sent about it."""
        self._locks.adopt(chan)
        super().put(chanid, chan)


class Locking(Protocol):
    """What calls paramiko, whose locks are these."""

    @property
    def locks(self) -> Locks:
        """The locks to let go."""


_Self = TypeVar("_Self", bound=Locking)


def lets_go(
    method: Callable[Concatenate[_Self, _P], _T],
) -> Callable[Concatenate[_Self, _P], _T]:
    """Make a method let go of paramiko's locks when it is left by an exception."""

    @wraps(method)
    def call(self: _Self, /, *args: _P.args, **options: _P.kwargs) -> _T:
        try:
            return method(self, *args, **options)
        except BaseException:
            self.locks.let_go()
            raise

    return call


class _Pipe(BufferedPipe):  # type: ignore[type-arg]  # generic in the stubs only
    def __init__(self, lock: threading.RLock) -> None:
        super().__init__()
        self._lock = lock
        self._cv = threading.Condition(lock)


class _Event(threading.Event):
    def __init__(self, lock: threading.RLock) -> None:
        super().__init__()
        self._cond = threading.Condition(lock)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait as an event does, in slices: see `ncwire.driver.deadline.SLICE`."""
        until = math.inf if timeout is None else time.monotonic() + timeout
        while not super().wait(max(0.0, min(until - time.monotonic(), SLICE))):
            if time.monotonic() >= until:
                return False
        return True
