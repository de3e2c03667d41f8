"""Replies: correlating each with its rpc (RFC 6241 section 4)."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import Future
from dataclasses import dataclass, field

from ncwire.listeners import Root, SessionListener
from ncwire.messages import BASE_NS

logger = logging.getLogger(__name__)

# Some devices omit the namespace (IOS); none uses another.
_REPLY_TAGS = frozenset({f"{{{BASE_NS}}}rpc-reply", "rpc-reply"})


@dataclass(frozen=True, slots=True)
class Reply:
    """The reply to an rpc: `raw` is the document, `root` its root's name and attributes.

    An `<rpc-error>` in it is left for the caller to read.
    """

    raw: str = field(repr=False)
    root: Root = field(repr=False)
    message_id: str | None


class ReplyListener(SessionListener):
    """Completes the future of each rpc with its reply, or with the session's cause of end.

    A reply without a message-id (RFC 6241 appendix A allows it for malformed-message; some
    servers never send one) belongs to the oldest rpc, for a server replies in order (section
    4.5). `unmatched` counts the replies that nobody waited for.
    """

    def __init__(self) -> None:
        self.unmatched = 0
        self._lock = threading.Lock()
        self._cause: Exception | None = None
        # In the order of sending; None stands for an rpc that was given up, so that a reply
        # without a message-id is not taken for the next one's.
        self._pending: dict[str, Future[Reply] | None] = {}

    def expect(self, message_id: str) -> Future[Reply]:
        """Return the future of the rpc that is about to be sent."""
        future: Future[Reply] = Future()
        with self._lock:
            cause = self._cause
            if cause is None:
                self._pending[message_id] = future
        if cause is not None:
            future.set_exception(cause)
        return future

    def give_up(self, message_id: str) -> None:
        """Drop the reply to that rpc when it comes."""
        with self._lock:
            if message_id in self._pending:
                self._pending[message_id] = None

    def withdraw(self, message_id: str) -> None:
        """Forget an rpc that was never sent."""
        with self._lock:
            self._pending.pop(message_id, None)

    def callback(self, root: Root, raw: str) -> None:
        """Complete the future that the reply belongs to."""
        tag, attributes = root
        if tag not in _REPLY_TAGS:
            return
        message_id = attributes.get("message-id")
        with self._lock:
            key = next(iter(self._pending), None) if message_id is None else message_id
            future = self._take(key) if key in self._pending and key is not None else None
        if future is None or not future.set_running_or_notify_cancel():
            self.unmatched += 1
            logger.debug("dropped a reply that nobody waits for, message-id %r", message_id)
            return
        future.set_result(Reply(raw, root, message_id))

    def errback(self, ex: Exception) -> None:
        """Fail all that still wait with the session's cause of end."""
        with self._lock:
            self._cause = ex
            pending, self._pending = self._pending, {}
        for future in pending.values():
            if future is not None and future.set_running_or_notify_cancel():
                future.set_exception(ex)

    def _take(self, key: str) -> Future[Reply] | None:
        # What was given up and stands before this reply's rpc will never be answered.
        for earlier in list(self._pending):
            if earlier == key:
                break
            if self._pending[earlier] is None:
                del self._pending[earlier]
        return self._pending.pop(key)
