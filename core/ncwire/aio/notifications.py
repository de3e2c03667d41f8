"""Notifications (RFC 5277) as an async iterator, out of a bounded queue."""

# ruff: noqa: ASYNC109 - the same parameters as the sync ones have

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final, Self, TypeVar, overload

from ncwire._one_process import OneProcess
from ncwire._session.notifications import NotificationReader as SyncReader
from ncwire.aio.awaited import Signal
from ncwire.driver.seconds import seconds_or_none
from ncwire.errors import SessionCloseError, StepTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from ncwire._engine.asyncio_home import AsyncioHome
    from ncwire._session.listeners import Root, SessionListener
    from ncwire._session.notifications import Notification

DefaultT = TypeVar("DefaultT")

_NONE: Final = object()
_RUN = 64
"""How many are handed over in a row before other tasks have their turn."""


class _Queue(SyncReader):
    """The queue itself, which tells when something was put in."""

    def __init__(
        self, maxsize: int, unregister: Callable[[SessionListener], None], came: Signal
    ) -> None:
        super().__init__(maxsize, unregister)
        self._came = came

    def callback(self, root: Root, raw: str) -> None:
        """See `NotificationReader.callback`."""
        super().callback(root, raw)
        if not self._came.is_set:
            self._came.set()

    def errback(self, ex: Exception) -> None:
        """See `NotificationReader.errback`."""
        super().errback(ex)
        self._came.set()


class NotificationReader(OneProcess):
    """The notifications of a session since the reader was made: `Session.notifications`.

    An async iterator and an async context manager. It is bounded, and drops and counts as
    `ncwire.NotificationReader` does; iterating ends with the session as it does there. Of several
    tasks that read from one each notification goes to one; several readers of one session each
    get every notification.
    """

    def __init__(
        self,
        home: AsyncioHome,
        maxsize: int,
        register: Callable[[SessionListener], None],
        unregister: Callable[[SessionListener], None],
    ) -> None:
        self._came = Signal(home)
        self._queue = _Queue(maxsize, unregister, self._came)
        self._run = 0
        register(self._queue)

    @property
    def received(self) -> int:
        """How many have come."""
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
    async def get(self, timeout: float | None = None) -> Notification: ...

    @overload
    async def get(self, timeout: float | None, default: DefaultT) -> Notification | DefaultT: ...

    @overload
    async def get(
        self, timeout: float | None = None, *, default: DefaultT
    ) -> Notification | DefaultT: ...

    async def get(self, timeout: float | None = None, default: object = _NONE) -> object:
        """Return the next notification, as `ncwire.NotificationReader.get` does.

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
        """Take no more notifications; a task that waits in `get` is woken. Idempotent."""
        self._queue.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Notification:
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
