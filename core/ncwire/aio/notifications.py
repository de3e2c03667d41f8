"""Notifications (RFC 5277) as an async iterator, out of a bounded queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncwire._session.notifications import Notification
from ncwire._session.notifications import NotificationReader as SyncReader
from ncwire.aio.awaited import Signal
from ncwire.aio.reading import Reader

if TYPE_CHECKING:
    from collections.abc import Callable

    from ncwire._engine.asyncio_home import AsyncioHome
    from ncwire._session.listeners import Root, SessionListener


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


class NotificationReader(Reader[Notification]):
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
        came = Signal(home)
        queue = _Queue(maxsize, unregister, came)
        super().__init__(queue, came)
        register(queue)
