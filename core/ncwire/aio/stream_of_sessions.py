"""The notifications of all sessions of a `Persistent`, as one async iterator."""

# ruff: noqa: ASYNC109 - the same parameters as the sync ones have

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final, Self, TypeVar, overload

from ncwire._one_process import OneProcess
from ncwire.aio.awaited import Signal
from ncwire.driver.seconds import seconds_or_none
from ncwire.errors import SessionCloseError, StepTimeoutError
from ncwire.persistent.notifications import NotificationStream as SyncStream

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from ncwire._engine.asyncio_home import AsyncioHome
    from ncwire._session.notifications import Notification
    from ncwire.persistent.notifications import Gap

DefaultT = TypeVar("DefaultT")

_NONE: Final = object()
_RUN = 64
"""How many are handed over in a row before other tasks have their turn."""


class Queue(SyncStream):
    """The queue itself, which the persistent session fills; it tells when something is there."""

    def __init__(
        self,
        maxsize: int,
        unregister: Callable[[SyncStream], None],
        lost: Exception | None,
        came: Signal,
    ) -> None:
        super().__init__(maxsize, unregister, lost)
        self._came = came

    def _wake(self) -> None:
        if not self._came.is_set:
            self._came.set()


class NotificationStream(OneProcess):
    """The notifications of an `ncwire.aio.Persistent`: made by its `notifications` alone.

    An async iterator of `Notification` and, where one session has ended and the next has taken
    its place, of `ncwire.persistent.Gap`; an async context manager. It is bounded, drops, counts
    and ends as `ncwire.persistent.NotificationStream` does. For one task at a time; several
    streams each get every notification.
    """

    def __init__(self, home: AsyncioHome, fill: Callable[[Signal], Queue]) -> None:
        self._came = Signal(home)
        self._queue = fill(self._came)
        self._run = 0

    @property
    def received(self) -> int:
        """How many notifications have come."""
        return self._queue.received

    @property
    def dropped(self) -> int:
        """How many of them were dropped, since the queue was full; a gap never is."""
        return self._queue.dropped

    @property
    def undecodable(self) -> int:
        """How many of them were not UTF-8, and were passed over."""
        return self._queue.undecodable

    @overload
    async def get(self, timeout: float | None = None) -> Notification | Gap: ...

    @overload
    async def get(
        self, timeout: float | None, default: DefaultT
    ) -> Notification | Gap | DefaultT: ...

    @overload
    async def get(
        self, timeout: float | None = None, *, default: DefaultT
    ) -> Notification | Gap | DefaultT: ...

    async def get(self, timeout: float | None = None, default: object = _NONE) -> object:
        """Return the next one, as `ncwire.persistent.NotificationStream.get` does.

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

    async def __anext__(self) -> Notification | Gap:
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
