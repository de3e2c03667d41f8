"""`Task`: a call in a thread of its own, so that what blocks can be told from what works."""

from __future__ import annotations

import sys
import threading
import traceback
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

ResultT = TypeVar("ResultT")


class Stuck(AssertionError):  # noqa: N818 - it is a verdict, not an error of the kit's
    """A call did not return in time; the text shows where it is."""


class Task(Generic[ResultT]):
    """A call under way; it is started by making one."""

    def __init__(self, call: Callable[[], ResultT], what: str) -> None:
        self._call = call
        self.what = what
        self._results: list[ResultT] = []
        self._error: BaseException | None = None
        self._lock = threading.Lock()
        self._ended = False
        self._listeners: list[Callable[[], None]] = []
        # A daemon: a driver that blocks for ever must not keep pytest from ending.
        self._thread = threading.Thread(target=self._run, name=f"kit: {what}", daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether the call has not returned yet."""
        return not self._ended

    def notify(self, listener: Callable[[], None]) -> None:
        """Have `listener` called when the call has returned; at once if it has."""
        with self._lock:
            if not self._ended:
                self._listeners.append(listener)
                return
        listener()

    def result(self, seconds: float) -> ResultT:
        """Return or raise what the call did; raise `Stuck` when it does neither in time."""
        self._thread.join(seconds)
        if self._thread.is_alive():
            raise self.stuck(seconds)
        if self._error is not None:
            raise self._error
        return self._results[0]

    def stuck(self, seconds: float) -> Stuck:
        """Return the verdict on a call that has not returned within so many seconds."""
        return Stuck(f"{self.what}: not done within {seconds:g} s; it is at\n{self._place()}")

    def wait(self, seconds: float) -> bool:
        """Wait for the call's end, however it ends; return whether it came."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._results.append(self._call())
        except BaseException as error:  # noqa: BLE001 - carried to the thread that waits
            self._error = error
        with self._lock:
            self._ended = True
        for listener in self._listeners:
            listener()

    def _place(self) -> str:
        frame = sys._current_frames().get(self._thread.ident or 0)  # noqa: SLF001 - documented
        return "".join(traceback.format_stack(frame)[-6:]) if frame else "(just ended)"
