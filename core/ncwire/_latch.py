"""`Latch`: set once, and waited for, without a lock that both would need."""

from __future__ import annotations

import threading
import time
from collections import deque
from contextlib import suppress

from ncwire.driver.deadline import SLICE


class Latch:
    """As `threading.Event`, but never cleared; and `set` never waits for anything.

    An Event's `set` takes a lock that its `wait` takes too, and that is not re-entrant: a signal
    handler that sets what its own thread waits for would wait for itself, and a forked child for
    a thread that does not exist there (CPython 3.11, threading.py). Here each waiter has a lock
    of its own, which is let go once, by the one who takes it out of the line.
    """

    __slots__ = ("_set", "_waiters")

    def __init__(self) -> None:
        self._set = False
        # What is done to it is one step each, in which no other thread or handler can come.
        self._waiters: deque[threading.Lock] = deque()

    def is_set(self) -> bool:
        """Return whether `set` was called."""
        return self._set

    def set(self) -> None:
        """Wake all that wait. Idempotent, from any thread, a signal handler or a fork's child."""
        self._set = True
        while True:
            try:
                waiter = self._waiters.popleft()
            except IndexError:
                return
            waiter.release()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for `set`, up to so many seconds (None: for ever); return whether it was called."""
        if self._set:
            return True
        waiter = threading.Lock()
        waiter.acquire()
        self._waiters.append(waiter)
        try:
            # `set` sets first and looks for waiters then: so one of both sees the other.
            until = None if seconds is None else time.monotonic() + seconds
            while not self._set:
                left = SLICE if until is None else min(until - time.monotonic(), SLICE)
                if waiter.acquire(timeout=max(0.0, left)) or left < SLICE:
                    break
        finally:
            with suppress(ValueError):
                self._waiters.remove(waiter)
        return self._set
