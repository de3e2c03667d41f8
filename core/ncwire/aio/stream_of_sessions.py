"""The notifications of all sessions of a `Persistent`, as one async iterator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncwire._session.notifications import Notification
from ncwire.aio.awaited import Signal
from ncwire.aio.reading import Reader
from ncwire.persistent.notifications import Gap
from ncwire.persistent.notifications import NotificationStream as SyncStream

if TYPE_CHECKING:
    from collections.abc import Callable

    from ncwire._engine.asyncio_home import AsyncioHome


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


class NotificationStream(Reader[Notification | Gap]):
    """The notifications of an `ncwire.aio.Persistent`: made by its `notifications` alone.

    An async iterator of `Notification` and, where one session has ended and the next has taken
    its place, of `ncwire.persistent.Gap`; an async context manager. It is bounded, drops, counts
    and ends as `ncwire.persistent.NotificationStream` does. For one task at a time; several
    streams each get every notification.
    """

    def __init__(self, home: AsyncioHome, fill: Callable[[Signal], Queue]) -> None:
        came = Signal(home)
        super().__init__(fill(came), came)
