"""`LoopCall`: one coroutine on a loop of another thread, and the thread that waits for it."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ncwire.driver.threads import locked, unlock
from ncwire.errors import TransportError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from ncwire.driver.deadline import Deadline

_ResultT = TypeVar("_ResultT")

_SLICE = 0.25
"""Seconds that a call waits at once: a signal that comes after the interpreter's last look for
signals, and before the system waits, is seen when the wait is over (CPython 3.11)."""


class LoopCall(Generic[_ResultT]):
    """`post` has a function called on the loop, and returns whether there is one."""

    def __init__(
        self,
        post: Callable[[Callable[[], object]], bool],
        function: Callable[[], Coroutine[Any, Any, _ResultT]],
    ) -> None:
        self.over = False
        """Whether no thread waits for it any more."""
        self._post = post
        self._function = function
        self._task: asyncio.Task[_ResultT] | None = None
        self._results: list[_ResultT] = []
        self._error: BaseException | None = None
        self._asked: deque[tuple[Callable[[], object], asyncio.Future[object]]] = deque()
        # Unlocked when there is something to look at. The lock of an event of Python's own could
        # be held, in a forked child, by a thread that is not there.
        self._news = locked()

    def begin(self) -> None:
        """Start the coroutine, unless no thread waits any more. On the loop."""
        if self.over or self._error is not None:
            return
        self._task = asyncio.ensure_future(self._function())
        self._task.add_done_callback(self._done)

    def result(self, deadline: Deadline) -> _ResultT:
        """Return or raise what the coroutine does, and do meanwhile what it asks for."""
        while True:
            if self._results:
                return self._results[0]
            if self._error is not None:
                error, self._error = self._error, None
                try:
                    raise error
                finally:
                    del error  # whose traceback has this frame
            self._answer()
            self._news.acquire(timeout=min(deadline.remaining(), _SLICE))

    def give_up(self, error: BaseException) -> None:
        """Have it fail, unless it has come to its end. From any thread, in a forked child too."""
        if self._error is None and not self._results:
            self._error = error
        unlock(self._news)

    def cancel(self) -> None:
        """End the coroutine, if it has not ended; one that has not begun does not."""
        self.over = True
        if self._task is None or not self._task.done():
            self._post(self._cancel)

    async def ask(self, function: Callable[[], object]) -> object:
        """Have the waiting thread call a function. On the loop."""
        answer: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self._asked.append((function, answer))
        unlock(self._news)
        return await answer

    def _answer(self) -> None:
        while self._asked:
            function, answer = self._asked.popleft()
            given = function()
            self._post(lambda: _set(answer, given))  # noqa: B023 - there is one at a time

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _done(self, task: asyncio.Task[_ResultT]) -> None:
        if task.cancelled():
            self.give_up(TransportError("cancelled"))
        elif (error := task.exception()) is not None:
            self.give_up(error)
        else:
            self._results.append(task.result())
            unlock(self._news)


def _set(answer: asyncio.Future[object], given: object) -> None:
    if not answer.done():
        answer.set_result(given)
