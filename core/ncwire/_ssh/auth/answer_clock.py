"""The clock of an attempt that a person answers: it stops while they think and type."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from ncwire.driver.threads import start_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import TracebackType


class AnswerClock:
    """Calls `hang_up` once when the server has taken `seconds`, not counting `stopped`.

    A context manager. `hang_up` is called on a thread of the clock's own, which has ended when the
    context is left; it frees the connection, so that the driver's step fails. The budget cannot
    be in the driver's deadline: that is a point in time, and most libraries are given a timeout
    once, before anything is asked.
    """

    def __init__(self, seconds: float, hang_up: Callable[[], None]) -> None:
        self._left = seconds
        self._hang_up = hang_up
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._running_since: float | None = None
        self._ended = False
        self._thread = threading.Thread(
            target=self._watch, name="ncwire-answer-clock", daemon=True
        )
        self.has_expired = False

    def __enter__(self) -> Self:
        self._running_since = time.monotonic()
        try:
            start_thread(self._thread)
        except BaseException:
            self._end()  # it may run all the same, after an interrupt
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end()
        self._thread.join()

    def _end(self) -> None:
        with self._lock:
            self._ended = True
            self._changed.notify()

    @contextmanager
    def stopped(self) -> Generator[None]:
        """Let no time pass meanwhile. Any thread may do so, a library's own included."""
        with self._lock:
            self._left -= self._passed()
            self._running_since = None
        try:
            yield
        finally:
            with self._lock:
                self._running_since = time.monotonic()
                self._changed.notify()

    def _passed(self) -> float:
        return 0.0 if self._running_since is None else time.monotonic() - self._running_since

    def _watch(self) -> None:
        with self._lock:
            while not self._ended and (left := self._left - self._passed()) > 0:
                self._changed.wait(None if self._running_since is None else left)
            if self._ended:
                return
            self.has_expired = True
        # Without the lock: what the driver's step does while it fails may stop the clock.
        self._hang_up()
