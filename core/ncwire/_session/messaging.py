"""What is said over a session: messages, rpcs and their replies, and what listeners hear."""

from __future__ import annotations

import logging
import time
from abc import ABC, abstractmethod
from functools import partial
from typing import TYPE_CHECKING, overload

from ncwire._protocol.operation import rpc_in, serialised
from ncwire._protocol.rpc import RPCWriter
from ncwire._session.correlation import Replies
from ncwire._session.listeners import Listeners, ListenerT, Root, SessionListener
from ncwire._session.notifications import NotificationReader
from ncwire._session.pending import Answer, Callbacks, Promise
from ncwire._session.streaming import (
    ReplyStream,
    Request,
    Sink,
    Streamed,
    StreamedReply,
    begun,
    pour,
    writer,
)
from ncwire._users_code import log
from ncwire.driver import Timeouts
from ncwire.driver.seconds import positive_seconds
from ncwire.errors import MessageDecodeError, OptionError, RPCTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from concurrent.futures import Future

    from ncwire._engine.connection import Connection
    from ncwire._engine.receiver import Task
    from ncwire._protocol.client import Protocol
    from ncwire._protocol.dialect import Dialect
    from ncwire._protocol.framing import Document, Wrong
    from ncwire._protocol.operation import Operation, WholeOperation
    from ncwire._session.reply import Reply
    from ncwire.errors import NcwireError


logger = logging.getLogger(__name__)


