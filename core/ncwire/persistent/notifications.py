"""`NotificationStream`: the notifications of all sessions in a row, with marks where gaps are."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Self, TypeVar, overload

from ncwire._one_process import OneProcess
from ncwire._session.listeners import Root, SessionListener
from ncwire._session.notifications import Notification, NotificationReader
from ncwire.driver.deadline import SLICE
from ncwire.driver.forking import is_free
from ncwire.driver.seconds import seconds_or_none, whole_number
from ncwire.errors import MessageDecodeError, SessionCloseError, StepTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from ncwire._session.base import Session

DefaultT = TypeVar("DefaultT")

_NONE: Final = object()
"""No default: None is one."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Where notifications may be missing: between two sessions. Times are aware, in UTC.

    They are this machine's, and a device's clock may go otherwise. A device that keeps its
    notifications can be asked for those again (RFC 5277 section 2.1.1, <startTime>): best from
    the eventTime of the last one that came, for `since` is when the end was noticed.
    """

    since: datetime
    """When the end of the one session was noticed.

    The last of what it sent may be lost, too: after a keepalive that went unanswered, all since
    `keepalive * (keepalive_count + 1)` seconds before.
    """
    until: datetime
    """When the next one was in order: its first notification, or `on_session`'s return."""
    cause: Exception
    """What the last session ended with."""


