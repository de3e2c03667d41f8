"""`Session`: a NETCONF session over any channel, from the hello exchange to its end."""

from __future__ import annotations

import enum
import logging
import os
import sys
import threading
import time
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Self

from ncwire._engine.connection import Connection, Events, Sending
from ncwire._engine.keepalive import COUNT as KEEPALIVE_COUNT
from ncwire._engine.keepalive import Keepalive
from ncwire._engine.loop import Loop
from ncwire._interrupts import interruption, raise_interruption, raise_signalled
from ncwire._latch import Latch
from ncwire._one_process import OneProcess
from ncwire._protocol.capabilities import Capabilities
from ncwire._protocol.client import Protocol
from ncwire._protocol.dialect import PLAIN, Dialect
from ncwire._protocol.framing import Limits
from ncwire._session.hub import SessionHub
from ncwire._session.messaging import Messaging
from ncwire._unclosed import closed, opened
from ncwire._users_code import log_error
from ncwire.driver import Channel, Deadline, Forkable, Timeouts, watch_forks
from ncwire.driver.forking import free_in_child
from ncwire.driver.seconds import positive_seconds
from ncwire.driver.threads import start_thread
from ncwire.errors import (
    HelloTimeoutError,
    NcwireError,
    NetconfFramingError,
    OptionError,
    RPCTimeoutError,
    SessionCloseError,
    TransportError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping
    from types import TracebackType

    from ncwire._engine.home import Home
    from ncwire._engine.receiver import Task
    from ncwire._protocol.framing import Document
    from ncwire._session.hub import Hub
    from ncwire._session.listeners import Root
    from ncwire._session.observed import Watch
    from ncwire.driver import SocketAddress
    from ncwire.observe.observer import Observer

_logger = logging.getLogger(__name__)


class _State(enum.Enum):
    NEW = "not connected"
    CONNECTING = "connecting"
    OPEN = "connected"
    ENDED = "ended"


_OPEN = _State.OPEN  # looked up in an Enum, a member takes as long as a call


class Session(Messaging, Forkable, OneProcess, threading.Thread):
    """Base class for transports: a NETCONF session, served by its own thread.

    `capabilities` are the client's, as `Capabilities` or as URIs; `limits` bound what the peer
    may make us keep; `dialect` is how the server wants its XML. The other arguments are the
    thread's own: a `target` is called on the session's thread once the session has ended.
    `observers` are told what the session does, besides those of all: see `ncwire.observe`.

    A session connects once and ends once, with a `cause`. Who waits then is woken with it,
    every listener's `errback` gets it, and no thread, socket or fd is left.

    An open session lives until it ends, as a thread does, though all that knew it is gone: one
    that is still open when the interpreter exits is told of by a `ResourceWarning`. In a forked
    child it has ended, and its parent's lives on. It is neither copied nor pickled (TypeError).
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
        observers: Iterable[Observer] = (),
    ) -> None:
        threading.Thread.__init__(self, group, target, name, args, kwargs, daemon=True)
        if hub is not None:
            _check_hub(hub, target)
        self._hub: SessionHub | None = hub
        self._observers = _observers(observers) if observers else ()
        self._watch: Watch | None = None
        self._client_capabilities = Capabilities(capabilities)
        limits = Limits() if limits is None else _checked(limits)
        Messaging.__init__(self, _protocol(self._client_capabilities, limits, dialect), dialect)
        self._limits = limits
        # Re-entrant, for a signal handler may come in the middle of what it protects, and call
        # `close`: so what is read there together is consistent after each step.
        self._lifecycle = threading.RLock()
        self._state = _State.NEW
        self._abort: Callable[[], None] = _nothing
        self._loop: Home | None = None
        self._connection: Connection | None = None
        self._cause: NcwireError | None = None
        self._keepalive_count = KEEPALIVE_COUNT
        self._peer_address: SocketAddress | None = None
        self._local_address: SocketAddress | None = None
        self._farewell = False
        self._peer_is_silent = False
        self._connector: int | None = None  # the thread that is in `_connecting`
        self._opened = Latch()  # the hello exchange is done, well or badly
        self._freed = Latch()
        watch_forks(self)

    # --- what is known -------------------------------------------------------------------------

    @property
    def client_capabilities(self) -> Capabilities:
        """The client's capabilities."""
        return self._client_capabilities

    @property
    def server_capabilities(self) -> Capabilities:
        """The server's capabilities; none before its hello."""
        known = self._protocol.server_capabilities
        return Capabilities() if known is None else known

    @property
    def id(self) -> str | None:
        """The session-id; None before the server's hello.

        Also None where the hello has none, and `require_session_id` is off.
        """
        return self._protocol.session_id

    @property
    def connected(self) -> bool:
        """Whether the session is open: True from the hello exchange until its end."""
        return self._state is _OPEN

    @property
    def cause(self) -> NcwireError | None:
        """Why the session ended; None as long as it has not."""
        return self._cause

    @property
    def peer_address(self) -> SocketAddress | None:
        """The peer's address, as `socket.getpeername` gave it when the session was connected.

        Over TCP a tuple that begins with host and port, four long for IPv6; over a Unix socket its
        path. It stays known after the session's end. None before `connect`, and where no socket of
        this process leads to the peer: through jump hosts or a ProxyCommand, and over a connection
        of the driver openssh that it shares with earlier sessions.
        """
        return self._peer_address

    @property
    def local_address(self) -> SocketAddress | None:
        """Our own address, as `socket.getsockname` gave it; None also where it is not known.

        The driver openssh knows only that of a socket that it was given: ssh does not tell.
        """
        return self._local_address

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
            self._keepalive_count = keepalive_count
            self._peer_address = self._peer_address or channel.peer_address
            self._local_address = self._local_address or channel.local_address
            self._open(channel, timeouts or Timeouts(), policy, deadline)

    def set_keepalive(self, seconds: float | None, count: int | None = None) -> None:
        """Change what `keepalive` and `keepalive_count` of `connect` have said, while it is open.

        `seconds` of silence after which the peer must answer; None or 0: never. `count` is how
        many keepalives in a row may go unanswered; None leaves that as it is. It holds from this
        call on, at the latest a tenth of a second later; jump hosts have their own, which stay.
        From any thread, and waits for nothing.

        Raises `OptionError` for what is no number of seconds or no count, `UnsupportedOption`
        where the driver has no keepalives, `TransportError` before the session is open, and its
        cause once it has ended; nothing has changed then.
        """
        count = self._keepalive_count if count is None else count
        policy = Keepalive.every(seconds, count)
        connection = self._open_connection()
        if policy is not None:
            self._check_keeps_alive(connection)
        self._keepalive_count = count
        connection.set_keepalive(policy if self._watch is None else self._watch.keepalive(policy))

    def close_session(self, timeout: float | None = None) -> None:
        """Ask the server to end the session gracefully, then close.

        Waits `timeout` seconds (None: `Timeouts.close`) for the answer; a server that ends the
        connection instead of answering has done as asked. After this call the session has ended
        in any case; only what a signal handler raises meanwhile comes out. In a signal handler it
        returns as `close` does. Raises
        `OptionError` for what is no number of seconds, with the session as it was. Source:
        RFC 6241 section 7.8.
        """
        seconds = self._timeouts.close if timeout is None else positive_seconds("timeout", timeout)
        self._farewell = True
        try:
            self.rpc("<close-session/>", seconds)
        except RPCTimeoutError as error:
            raise_signalled(error)
            self._peer_is_silent = True
        except NcwireError as error:
            raise_signalled(error)
        finally:
            self.close()

    def end(self, cause: SessionCloseError) -> None:
        """Begin what `close` does, with a cause of one's own, and return at once."""
        if sys.is_finalizing():
            self._leave(cause)
            return
        with self._lifecycle:
            state, self._state = self._state, _State.ENDED
            connection = self._connection
            if connection is None:
                self._cause = self._cause or cause
        if connection is not None:
            # A peer that has just let this time pass is given no more of it.
            connection.end(cause, 0.0 if self._peer_is_silent else self._timeouts.close)
            return
        if state is _State.CONNECTING:
            self._abort()
        self._fail_all(self._cause or cause)

    def close(self) -> None:
        """End the session, with no word to the NETCONF server; see `close_session`.

        What is queued is sent first, as far as `Timeouts.close` lets it; a server may drop what
        it has not read when the connection ends, so `close_session`, which waits for its answer,
        comes before this where that matters. Idempotent, and from
        any thread: a `connect` under way fails with `SessionCloseError`; called by a listener it
        returns at once, and the session ends when the listener returns. So it is in a signal
        handler that came in the middle of this session's `connect`, or of reading or writing.

        When the interpreter is past its exit handlers, as in the `__del__` of a global, it returns
        at once too: the connection ends with the process, with no word to the server.
        """
        cause = SessionCloseError(b"", closed_by="us")
        self.end(cause)
        connection = self._connection
        if connection is not None and not (sys.is_finalizing() or self._is_busy_here()):
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
        if isinstance(self._loop, Loop) and self._hub is None:
            self._loop.run()
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

    def abandon_in_child(self) -> None:
        """End in a forked child, for the connection is the parent's: the fork's own to call."""
        connection = self._connection
        if self._state is _State.ENDED and (connection is None or self._freed.is_set()):
            free_in_child(self._lifecycle)
            return
        # One that is not connected yet has ended as well: a thread that was made before the fork
        # cannot be started in the child, or counts as dead there (CPython 3.13, 3.11).
        cause = forked()
        if connection is not None:
            connection.abandon_in_child(self._cause or cause)
        if self._loop is not None and self._hub is None:
            self._loop.abandon_in_child()
        self._leave(cause)

    # --- what the connection tells -------------------------------------------------------------

    def _observed_message(self, root: Root, content: str | Document) -> Task | None:
        """Take a message as `_message_received` does, where the session is observed."""
        if self._watch is not None:
            self._watch.received(root, content)
        return self._message_received(root, content)

    def _hello_received(self) -> None:
        if self._watch is not None:
            self._watch.facts.session_id = self.id
        with self._lifecycle:
            if self._state is _State.CONNECTING:
                self._state = _State.OPEN
        self._opened.set()

    def _ended(self, cause: NcwireError) -> None:
        if self._farewell and isinstance(cause, SessionCloseError | NetconfFramingError):
            # Some servers end the connection in place of a reply (IOS-XR, NX-OS), or have a last
            # word after it that is in no framing (Junos: "<!-- session end at ... -->").
            cause = SessionCloseError(b"", closed_by="us", reason="close-session")
        with self._lifecycle:
            self._cause = self._cause or cause
            self._state = _State.ENDED
        try:
            self._fail_all(self._cause)
            if self._watch is not None:
                self._watch.ended(self._cause)
        finally:
            if self._hub is not None:
                self._hub.discard(self)
            closed(self)
            self._opened.set()
            self._freed.set()

    # --- for transports ------------------------------------------------------------------------

    @contextmanager
    def _connecting(self, abort: Callable[[], None], **facts: object) -> Generator[None]:
        """Make what happens inside the session's one connect, which `close` can interrupt.

        `abort` is called by `close` in another thread and makes what happens inside fail. `facts`
        are what observers are told of the session, as in `SessionFacts`.
        """
        # Before anything has changed, for a trace that cannot be written is refused.
        observers = _present(self._observers) if self._state is _State.NEW else ()
        with self._lifecycle:
            if self._state is not _State.NEW:
                raise TransportError(
                    f"connect: this session is {self._state.value}, and one connects only once; "
                    "make a new one"
                ) from self._cause
            self._abort = abort
            self._connector = threading.get_ident()
            self._state = _State.CONNECTING
            # A signal handler may have closed it between two of these.
            if self._cause is not None:
                self._state = _State.ENDED
        try:
            if observers:
                self._observe(observers, facts)
            if self._cause is not None:
                abort()
            yield
            if self._watch is not None and self._cause is None:
                self._watch.connect_ended()
        except BaseException as error:
            cause = self._cause
            self._failed(error)
            if self._watch is not None:
                self._watch.connect_ended(error if cause is None else cause)
            raise_interruption(error)
            if cause is not None and cause is not error:
                raise cause from error
            raise
        finally:
            self._connector = None
        self._raise_cause()

    def _observe(self, observers: tuple[Observer, ...], facts: Mapping[str, object]) -> None:
        """Have these told: what others have nothing in the place of is bound in here, once."""
        # Most sessions have no observers.
        from ncwire._protocol import observed  # noqa: PLC0415
        from ncwire._session.observed import ObservedReplies, Watch  # noqa: PLC0415

        self._watch = watch = Watch(observers, {**facts})
        lenient = type(self._protocol) is not Protocol
        kind = observed.ObservedLenientProtocol if lenient else observed.ObservedProtocol
        self._protocol = kind(self._client_capabilities, self._limits, self._dialect, tap=watch)
        self._replies = ObservedReplies(watch)
        watch.connect_begun()

    def _step(self, name: str, jump_host: str | None = None) -> AbstractContextManager[None]:
        """Make what happens inside a step of connecting that observers are told of."""
        return nullcontext() if self._watch is None else self._watch.step(name, jump_host)

    def _open(
        self,
        channel: Channel,
        timeouts: Timeouts,
        keepalive: Keepalive | None,
        deadline: Deadline | None,
    ) -> None:
        with self._step("hello"):
            self._exchange_hellos(channel, timeouts, keepalive, deadline)

    def _exchange_hellos(
        self,
        channel: Channel,
        timeouts: Timeouts,
        keepalive: Keepalive | None,
        deadline: Deadline | None,
    ) -> None:
        budget = Deadline.after(timeouts.hello, "hello", within=deadline)
        try:
            loop = self._admitted()
            connection = Connection(
                channel,
                self._protocol,
                Events(
                    self._hello_received,
                    self._message_received if self._watch is None else self._observed_message,
                    self._replies.fail,
                    self._ended,
                ),
                loop,
                keepalive if self._watch is None else self._watch.keepalive(keepalive),
                Sending(self._limits.send_queue, timeouts.rpc),
            )
        except BaseException:
            self._refuse(channel)
            raise
        with self._lifecycle:
            self._timeouts = timeouts
            self._loop = loop
            self._connection = connection
            cause = self._cause
        opened(self, self._described)
        if cause is not None:
            connection.end(cause)
        if self._hub is None:
            try:
                start_thread(self)
            except BaseException:
                connection.abandon(SessionCloseError(b"", closed_by="us", reason="no thread"))
                loop.close()
                raise
        self._opened.wait(max(0.0, budget.at - time.monotonic()))
        if not self._opened.is_set():
            late = HelloTimeoutError(budget.seconds)
            connection.end(late)
            self._await_end(connection, late)
        if self._cause is not None:
            self._await_end(connection, self._cause)
        self._raise_cause()

    def _admitted(self) -> Home:
        if self._hub is None:
            return Loop()
        self._hub.add(self)
        return self._hub.loop

    def _refuse(self, channel: Channel) -> None:
        """Free a channel that no connection has come to own; what that raises is logged."""
        if self._hub is not None:
            self._hub.discard(self)
        try:
            channel.abort()
        except BaseException as error:  # noqa: BLE001 - a driver may raise anything
            if interruption(error) is not None:
                channel.abort()
                raise_interruption(error)
            # What led here is what the caller must see.
            log_error(_logger, error, "the driver failed to free its channel")

    def _failed(self, error: BaseException) -> None:
        if self._connection is not None:
            self._connection.end(_cause_of(error))
            self._await_end(self._connection, _cause_of(error))
            return
        with self._lifecycle:
            self._cause = self._cause or _cause_of(error)
            self._state = _State.ENDED
        self._fail_all(self._cause)
        if self._watch is not None:
            self._watch.ended(self._cause)

    def _raise_cause(self) -> None:
        if self._cause is not None:
            # One error, raised for each that asks: its traceback must not grow every time.
            raise self._cause.with_traceback(None)

    def _open_connection(self) -> Connection:
        connection = self._connection
        if connection is None or self._state is not _OPEN:
            self._raise_cause()
            if connection is not None:
                connection.raise_cause()
            raise TransportError(f"send: the session is {self._state.value}")
        if sys.is_finalizing():
            raise TransportError("send: the interpreter exits, and its threads are gone")
        return connection

    def _check_keeps_alive(self, connection: Connection) -> None:
        """Raise `OptionError` where the channel can send no keepalives."""
        if not connection.can_keep_alive:
            raise OptionError("keepalive", "the session's channel can send none")

    def __repr__(self) -> str:
        """Return class, peer, session-id and state; takes no lock, and has nothing secret."""
        facts = [*self._known()]
        if self.id is not None:
            facts.append(f"session-id {self.id}")
        return f"<{type(self).__name__} {', '.join(facts)}: {self._state.value}>"

    def _known(self) -> Iterable[str]:
        """Return what tells it from others: its thread's name, where no more is known."""
        return (repr(self.name),)

    def _described(self) -> str:
        """Return what it is, for a warning: its thread's name, where the peer's is not known."""
        return f"session {self.name!r}"

    def _is_busy_here(self) -> bool:
        """Return whether the calling thread is one that the session's end has to wait for."""
        if threading.get_ident() == self._connector:
            return True
        connection = self._connection
        return connection is not None and connection.is_served_here()

    def _leave(self, cause: NcwireError) -> None:
        """End where the threads are gone, and with them who held locks: nothing is waited for.

        That is in a forked child, and at the end of the interpreter.
        """
        free_in_child(self._lifecycle)
        self._cause = self._cause or cause
        self._state = _State.ENDED
        self._abort = _nothing
        if self._connection is not None:
            self._connection.leave(self._cause)
        self._leave_all(self._cause)
        closed(self)
        self._opened.set()
        self._freed.set()

    def _await_end(self, connection: Connection, cause: NcwireError) -> None:
        deadline = time.monotonic() + self._timeouts.close
        if not self._freed.wait(self._timeouts.close + 0.5):
            # A listener does not return: free the connection in its stead.
            connection.abandon(cause)
        if self.ident is not None or self._hub is not None:
            self.join(max(0.1, deadline - time.monotonic()))


def _checked(limits: Limits) -> Limits:
    if not isinstance(limits, Limits):
        raise OptionError("limits", f"must be a Limits, not {type(limits).__name__}")
    return limits


def _check_hub(hub: SessionHub, target: Callable[..., object] | None) -> None:
    if not isinstance(hub, SessionHub):
        raise OptionError("hub", f"must be a Hub, not {type(hub).__name__}")
    if target is not None:
        raise OptionError("target", "needs a thread, and a session on a hub has none")


def _observers(given: Iterable[Observer]) -> tuple[Observer, ...]:
    # Most sessions have none.
    from ncwire.observe.registry import checked  # noqa: PLC0415

    return checked(given)


def _present(own: tuple[Observer, ...]) -> tuple[Observer, ...]:
    from ncwire.observe.registry import present  # noqa: PLC0415 - `import ncwire` must stay quick

    return present(own)


def _protocol(client: Capabilities, limits: Limits, dialect: Dialect) -> Protocol:
    # A session without is not even to ask, with each message, whether there is work to do.
    if not (dialect.drop_control_characters or dialect.mend_split_tags or dialect.mend):
        return Protocol(client, limits, dialect)
    from ncwire._protocol.lenient import LenientProtocol  # noqa: PLC0415 - few need it

    return LenientProtocol(client, limits, dialect)


def forked() -> SessionCloseError:
    """Return the cause of what ends in a forked child."""
    reason = f"this process was forked from {os.getppid()}; connect anew in the child"
    return SessionCloseError(b"", closed_by="fork", reason=reason)


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
