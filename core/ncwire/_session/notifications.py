"""Notifications (RFC 5277), in a bounded queue."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar, overload

from ncwire._one_process import OneProcess
from ncwire._protocol.messages import NOTIFICATION_NS
from ncwire._session.listeners import Root, SessionListener
from ncwire.driver.deadline import SLICE
from ncwire.driver.forking import is_free
from ncwire.driver.seconds import seconds_or_none, whole_number
from ncwire.errors import MessageDecodeError, SessionCloseError, StepTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType
    from xml.etree.ElementTree import Element

DefaultT = TypeVar("DefaultT")

_NONE: Final = object()
"""No default: None is one."""
_TAGS = frozenset({f"{{{NOTIFICATION_NS}}}notification", "notification"})


class _Parsed:
    # Apart from the fields, which are all that is compared and pickled.
    __slots__ = ("_element",)

    _element: Element


@dataclass(frozen=True, slots=True)
class Notification(_Parsed):
    """One notification: `raw` is the document, `root` its root's name and attributes.

    Nothing more of it is read before it is asked for. `element` and `lxml` raise `MessageError`
    for a document that is not well-formed, `ForbiddenXMLError` for one with a DOCTYPE.
    """

    raw: str = field(repr=False)
    root: Root

    @property
    def element(self) -> Element:
        """The document's root as an element of `xml.etree.ElementTree`, read with defusedxml.

        It is read once, and is the same each time.
        """
        try:
            return self._element
        except AttributeError:
            # As little as `import ncwire` needs is read with it.
            from ncwire._protocol.replies import parsed  # noqa: PLC0415

            element = parsed(self.raw, "notification")
            object.__setattr__(self, "_element", element)
            return element

    def lxml(self, parser: Any = None) -> Any:
        """Return the document's root as an element of lxml, read anew.

        With a `parser` of lxml's it is read by that, as for `huge_tree`; else by one that resolves
        no entities, and fetches nothing. Raises `OptionError` where lxml is not installed.
        """
        from ncwire._protocol.replies import parsed_by_lxml  # noqa: PLC0415 - as in `element`

        return parsed_by_lxml(self.raw, parser, "notification")


class NotificationReader(OneProcess, SessionListener):
    """The notifications of a session since the reader was made, in order of arrival.

    At most `maxsize` wait here to be read. Should more come, the *oldest* is dropped, so that
    a reader that lags sees the latest state of affairs; `received` counts all, `dropped` those.
    `undecodable` counts notifications that are not UTF-8: they are logged as a warning and passed
    over, unless the profile's `received.encoding` names the device's encoding; a listener of
    one's own gets their bytes, by its `errback`.
    Iterating waits for each and ends with the session: quietly when we closed it, otherwise by
    raising its cause. Several readers of one session each get every notification. What came
    before the reply to an rpc is here when `rpc` returns, also where other listeners are slow.
    """

    anywhere = True
    roots = _TAGS

    def __init__(self, maxsize: int, unregister: Callable[[NotificationReader], None]) -> None:
        whole_number("maxsize", maxsize, 1)
        self.received = 0
        self.dropped = 0
        self.undecodable = 0
        self._queue: deque[Notification] = deque()
        self._maxsize = maxsize
        self._unregister = unregister
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._cause: Exception | None = None

    @overload
    def get(self, timeout: float | None = None) -> Notification: ...

    @overload
    def get(self, timeout: float | None, default: DefaultT) -> Notification | DefaultT: ...

    @overload
    def get(
        self, timeout: float | None = None, *, default: DefaultT
    ) -> Notification | DefaultT: ...

    def get(self, timeout: float | None = None, default: object = _NONE) -> object:
        """Return the next notification, waiting up to `timeout` seconds; None waits for ever.

        0 takes one that is there already. What had arrived before the session's end comes first;
        then its cause is raised. When none came in time it returns the `default` if there is one,
        None say, and else raises `StepTimeoutError`: the reader can be asked again.
        `OptionError` for a timeout that is no number of seconds.
        """
        deadline = None
        if timeout is not None:
            deadline = time.monotonic() + seconds_or_none("timeout", timeout)
        with self._lock:
            while not self._queue:
                if self._cause is not None:
                    raise self._cause
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    if default is not _NONE:
                        return default
                    raise StepTimeoutError("notification", timeout or 0.0)
                self._changed.wait(SLICE if left is None else min(left, SLICE))
            notification = self._queue.popleft()
        return notification  # noqa: RET504 - a call right before the lock is left is cut short there

    def close(self) -> None:
        """Take no more notifications; who waits in `get` is woken. Idempotent."""
        self._unregister(self)
        self.errback(SessionCloseError(b"", closed_by="us", reason="the reader was closed"))

    def callback(self, root: Root, raw: str) -> None:
        """Queue a notification, at the cost of the oldest when the queue is full."""
        with self._lock:
            self.received += 1
            if len(self._queue) == self._maxsize:
                self._queue.popleft()
                self.dropped += 1
            self._queue.append(Notification(raw, root))
            self._changed.notify()

    def errback(self, ex: Exception) -> None:
        """Wake who waits, with the session's cause of end; count what is not UTF-8."""
        with self._lock:
            if isinstance(ex, MessageDecodeError):
                self.received += 1
                self.undecodable += 1
                return
            if self._cause is None:
                self._cause = ex
            self._changed.notify_all()

    def __iter__(self) -> Iterator[Notification]:
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

    def leave(self, cause: Exception) -> None:
        """Do what `errback` does where the threads are gone: in a forked child, or at the exit."""
        if not is_free(self._lock):
            self._lock = threading.RLock()
            self._changed = threading.Condition(self._lock)
        self.errback(cause)
