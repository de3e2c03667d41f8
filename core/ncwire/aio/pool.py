"""The threads in which the blocking steps of connecting run, a bounded number at a time."""

from __future__ import annotations

import threading
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from ncwire.driver import Forkable, watch_forks
from ncwire.driver.forking import free_in_child
from ncwire.driver.seconds import whole_number
from ncwire.driver.threads import start_thread

if TYPE_CHECKING:
    from collections.abc import Callable

    Task = Callable[[], None]


class Pool(Forkable):
    """Runs tasks in daemon threads, each of which ends when nothing is left to do."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._lock = threading.RLock()
        self._waiting: deque[Task] = deque()
        self._threads: set[threading.Thread] = set()
        watch_forks(self)

    def submit(self, task: Task) -> None:
        """Run a task, which must raise nothing, as soon as it has its turn.

        Raises RuntimeError where no thread can be started and none is at work, and what a signal
        handler raises; it is not run then, unless it has begun already.
        """
        with self._lock:
            self._waiting.append(task)
            try:
                if len(self._threads) < self.size:
                    self._start_thread()
            except BaseException as error:
                if self._threads and isinstance(error, RuntimeError):
                    return  # a thread that is at work does it when it can
                self.cancel(task)
                raise

    def resize(self, size: int) -> None:
        """Have at most so many threads: tasks that wait begin at once where these are more."""
        with self._lock:
            self.size = size
            for _ in range(min(size - len(self._threads), len(self._waiting))):
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
        thread = threading.Thread(target=self._work, name="ncwire-connect", daemon=True)
        try:
            self._threads.add(thread)
            start_thread(thread)
        except BaseException:
            # An interrupt may have come when it had started: it ends where it finds itself let go.
            self._threads.discard(thread)
            raise

    def _work(self) -> None:
        this = threading.current_thread()
        while True:
            with self._lock:
                if this not in self._threads:
                    return
                if not self._waiting or len(self._threads) > self.size:
                    self._threads.discard(this)
                    return
                task = self._waiting.popleft()
            task()
            del task  # what it holds must not live on while this thread waits for the lock

    def abandon_in_child(self) -> None:
        """Have no thread and no task in a forked child; see `Forkable`."""
        free_in_child(self._lock)
        self._waiting.clear()
        self._threads = set()


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