class NotificationStream(OneProcess):
    """The notifications of a `Persistent` since the stream was made, in order of arrival.

    Each is a `Notification`; where a session has ended and another one taken its place stands a
    `Gap`. At most `maxsize` notifications wait here to be read. Should more come, the *oldest* is
    dropped; `received` counts all, `dropped` those, `undecodable` those that are not UTF-8. A gap
    is never dropped: two with nothing left between them become one.
    Iterating waits for each, whether there is a session or not, and ends when the `Persistent`
    has stopped: quietly when we closed it, otherwise by raising its cause. Usable as a context
    manager, which closes the stream alone.
    """

    def __init__(
        self,
        maxsize: int,
        unregister: Callable[[NotificationStream], None],
        lost: Exception | None = None,
    ) -> None:
        whole_number("maxsize", maxsize, 1)
        self.received = 0
        self.dropped = 0
        self.undecodable = 0
        self._maxsize = maxsize
        self._unregister = unregister
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._queue: deque[Notification | Gap] = deque()
        self._gaps = 0  # how many of the queue are gaps
        self._cause: Exception | None = None
        # A gap that has no end yet: made between two sessions, the stream begins with one.
        self._lost = None if lost is None else (datetime.now(UTC), lost)
        self._is_live = False
        self._feed: _Feed | None = None

    @overload
    def get(self, timeout: float | None = None) -> Notification | Gap: ...

    @overload
    def get(self, timeout: float | None, default: DefaultT) -> Notification | Gap | DefaultT: ...

    @overload
    def get(
        self, timeout: float | None = None, *, default: DefaultT
    ) -> Notification | Gap | DefaultT: ...

    def get(self, timeout: float | None = None, default: object = _NONE) -> object:
        """Return the next notification or gap, waiting up to `timeout` seconds; None: for ever.

        As `NotificationReader.get`: 0 takes one that is there; the `default` is returned where
        none came in time, and else `StepTimeoutError` raised. What had arrived comes first; then
        the cause that the `Persistent` has stopped with is raised. `OptionError` for a timeout
        that is no number of seconds.
        """
        deadline = None
        if timeout is not None:
            deadline = time.monotonic() + seconds_or_none("timeout", timeout)
        with self._lock:
            while not self._queue:
                if self._cause is not None:
                    raise self._cause.with_traceback(None)
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    if default is not _NONE:
                        return default
                    raise StepTimeoutError("notification", timeout or 0.0)
                self._changed.wait(SLICE if left is None else min(left, SLICE))
            return self._take()

    def close(self) -> None:
        """Take no more notifications; who waits in `get` is woken. Idempotent."""
        self._unregister(self)
        feed = self._feed
        if feed is not None:
            feed.session.remove_listener(feed)
        self.end(SessionCloseError(b"", closed_by="us", reason="the stream was closed"))

    def __iter__(self) -> Iterator[Notification | Gap]:
        while True:
            try:
                yield self.get()
            except SessionCloseError as error:
                if error.closed_by == "us":
                    return
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    # --- what the persistent session tells; nothing of it waits for a reader ---------------------

    def listen(self, session: Session) -> None:
        """Take this session's notifications, no other's: its `Persistent`'s own to call."""
        with self._lock:
            if self._cause is not None or (self._feed and self._feed.session is session):
                return
            self._feed = feed = _Feed(self, session)
        session.add_listener(feed)

    def is_in_order(self) -> None:
        """End a gap, for the session is as it is to be: its `Persistent`'s own to call."""
        with self._lock:
            self._end_gap()

    def lose(self, session: Session, cause: Exception) -> None:
        """Begin a gap, if there is none, for this session has ended: its `Persistent`'s to call.

        What has never been in order cannot be lost: so the first attempts that fail leave no gap.
        """
        with self._lock:
            if self._feed is None or self._feed.session is not session:
                return
            # In this order, for one that was interrupted is told once more.
            if self._is_live:
                self._lost = datetime.now(UTC), cause
                self._is_live = False
            self._feed = None

    def end(self, cause: Exception) -> None:
        """Take no more, and raise this cause when all is read: its `Persistent`'s own to call.

        The first call's cause counts.
        """
        with self._lock:
            self._feed = None
            self._cause = self._cause or cause
            self._wake()

    def leave(self, cause: Exception) -> None:
        """Do what `end` does where the threads are gone: in a forked child, or at the exit."""
        if not is_free(self._lock):
            self._lock = threading.RLock()
            self._changed = threading.Condition(self._lock)
        self.end(cause)

    # --- the queue, with the condition held ------------------------------------------------------

    def _put(self, feed: _Feed, notification: Notification | None) -> None:
        with self._lock:
            if feed is not self._feed:  # of a session that counts as ended
                return
            self._end_gap()
            self.received += 1
            if notification is None:
                self.undecodable += 1
                return
            if len(self._queue) - self._gaps == self._maxsize:
                self._drop()
            self._queue.append(notification)
            self._wake()

    def _end_gap(self) -> None:
        self._is_live = True
        if self._lost is None or self._cause is not None:
            return
        since, cause = self._lost
        self._append_gap(Gap(since, datetime.now(UTC), cause))
        self._lost = None  # last: an interrupt before it doubles a gap, and loses none
        self._wake()

    def _wake(self) -> None:
        self._changed.notify_all()

    def _append_gap(self, gap: Gap) -> None:
        if self._queue and isinstance(last := self._queue[-1], Gap):
            self._queue[-1] = replace(gap, since=last.since)
            return
        self._queue.append(gap)
        self._gaps += 1

    def _drop(self) -> None:
        """Drop the oldest notification, before which at most one gap stands."""
        self.dropped += 1
        first = self._queue.popleft()
        if not isinstance(first, Gap):
            return
        self._queue.popleft()
        if self._queue and isinstance(second := self._queue[0], Gap):
            self._queue[0] = replace(second, since=first.since)
            self._gaps -= 1
        else:
            self._queue.appendleft(first)

    def _take(self) -> Notification | Gap:
        taken = self._queue.popleft()
        if isinstance(taken, Gap):
            self._gaps -= 1
        return taken


class _Feed(SessionListener):
    """Hands one session's notifications to the stream."""

    anywhere = True
    roots = NotificationReader.roots

    def __init__(self, stream: NotificationStream, session: Session) -> None:
        self._stream = stream
        self.session = session

    def callback(self, root: Root, raw: str) -> None:
        self._stream._put(self, Notification(raw, root))  # noqa: SLF001 - two parts of one thing

    def errback(self, ex: Exception) -> None:
        if isinstance(ex, MessageDecodeError):
            self._stream._put(self, None)  # noqa: SLF001