class Messaging(ABC):
    """The part of a `Session` that speaks and listens; it neither begins nor ends anything."""

    def __init__(self, protocol: Protocol, dialect: Dialect) -> None:
        self._protocol = protocol
        self._dialect = dialect
        self._rpcs = RPCWriter(dialect)
        self._timeouts = Timeouts()
        self._listeners = Listeners()
        self._replies = Replies()

    @abstractmethod
    def _open_connection(self) -> Connection:
        """Return the connection; raise why there is none, or none any more."""

    # --- listeners -----------------------------------------------------------------------------

    def add_listener(self, listener: SessionListener) -> None:
        """Register a listener for incoming messages and errors.

        After the session's end, its `errback` is called at once. Raises TypeError for what is
        no listener.
        """
        self._listeners.add(listener)

    def remove_listener(self, listener: SessionListener) -> None:
        """Unregister a listener; ignored if it was never registered."""
        self._listeners.remove(listener)

    def get_listener_instance(self, cls: type[ListenerT]) -> ListenerT | None:
        """Return the registered listener of that type, if there is one."""
        return self._listeners.instance(cls)

    def notifications(self, maxsize: int = 1000) -> NotificationReader:
        """Return a reader of all notifications from now on; `maxsize` bounds its queue.

        Make it before the subscription, so that it misses none. See `NotificationReader` for
        what happens when the queue is full.
        """
        reader = NotificationReader(maxsize, self.remove_listener)
        self.add_listener(reader)
        return reader

    # --- messages ------------------------------------------------------------------------------

    def send(self, message: Operation) -> None:
        """Queue one message, a whole XML document; bytes are UTF-8.

        It is sent as it is; an element of `xml.etree.ElementTree` or lxml is written as XML. The
        reply to an `<rpc>` that is sent so is for listeners: no call gets it, also when it comes
        without a message-id. `OptionError` for one whose message-id a call waits for.

        When the peer does not read, and `Limits.send_queue` bytes are queued, this waits for up
        to `Timeouts.rpc` seconds, then raises `SendQueueFullError`. A listener cannot wait: as
        much again is kept for it, and then it gets that error at once.

        Raises `TransportError` before the session is open, its cause once it has ended, and
        `UnsendableMessageError` for a message that the framing cannot carry. Whatever is raised,
        nothing was sent, and the session goes on.

        An iterable of bytes is a message in pieces of any size, empty ones too, which takes a few
        hundred kilobytes besides the pieces themselves. The iterator runs in the calling thread,
        and the call returns when its last piece has been queued; other threads' messages come
        after. Each wait for the peer to take more lasts up to `Timeouts.rpc` seconds. What the
        iterator raises is raised here. Once part of such a message has been sent it cannot be
        taken back: whatever breaks it off then, an error of the iterator, "]]>]]>" under end-of-
        message framing, an interrupt or a peer that takes no more, the session ends with a
        `BrokenMessageError`. A listener sends no pieces (`SessionError`), nor does the iterator
        itself send on this session.
        """
        connection = self._open_connection()
        written: str | bytes | Iterable[bytes] = serialised(message)
        noted = self._noted(written) if isinstance(written, str | bytes) else None
        try:
            connection.send(written)
        except BaseException:
            if noted is not None:
                self._replies.withdraw(noted)
            raise

    def _noted(self, message: str | bytes) -> str | None:
        """Take note of an rpc whose reply only listeners will hear of; return what to forget."""
        attributes = rpc_in(message)
        if attributes is None:
            return None
        message_id = attributes.get("message-id") or self._rpcs.next_id()
        return message_id if self._replies.note(message_id) else None

    def submit(self, operation: Operation) -> Future[Reply]:
        """Send an rpc with this operation, and return the future of its reply.

        The future fails with the session's cause when the session ends first, and with a
        `MessageDecodeError` when the reply is not UTF-8; the session lives then. For what an
        operation may be see `rpc`. Raises what `send` raises, and `OptionError` for an operation
        that is no single well-formed XML element; nothing was sent then. An operation in pieces
        is sent as `send` does; of it the first 4096 bytes are checked.
        """
        message_id, document = self._rpcs.write(operation)
        future = self._replies.expect(message_id, Promise()).future
        try:
            self._open_connection().send(document)
        except BaseException:
            self._replies.withdraw(message_id)
            raise
        return future

    def request(
        self,
        operation: WholeOperation,
        on_reply: Callable[[Reply], object],
        on_error: Callable[[NcwireError], object],
    ) -> None:
        """Send an rpc with this operation, and have a function called with what becomes of it.

        That is `on_reply` with the reply, or `on_error` with the session's cause when it ends
        first, or with a `MessageDecodeError` when the reply is not UTF-8: one of them, once, on
        the thread that serves the session, or on this one when it ends at this very moment. They
        may send, and must not wait; what they raise is logged. It is `submit` without the cost
        of a future, and without what one can do: there is neither cancelling nor a time limit.

        Raises what `submit` does, and TypeError for an operation in pieces; neither is called
        then.
        """
        connection = self._open_connection()
        message_id, document = self._rpcs.write(operation)
        if not isinstance(document, bytes):
            raise TypeError("request: the operation must be held whole; submit takes pieces")
        self._replies.expect(message_id, Callbacks(on_reply, on_error))
        try:
            connection.send(document)
        except Exception:
            # Not what `on_error` has been told, as the session has ended meanwhile.
            if self._replies.withdraw(message_id):
                raise
        except BaseException:
            self._replies.withdraw(message_id)
            raise

    @overload
    def rpc(
        self, operation: Operation, timeout: float | None = None, *, check: bool = False
    ) -> Reply: ...

    @overload
    def rpc(
        self, operation: Operation, timeout: float | None = None, *, sink: Sink
    ) -> StreamedReply: ...

    def rpc(
        self,
        operation: Operation,
        timeout: float | None = None,
        *,
        sink: Sink | None = None,
        check: bool = False,
    ) -> Reply | StreamedReply:
        """Send an rpc with this operation, and return its reply.

        `operation` is the element inside `<rpc>`: text, bytes in UTF-8, or an element of
        `xml.etree.ElementTree` or lxml. It may be a whole `<rpc>`, too, which is sent with the
        message-id that it has. Waits `timeout` seconds (None: the session's `Timeouts.rpc`),
        then raises `RPCTimeoutError`; the session lives, the late reply is dropped.

        An `<rpc-error>` is left to the caller, in the reply; with `check` it is raised as an
        `RPCError`, unless it is a warning: see `Reply.raise_for_errors`.

        Raises what `submit` raises, and the session's cause when it ends meanwhile;
        `MessageDecodeError` when the reply is not UTF-8, with its bytes. `OptionError`
        also for a timeout that is no positive number of seconds or is more than a million, for a
        whole `<rpc>` without a message-id, and for one whose message-id an earlier rpc has had
        to which no reply has come; nothing was sent then. Source: RFC 6241 section 4.

        With a `sink`, which is a binary file or is called with bytes, the document is handed to
        it in the calling thread, piece by piece as it comes, and is neither kept nor parsed: see
        `stream`, which it is the same as otherwise. What the sink raises is raised, and the rest
        of the reply is dropped. A reply that is not kept cannot be checked: `OptionError`.

        An operation in pieces, an iterable of bytes, is sent as `send` does. `timeout` bounds each
        wait for the peer to take more of it, and then the wait for the reply.
        """
        if sink is not None:
            if check:
                raise OptionError("check", "goes with no sink, for the reply is not kept")
            write = writer(sink)
            return pour(self.stream(operation, timeout), write)
        connection = self._open_connection()
        seconds = self._timeouts.rpc if timeout is None else positive_seconds("timeout", timeout)
        until = time.monotonic() + seconds
        message_id, document = self._rpcs.write(operation)
        unmatched = self._replies.unmatched
        answer = self._replies.expect(message_id, Answer())
        try:
            connection.call(document, answer, until)
        except Exception:  # it was not sent
            self._replies.withdraw(message_id)
            raise
        except BaseException:  # the caller waits no more
            self._replies.give_up(message_id)
            raise
        reply = answer.reply
        if reply is None:
            if answer.cause is not None:
                # One error, raised for each that asks: its traceback must not grow every time.
                raise answer.cause.with_traceback(None)
            self._replies.give_up(message_id)
            raise RPCTimeoutError(message_id, seconds, hint=self._hint(unmatched))
        return reply.raise_for_errors() if check else reply

    def stream(self, operation: Operation, timeout: float | None = None) -> ReplyStream:
        """Send an rpc, and return its reply as a stream when the reply begins to come.

        A reply of any size takes a few megabytes at most, and `Limits.message` does not bound
        it: see `ReplyStream`. `timeout` (None: the session's `Timeouts.rpc`) bounds the time
        until the reply begins, and then each wait for more of it; the time that its reader takes
        is not counted. Listeners hear nothing of the reply. Raises what `rpc` does.
        """
        connection = self._open_connection()
        seconds = self._timeouts.rpc if timeout is None else positive_seconds("timeout", timeout)
        message_id, document = self._rpcs.write(operation)
        unmatched = self._replies.unmatched
        streamed = self._replies.expect(message_id, Streamed())
        self._protocol.divert(self._replies.begin)
        try:
            connection.call(document, streamed, time.monotonic() + seconds)
        except Exception:  # it was not sent
            self._replies.withdraw(message_id)
            raise
        except BaseException:  # the caller waits no more
            streamed.drop()
            raise
        return begun(
            connection, streamed, Request(message_id, seconds, partial(self._hint, unmatched))
        )

    @property
    def unmatched_replies(self) -> int:
        """How many replies came that no call waited for, or no longer."""
        return self._replies.unmatched

    # --- what the connection tells -------------------------------------------------------------

    def _message_received(self, root: Root, content: str | Document) -> Task | None:
        if not isinstance(content, str) and content.wrong is not None:
            return self._refused(root, content, content.wrong)
        task = self._replies.answer(root, content)
        listeners = self._listeners
        if not listeners.registered:
            return task
        # By the thread that has read it, which holds the channel: so in their order, and before
        # whatever is left to the loop's thread.
        if listeners.at_once:
            listeners.deliver_at_once(root, content)
        if not listeners.dispatched:
            return task
        if task is not None:
            return partial(self._finish, task, root, content)
        return partial(listeners.deliver, root, content)

    def _finish(self, task: Task, root: Root, content: str | Document) -> None:
        task()
        self._listeners.deliver(root, content)

    def _refused(self, root: Root, document: Document, wrong: Wrong) -> Task | None:
        """Tell of a message that is not UTF-8 all who would have had it, where they would have."""
        message_id = root[1].get("message-id")
        error = MessageDecodeError(root[0], message_id, document.join(), *wrong)
        if not self._replies.is_reply(root):  # no call is told of it
            log(logger, logging.WARNING, "%s", error)
        task = self._replies.refuse(root, error)
        listeners = self._listeners
        listeners.refuse_at_once(root, error)
        if not listeners.dispatched:
            return task
        return partial(self._finish_refusal, task, root, error)

    def _finish_refusal(self, task: Task | None, root: Root, error: Exception) -> None:
        if task is not None:
            task()
        self._listeners.refuse(root, error)

    def _fail_all(self, cause: NcwireError) -> None:
        self._replies.fail(cause)
        self._listeners.fail(cause)

    def _leave_all(self, cause: NcwireError) -> None:
        """Do what `_fail_all` does where the threads are gone; no code of the user's is run."""
        self._replies.leave(cause)
        for listener in self._listeners.leave(cause):
            if isinstance(listener, NotificationReader):
                listener.leave(cause)

    def _hint(self, unmatched: int = 0) -> str:
        """Return what may explain that no reply came; `unmatched` is a count of before."""
        inlet = self._protocol.inlet
        if inlet is not None and inlet.full:
            return "a reply that is streamed comes first, and its reader takes nothing"
        hints = []
        if strays := self._replies.unmatched - unmatched:
            came = "1 reply" if strays == 1 else f"{strays} replies"
            hints.append(f"{came} came that no call waited for")
        if advice := self._profile_advice():
            hints.append(advice)
        return "; ".join(hints)

    def _profile_advice(self) -> str:
        """Return which profile the server's capabilities ask for; "" for none, or if known."""
        return ""
