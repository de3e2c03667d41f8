"""Reading, by `await`, of what a session puts into a queue."""

# ruff: noqa: ASYNC109 - the same parameters as the sync ones have

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final, Generic, Protocol, Self, TypeVar, overload

from ncwire._one_process import OneProcess
from ncwire.driver.seconds import seconds_or_none
from ncwire.errors import SessionCloseError, StepTimeoutError

if TYPE_CHECKING:
    from types import TracebackType

    from ncwire.aio.awaited import Signal

ItemT = TypeVar("ItemT")
ItemT_co = TypeVar("ItemT_co", covariant=True)
DefaultT = TypeVar("DefaultT")

_NONE: Final = object()
_RUN = 64
"""How many are handed over in a row before other tasks have their turn."""


class _Queue(Protocol[ItemT_co]):
    """What is read from: the sync reader, which sets a `Signal` when something is there."""

    received: int
    dropped: int
    undecodable: int

    def get(self, timeout: float, default: None) -> ItemT_co | None: ...

    def close(self) -> None: ...


class Reader(OneProcess, Generic[ItemT]):
    """An async iterator and an async context manager over a queue that others fill."""

    def __init__(self, queue: _Queue[ItemT], came: Signal) -> None:
        self._queue = queue
        self._came = came
        self._run = 0

    @property
    def received(self) -> int:
        """How many notifications have come."""
        return self._queue.received

    @property
    def dropped(self) -> int:
        """How many of them were dropped, since the queue was full."""
        return self._queue.dropped

    @property
    def undecodable(self) -> int:
        """How many of them were not UTF-8, and were passed over."""
        return self._queue.undecodable

    @overload
    async def get(self, timeout: float | None = None) -> ItemT: ...

    @overload
    async def get(self, timeout: float | None, default: DefaultT) -> ItemT | DefaultT: ...

    @overload
    async def get(
        self, timeout: float | None = None, *, default: DefaultT
    ) -> ItemT | DefaultT: ...

    async def get(self, timeout: float | None = None, default: object = _NONE) -> object:
        """Return the next one, as `get` of the sync one does.

        A task that is cancelled meanwhile has taken none.
        """
        seconds = None if timeout is None else seconds_or_none("timeout", timeout)
        until = None if seconds is None else time.monotonic() + seconds
        self._run += 1
        if self._run >= _RUN:
            self._run = 0
            await asyncio.sleep(0)
        while True:
            # What comes between the look and the wait sets it anew.
            self._came.clear()
            found = self._queue.get(0, None)
            if found is not None:
                return found
            left = None if until is None else until - time.monotonic()
            if left is not None and left <= 0:
                if default is not _NONE:
                    return default
                raise StepTimeoutError("notification", timeout or 0.0)
            self._run = 0
            await self._came.wait(left)

    async def close(self) -> None:
        """Take no more; a task that waits in `get` is woken. Idempotent."""
        self._queue.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ItemT:
        try:
            return await self.get()
        except SessionCloseError as error:
            if error.closed_by == "us":
                raise StopAsyncIteration from None
            raise

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()
