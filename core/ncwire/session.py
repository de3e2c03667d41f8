"""`Session`: a NETCONF session over any channel, from the hello exchange to its end."""

from __future__ import annotations

import enum
import itertools
import threading
import time
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Self, overload

from ncwire.capabilities import Capabilities
from ncwire.connection import Connection, Events, Sending
from ncwire.dialect import PLAIN, Dialect
from ncwire.driver import Channel, Deadline, Timeouts
from ncwire.errors import (
    HelloTimeoutError,
    NcwireError,
    NetconfFramingError,
    OptionError,
    RPCTimeoutError,
    SessionCloseError,
    SessionError,
    TransportError,
)
from ncwire.framing import Limits
from ncwire.keepalive import COUNT as KEEPALIVE_COUNT
from ncwire.keepalive import Keepalive
from ncwire.lenient import protocol_for
from ncwire.listeners import Listeners, ListenerT, Root, SessionListener
from ncwire.messages import rpc_envelope, wrap_rpc
from ncwire.notifications import NotificationReader
from ncwire.pump import Pump
from ncwire.rpc import Answer, Promise, Replies, Reply
from ncwire.rpc_pieces import rpc_document
from ncwire.streamed import (
    ReplyStream,
    Request,
    Sink,
    Streamed,
    StreamedReply,
    begun,
    pour,
    writer,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping
    from concurrent.futures import Future
    from types import TracebackType

    from ncwire.framing import Document
    from ncwire.hub import Hub
    from ncwire.intake import Task
    from ncwire.protocol import MessageReceived


class _State(enum.Enum):
    NEW = "not connected"
    CONNECTING = "connecting"
    OPEN = "connected"
    ENDED = "ended"


class Session(threading.Thread):
    """Base class for transports: a NETCONF session, served by its own thread.

    `capabilities` are the client's, as `Capabilities` or as URIs; `limits` bound what the peer
    may make us keep; `dialect` is how the server wants its XML. The other arguments are the
    thread's own: a `target` is called on the session's thread once the session has ended.

    A session connects once and ends once, with a `cause`. Whoever waits then is woken with it,
    every listener's `errback` gets it, and no thread, socket or fd is left.
    """

    def __init__(
        self,
        capabilities: Iterable[str],
        group: None = None,
        target: Callable[..., object] | None = None,
        name: str | None = None,
        args: Iterable[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        limits: Limits | None = None,
        hub: Hub | None = None,
        dialect: Dialect = PLAIN,
    ) -> None:
        super().__init__(group, target, name, args, kwargs, daemon=True)
        if hub is not None and target is not None:
            raise OptionError("target", "needs a thread, and a session on a hub has none")
        self._hub = hub
        self._client_capabilities = Capabilities(capabilities)
        limits = limits or Limits()
        self._send_queue = limits.send_queue
        self._protocol = protocol_for(self._client_capabilities, limits, dialect)
        self._wrap_rpc: Callable[[str | bytes, str], bytes] = (
            wrap_rpc if dialect == PLAIN else partial(wrap_rpc, envelope=rpc_envelope(dialect))
        )
        self._timeouts = Timeouts()
        self._listeners = Listeners()
        self._replies = Replies()
        self._message_ids = itertools.count(1)
        self._lifecycle = threading.Lock()
        self._state = _State.NEW
        self._abort: Callable[[], None] = _nothing
        self._pump: Pump | None = None
        self._connection: Connection | None = None
        self._cause: NcwireError | None = None
        self._farewell = False
        self._opened = threading.Event()  # the hello exchange is done, well or badly
        self._freed = threading.Event()

    # --- what is known -------------------------------------------------------------------------

    @property
    def client_capabilities(self) -> Capabilities:
        """The client's capabilities."""
        return self._client_capabilities

    @property
    def server_capabilities(self) -> Capabilities | None:
        """The server's capabilities; None before its hello."""
        return self._protocol.server_capabilities

    @property
    def id(self) -> str | None:
        """The session-id; None before the server's hello."""
        return self._protocol.session_id

    @property
    def connected(self) -> bool:
        """Whether the session is open: True from the hello exchange until its end."""
        return self._state is _State.OPEN

    @property
    def cause(self) -> NcwireError | None:
        """Why the session ended; None as long as it has not."""
        return self._cause

    @property
    def unmatched_replies(self) -> int:
        """How many replies came that nobody waited for, or no longer."""
        return self._replies.unmatched

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

    def send(self, message: str | bytes | Iterable[bytes]) -> None:
        """Queue one message, a whole XML document; bytes are UTF-8.

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
        self._open_connection().send(message)

    def submit(self, operation: str | bytes | Iterable[bytes]) -> Future[Reply]:
        """Send an rpc with this operation, and return the future of its reply.

        The future fails with the session's cause when the session ends first. Raises what
        `send` raises, and `OptionError` for an operation that is no single XML element. An
        operation in pieces is sent as `send` does; of it the first 4096 bytes are checked.
        """
        message_id = str(next(self._message_ids))
        document = rpc_document(operation, message_id, self._wrap_rpc)
        future = self._replies.expect(message_id, Promise()).future
        try:
            self.send(document)
        except BaseException:
            self._replies.withdraw(message_id)
            raise
        return future

    @overload
    def rpc(
        self, operation: str | bytes | Iterable[bytes], timeout: float | None = None
    ) -> Reply: ...

    @overload
    def rpc(
        self, operation: str | bytes | Iterable[bytes], timeout: float | None = None, *, sink: Sink
    ) -> StreamedReply: ...

    def rpc(
        self,
        operation: str | bytes | Iterable[bytes],
        timeout: float | None = None,
        *,
        sink: Sink | None = None,
    ) -> Reply | StreamedReply:
        """Send an rpc with this operation, and return its reply.

        `operation` is the element inside `<rpc>`. Waits `timeout` seconds (None: the session's
        `Timeouts.rpc`), then raises `RPCTimeoutError`; the session lives, the late reply is
        dropped. An `<rpc-error>` is left to the caller, in the reply. Raises what `submit`
        raises, and the session's cause when it ends meanwhile. Source: RFC 6241 section 4.

        With a `sink`, which is a binary file or is called with bytes, the document is handed to
        it in the calling thread, piece by piece as it comes, and is neither kept nor parsed: see
        `stream`, which it is the same as otherwise. What the sink raises is raised, and the rest
        of the reply is dropped.

        An operation in pieces, an iterable of bytes, is sent as `send` does. `timeout` bounds each
        wait for the peer to take more of it, and then the wait for the reply.
        """
        if sink is not None:
            write = writer(sink)
            return pour(self.stream(operation, timeout), write)
        self._check_thread("rpc")
        seconds = self._timeouts.rpc if timeout is None else timeout
        until = time.monotonic() + seconds
        message_id = str(next(self._message_ids))
        document = rpc_document(operation, message_id, self._wrap_rpc)
        answer = self._replies.expect(message_id, Answer())
        try:
            self._open_connection().call(document, answer, until)
        except Exception:  # it was not sent
            self._replies.withdraw(message_id)
            raise
        except BaseException:  # nobody waits any more
            self._replies.give_up(message_id)
            raise
        reply = answer.reply()
        if reply is None:
            self._replies.give_up(message_id)
            raise RPCTimeoutError(message_id, seconds, hint=self._hint())
        return reply

    def stream(
        self, operation: str | bytes | Iterable[bytes], timeout: float | None = None
    ) -> ReplyStream:
        """Send an rpc, and return its reply as a stream when the reply begins to come.

        A reply of any size takes a few megabytes at most, and `Limits.message` does not bound
        it: see `ReplyStream`. `timeout` (None: the session's `Timeouts.rpc`) bounds the time
        until the reply begins, and then each wait for more of it; the time that its reader takes
        is not counted. Listeners hear nothing of the reply. Raises what `rpc` does.
        """
        self._check_thread("stream")
        message_id = str(next(self._message_ids))
        seconds = self._timeouts.rpc if timeout is None else timeout
        document = rpc_document(operation, message_id, self._wrap_rpc)
        connection = self._open_connection()
        self._protocol.divert(self._replies.begin)
        streamed = self._replies.expect(message_id, Streamed())
        try:
            connection.call(document, streamed, time.monotonic() + seconds)
        except Exception:  # it was not sent
            self._replies.withdraw(message_id)
            raise
        except BaseException:  # nobody waits any more
            streamed.drop()
            raise
        return begun(connection, streamed, Request(message_id, seconds))

    # --- life cycle ----------------------------------------------------------------------------

    def open(
        self,
        channel: Channel,
        *,
        timeouts: Timeouts | None = None,
        keepalive: float | None = None,
        keepalive_count: int = KEEPALIVE_COUNT,
        deadline: Deadline | None = None,
    ) -> None:
        """Carry the session over a channel that is open already, one's own or a driver's.

        Starts the thread and exchanges hellos, within `timeouts.hello` and the deadline; for
        `keepalive` and `keepalive_count` see `SSHSession.connect`, and note that the channel
        must be able to send keepalives then. The channel is the session's from here on. Raises
        `OptionError` for a bad keepalive, with the channel as it was; `SessionError` for a bad
        hello, `HelloTimeoutError` for a late one, `TransportError` when the channel fails; the
        session has ended then, with that cause, and the channel is freed.
        """
        policy = Keepalive.every(keepalive, keepalive_count)
        with self._connecting(_nothing):
            self._open(channel, timeouts or Timeouts(), policy, deadline)

    def close_session(self, timeout: float | None = None) -> None:
        """Ask the server to end the session gracefully, then close.

        Waits `timeout` seconds (None: `Timeouts.close`) for the answer; a server that ends the
        connection instead of answering has done as asked. Raises nothing: after this call the
        session has ended. Source: RFC 6241 section 7.8.
        """
        self._farewell = True
        with suppress(NcwireError):
            self.rpc("<close-session/>", self._timeouts.close if timeout is None else timeout)
        self.close()

    def end(self, cause: SessionCloseError) -> None:
        """Begin what `close` does, with a cause of one's own, and return at once."""
        with self._lifecycle:
            state, self._state = self._state, _State.ENDED
            connection = self._connection
            if connection is None:
                self._cause = self._cause or cause
        if connection is not None:
            connection.end(cause, self._timeouts.close)
            return
        if state is _State.CONNECTING:
            self._abort()
        self._fail_all(self._cause or cause)

    def close(self) -> None:
        """End the session, with no word to the NETCONF server; see `close_session`.

        What is queued is sent first, as far as `Timeouts.close` lets it; a server may drop what
        it has not read when the connection ends, so `close_session`, which waits for its answer,
        comes before this where that matters. Idempotent, and from
        any thread: a `connect` under way fails with `SessionCloseError`; called by a listener
        it returns at once, and the session ends when the listener returns.
        """
        cause = SessionCloseError(b"", closed_by="us")
        self.end(cause)
        pump, connection = self._pump, self._connection
        if connection is not None and pump is not None and pump.ident != threading.get_ident():
            self._await_end(connection, cause)

    def join(self, timeout: float | None = None) -> None:
        """Wait for the session's thread to end; on a hub, for the session to end."""
        if self._hub is None:
            super().join(timeout)
        else:
            self._freed.wait(timeout)

    def is_alive(self) -> bool:
        """Return whether the session's thread runs; on a hub, whether the session is served."""
        if self._hub is None:
            return super().is_alive()
        return self._connection is not None and not self._freed.is_set()

    def run(self) -> None:
        """Serve the session until its end: the thread's own work, not for callers."""
        if self._pump is not None and self._hub is None:
            self._pump.run()
        super().run()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None or isinstance(error, Exception):
            self.close_session()
        else:  # Ctrl-C and its like do not wait for a server
            self.close()

    # --- what the connection tells -------------------------------------------------------------

    def _hello_received(self) -> None:
        with self._lifecycle:
            if self._state is _State.CONNECTING:
                self._state = _State.OPEN
        self._opened.set()

    def _message_received(self, message: MessageReceived, at_once: bool) -> Task | None:  # noqa: FBT001 - a callback
        root, content = message
        if not self._replies.answer(root, content):
            return partial(self._deliver, root, content)
        listeners = self._listeners
        if listeners.registered:
            if not (at_once and listeners.anywhere):
                return partial(listeners.deliver, root, content)
            listeners.deliver(root, content)
        return None

    def _deliver(self, root: Root, content: str | Document) -> None:
        self._replies.take(root, content)
        self._listeners.deliver(root, content)

    def _ended(self, cause: NcwireError) -> None:
        if self._farewell and isinstance(cause, SessionCloseError | NetconfFramingError):
            # Some servers end the connection in place of a reply (IOS-XR, NX-OS), or have a last
            # word after it that is in no framing (Junos: "<!-- session end at ... -->").
            cause = SessionCloseError(b"", closed_by="us", reason="close-session")
        with self._lifecycle:
            self._cause = self._cause or cause
            self._state = _State.ENDED
        self._fail_all(self._cause)
        if self._hub is not None:
            self._hub.discard(self)
        self._opened.set()
        self._freed.set()

    # --- for transports ------------------------------------------------------------------------

    @contextmanager
    def _connecting(self, abort: Callable[[], None]) -> Generator[None]:
        """Make what happens inside the session's one connect, which `close` can interrupt.

        `abort` is called by `close` in another thread and makes what happens inside fail.
        """
        with self._lifecycle:
            if self._state is not _State.NEW:
                raise TransportError(
                    f"connect: this session is {self._state.value}, and one connects only once; "
                    "make a new one"
                )
            self._state = _State.CONNECTING
            self._abort = abort
        try:
            yield
        except BaseException as error:
            closed = self._cause
            self._failed(error)
            if closed is not None and closed is not error and isinstance(error, Exception):
                raise closed from error
            raise
        self._raise_cause()

    def _open(
        self,
        channel: Channel,
        timeouts: Timeouts,
        keepalive: Keepalive | None,
        deadline: Deadline | None,
    ) -> None:
        budget = Deadline.after(timeouts.hello, "hello", within=deadline)
        try:
            pump = self._admitted()
            connection = Connection(
                channel,
                self._protocol,
                Events(self._hello_received, self._message_received, self._ended),
                pump,
                keepalive,
                Sending(self._send_queue, timeouts.rpc),
            )
        except BaseException:
            channel.abort()
            raise
        with self._lifecycle:
            self._timeouts = timeouts
            self._pump = pump
            self._connection = connection
            closed = self._cause
        if closed is not None:
            connection.end(closed)
        if self._hub is None:
            try:
                self.start()
            except BaseException:
                connection.abandon(SessionCloseError(b"", closed_by="us", reason="no thread"))
                pump.close()
                raise
        self._opened.wait(max(0.0, budget.at - time.monotonic()))
        if not self._opened.is_set():
            late = HelloTimeoutError(budget.seconds)
            connection.end(late)
            self._await_end(connection, late)
        if self._cause is not None:
            self._await_end(connection, self._cause)
        self._raise_cause()

    def _admitted(self) -> Pump:
        if self._hub is None:
            return Pump()
        self._hub.add(self)
        return self._hub.pump

    def _fail_all(self, cause: NcwireError) -> None:
        self._replies.fail(cause)
        self._listeners.fail(cause)

    def _failed(self, error: BaseException) -> None:
        if self._connection is not None:
            self._connection.end(_cause_of(error))
            self._await_end(self._connection, _cause_of(error))
            return
        with self._lifecycle:
            self._cause = self._cause or _cause_of(error)
            self._state = _State.ENDED
        self._fail_all(self._cause)

    def _raise_cause(self) -> None:
        if self._cause is not None:
            # One error, raised to whoever asks: its traceback must not grow with each.
            raise self._cause.with_traceback(None)

    def _check_thread(self, call: str) -> None:
        if self._pump is not None and threading.get_ident() == self._pump.ident:
            raise SessionError(
                f"{call}: called on the thread that serves the session it would wait for itself; "
                "a listener uses submit instead"
            )

    def _hint(self) -> str:
        inlet = self._protocol.inlet
        if inlet is None or not inlet.full:
            return ""
        return "a reply that is streamed comes first, and its reader takes nothing"

    def _open_connection(self) -> Connection:
        connection = self._connection
        if self._state is _State.OPEN and connection is not None and self._cause is None:
            return connection
        self._raise_cause()
        raise TransportError("send: the session is not connected")

    def _await_end(self, connection: Connection, cause: NcwireError) -> None:
        deadline = time.monotonic() + self._timeouts.close
        if not self._freed.wait(self._timeouts.close + 0.5):
            # A listener does not return: free the connection in its stead.
            connection.abandon(cause)
        if self.ident is not None or self._hub is not None:
            self.join(max(0.1, deadline - time.monotonic()))


def _cause_of(error: BaseException) -> NcwireError:
    if isinstance(error, NcwireError):
        return error
    cause = SessionCloseError(
        b"", closed_by="us", reason=f"connect was ended by {type(error).__name__}"
    )
    cause.__cause__ = error
    return cause


def _nothing() -> None:
    """Do nothing: there is nothing to abort."""
