"""The threads in which the blocking steps of connecting run, a bounded number at a time."""

from __future__ import annotations

import threading
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from ncwire.driver import Forkable, watch_forks
from ncwire.driver.forking import free_in_child
from ncwire.driver.seconds import whole_number

if TYPE_CHECKING:
    from collections.abc import Callable

    Task = Callable[[], None]


class Pool(Forkable):
    """Runs tasks in daemon threads, each of which ends when nothing is left to do."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._lock = threading.RLock()
        self._waiting: deque[Task] = deque()
        self._threads = 0
        watch_forks(self)

    def submit(self, task: Task) -> None:
        """Run a task, which must raise nothing, as soon as it has its turn.

        Raises RuntimeError where no thread can be started and none is at work; it is not run then.
        """
        with self._lock:
            self._waiting.append(task)
            if self._threads >= self.size:
                return
            try:
                self._start_thread()
            except BaseException:
                if not self._threads:
                    self._waiting.remove(task)
                    raise

    def resize(self, size: int) -> None:
        """Have at most so many threads: tasks that wait begin at once where these are more."""
        with self._lock:
            self.size = size
            for _ in range(min(size - self._threads, len(self._waiting))):
                self._start_thread()

    def cancel(self, task: Task) -> bool:
        """Take back a task; False if it has begun."""
        with self._lock:
            try:
                self._waiting.remove(task)
            except ValueError:
                return False
            return True

    def _start_thread(self) -> None:
        self._threads += 1
        try:
            threading.Thread(target=self._work, name="ncwire-connect", daemon=True).start()
        except BaseException:
            self._threads -= 1
            raise

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting or self._threads > self.size:
                    self._threads -= 1
                    return
                task = self._waiting.popleft()
            task()
            del task  # what it holds must not live on while this thread waits for the lock

    def abandon_in_child(self) -> None:
        """Have no thread and no task in a forked child; see `Forkable`."""
        free_in_child(self._lock)
        self._waiting.clear()
        self._threads = 0


POOL: Final = Pool(32)


def limit_connecting(count: int) -> None:
    """Have at most so many `ncwire.aio.connect` at work at a time in this process; 32 by default.

    Each takes a thread until its session is open; the others wait for their turn, and the budgets
    of a connect begin with it. Those that are at work go on, and of those that wait as many begin
    at once as may now. From any thread.

    Raises `OptionError` for what is no whole number of 1 or more.
    """
    size = whole_number("count", count, 1)
    with suppress(RuntimeError):  # no thread can be started: those that are there do it all
        POOL.resize(size)
