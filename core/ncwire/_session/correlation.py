"""Replies: correlating each with its rpc (RFC 6241 section 4)."""

from __future__ import annotations

import itertools
import logging
import threading
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from ncwire._protocol.messages import spellings
from ncwire._session.reply import Reply
from ncwire._users_code import log
from ncwire.driver.forking import free_in_child
from ncwire.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ncwire._protocol.client import Inlet
    from ncwire._protocol.framing import Document
    from ncwire._session.listeners import Root
    from ncwire._session.pending import Awaited
    from ncwire.errors import NcwireError

logger = logging.getLogger(__name__)

_REPLY_TAGS = spellings("rpc-reply")
_IN_ANOTHER_NAMESPACE = "}rpc-reply"


_AwaitedT = TypeVar("_AwaitedT", bound="Awaited")


class Replies:
    """The rpcs that wait for a reply; every method may be called from any thread.

    A reply without a message-id (RFC 6241 appendix A allows it for malformed-message; some
    servers never send one) belongs to the oldest rpc, for a server replies in order (section
    4.5). That holds for the names that devices are known to give a reply (`spellings`). In any
    other namespace a message is a reply only if its message-id is that of an rpc that was sent:
    without it, it may be anything. `unmatched` counts the replies that no call waited for.
    """

    def __init__(self) -> None:
        self.unmatched = 0
        # Re-entrant: a signal handler may end the session in the middle of its own thread's rpc.
        self._lock = threading.RLock()
        self._cause: NcwireError | None = None
        # In the order of sending; None stands for an rpc that was given up, or whose reply was
        # never awaited, so that a reply without a message-id is not taken for the next one's.
        self._pending: dict[str, Awaited | None] = {}
        self._begun: Awaited | None = None  # the last that began to come in pieces

    def expect(self, message_id: str, awaited: _AwaitedT) -> _AwaitedT:
        """Take note of an rpc that is about to be sent.

        Raises `OptionError` when one with this message-id was sent before, and no reply to it
        has come: whose the next one is could not be known.
        """
        with self._lock:
            cause = self._cause
            if cause is None and self._pending.setdefault(message_id, awaited) is not awaited:
                raise _taken(message_id)
        if cause is not None:
            awaited.fail(cause)
        return awaited

    def note(self, message_id: str) -> bool:
        """Take note of an rpc that is about to be sent, and whose reply is awaited by no call.

        So a reply to it without a message-id is not taken for another's. False if one with this
        message-id was noted, or given up, before. Raises `OptionError` when a call waits for it.
        """
        with self._lock:
            if message_id in self._pending:
                if self._pending[message_id] is not None:
                    raise _taken(message_id)
                return False
            self._pending[message_id] = None
            return True

    def give_up(self, message_id: str) -> None:
        """Drop the reply to that rpc when it comes."""
        with self._lock:
            if message_id in self._pending:
                self._pending[message_id] = None

    def withdraw(self, message_id: str) -> bool:
        """Forget an rpc that was never sent; return False if no call waits, or it has failed."""
        with self._lock:
            return self._pending.pop(message_id, None) is not None

    def begin(self, root: Root) -> Inlet | None:
        """Return where a message goes that is only beginning; None if it is to come whole."""
        if root[0] not in _REPLY_TAGS and not self._is_waited_for(root):
            return None
        message_id = root[1].get("message-id")
        with self._lock:
            key = self._oldest() if message_id is None else message_id
            awaited = self._pending.get(key)
            inlet = None if awaited is None else awaited.begin(root, message_id)
            if awaited is None or inlet is None:
                return None
            self._remove_earlier(key)
            self._begun = awaited  # first, so that an interrupt leaves it to `fail` all the same
            self._pending.pop(key, None)
        if not awaited.wanted:
            self._drop(message_id)
        return inlet

    def answer(self, root: Root, content: str | Document) -> Callable[[], None] | None:
        """Complete what a message is the reply to, or return what does so.

        That is left when its `Awaited` is not for `anywhere`, for none of the user's code is run
        here. A message that is no reply is nothing to it.
        """
        if root[0] not in _REPLY_TAGS and not self._is_waited_for(root):
            return None
        message_id = root[1].get("message-id")
        pending = self._pending
        with self._lock:
            key = self._oldest() if message_id is None else message_id
            awaited = pending.get(key)
            if awaited is not None and not awaited.anywhere:
                return partial(self._complete, Reply(content, root, message_id))
            if len(pending) > 1:
                self._remove_earlier(key)
            # Taken out last: an interrupt before that leaves it to `fail`, which tells it again.
            wanted = awaited is not None and awaited.complete(Reply(content, root, message_id))
            pending.pop(key, None)
        if not wanted:
            self._drop(message_id)
        return None

    def refuse(self, root: Root, error: NcwireError) -> Callable[[], None] | None:
        """Fail what a message is the reply to, which cannot be handed over; return as `answer`."""
        if root[0] not in _REPLY_TAGS and not self._is_waited_for(root):
            return None
        message_id = root[1].get("message-id")
        with self._lock:
            key = self._oldest() if message_id is None else message_id
            awaited = self._pending.get(key)
        task = partial(self._refuse, message_id, error)
        if awaited is not None and not awaited.anywhere:
            return task
        task()
        return None

    def _refuse(self, message_id: str | None, error: NcwireError) -> None:
        with self._lock:
            key = self._oldest() if message_id is None else message_id
            self._remove_earlier(key)
            awaited = self._pending.pop(key, None)
        if awaited is None:
            self._drop(message_id)
        else:
            awaited.fail(error)

    def is_reply(self, root: Root) -> bool:
        """Return whether a message with this root is a reply."""
        return root[0] in _REPLY_TAGS or self._is_waited_for(root)

    def fail(self, cause: NcwireError) -> None:
        """Fail all that still wait, and all that will, with the session's cause of end.

        The first cause counts; another call goes on where an interrupt has ended the one before.
        """
        with self._lock:
            self._cause = cause = self._cause or cause
        if self._begun is not None:
            self._begun.fail(cause)
        # Each is told and taken out by itself: what an interrupt leaves, the next call tells.
        while self._pending:
            key = self._oldest()
            awaited = self._pending.get(key)
            if awaited is not None and awaited.anywhere:
                awaited.fail(cause)  # before it is taken out, and again is no harm
            awaited = self._pending.pop(key, None)
            if awaited is not None and not awaited.anywhere:
                awaited.fail(cause)  # after that, for it runs the user's code, and once

    def leave(self, cause: NcwireError) -> None:
        """Do what `fail` does where the threads are gone: see `Awaited.leave`."""
        free_in_child(self._lock)
        self._cause = self._cause or cause
        pending, self._pending = self._pending, {}
        for awaited in (self._begun, *pending.values()):
            if awaited is not None:
                awaited.leave(self._cause)

    def _complete(self, reply: Reply) -> None:
        message_id, pending = reply.message_id, self._pending
        with self._lock:
            key = self._oldest() if message_id is None else message_id
            if len(pending) > 1:
                self._remove_earlier(key)
            awaited = pending.pop(key, None)
        if awaited is None or not awaited.complete(reply):
            self._drop(message_id)

    def _oldest(self) -> str:
        # Nothing is called here, so that no signal handler adds one meanwhile.
        for key in self._pending:
            return key
        return ""

    def _is_waited_for(self, root: Root) -> bool:
        return (
            root[0].endswith(_IN_ANOTHER_NAMESPACE) and root[1].get("message-id") in self._pending
        )

    def _remove_earlier(self, key: str) -> None:
        """Remove what was given up and stands before this reply's rpc: it is never answered."""
        pending = self._pending
        if key in pending and self._oldest() != key:
            # Of a copy: a signal handler may send in the middle of this.
            earlier = itertools.takewhile(key.__ne__, list(pending))
            for given_up in [each for each in earlier if not self._is_wanted(each)]:
                del pending[given_up]

    def _is_wanted(self, key: str) -> bool:
        awaited = self._pending[key]
        return awaited is not None and awaited.wanted

    def _drop(self, message_id: str | None) -> None:
        self.unmatched += 1
        text = "dropped a reply that no call waits for, message-id %r"
        log(logger, logging.DEBUG, text, message_id)


def _taken(message_id: str) -> OptionError:
    return OptionError(
        "message-id",
        f"{message_id!r} is that of an earlier rpc, to which no reply has come yet; take another",
    )
