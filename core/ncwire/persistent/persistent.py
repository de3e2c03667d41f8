"""`Persistent`: a session to one device that comes back after it has ended."""

from __future__ import annotations

import inspect
import time
from typing import TYPE_CHECKING, Any, Self, overload

from ncwire._one_process import OneProcess
from ncwire._session.hub import Hub
from ncwire._transports.connect import connect
from ncwire.driver import Timeouts
from ncwire.driver.seconds import positive_seconds, seconds_or_none
from ncwire.errors import OptionError
from ncwire.persistent.backoff import Backoff
from ncwire.persistent.course import State
from ncwire.persistent.keeper import Keeper, Policy
from ncwire.persistent.opener import ByFunction, ByParameters
from ncwire.persistent.retry import checked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType
    from typing import Unpack

    from ncwire._protocol.framing import Limits
    from ncwire._protocol.operation import Operation
    from ncwire._session.base import Session
    from ncwire._session.reply import Reply
    from ncwire._session.streaming import Sink, StreamedReply
    from ncwire._ssh.options.parameters import ConnectParameters, Filename
    from ncwire.driver import Backend
    from ncwire.observe.observer import Observer
    from ncwire.persistent.course import Status
    from ncwire.persistent.notifications import NotificationStream
    from ncwire.persistent.opener import Opener
    from ncwire.persistent.retry import Retry
    from ncwire.profiles.ncclient_handler import ProfileLike

WAIT = 60.0
"""Seconds that a call waits for a session, if neither it nor the `Persistent` was given others."""


class Persistent(OneProcess):
    """Keeps a session to one device: when it ends, for whatever reason, a new one takes its place.

    The parameters are those of `ncwire.connect`, and are checked here as far as that needs no
    network; `sock` and `sock_fd` are refused, for a socket carries one session. Connecting begins
    at once, in a thread of its own: see `session`, which waits for it. Without a
    `keepalive` a session with a device that has vanished may go on for hours. With a `hub` its
    sessions are on that, eight threads at most connect for all `Persistent` of the hub together,
    and all stop when it is closed; `TransportError` if it is closed already.

    `on_session(session)` is called with each new session before anybody else gets it, in the
    thread that connects: to subscribe, to lock. If it raises, the session is closed, and the
    attempt has failed. `on_change(status)` is called after each change of state, in the order of
    the changes, by the thread that has made it, which may be one that serves sessions: it must
    not wait. What it raises is logged. Either may be called before `Persistent(...)` returns.

    After a failed attempt, and after a session's end, another attempt is made as `backoff` says.
    Whether one is, the error decides: see `is_retried`, in whose place `retry` may be a function
    that is given the error, or a class or tuple of classes after which another attempt is made.
    What is of `NEVER_RETRIED`, a host key that is not known, a login that was refused, stops it
    for good, whatever `retry` says. So does the third login in a row that breaks off unanswered
    (`SSHError.is_lost_login`), and the end of the hub. All that wait or come later are told the
    cause, as it is.

    *Nothing is ever sent twice.* An rpc that was under way when the session ended raises the
    session's cause; whether the device has done it is not known, and repeating it is the
    caller's.

    `wait` is how many seconds a call waits for a session where it has no timeout of its own.

    It lives until it is closed, or stops, though all that knew it is gone: one that is still open
    at exit is told of by a `ResourceWarning`. In a forked child it has stopped, and the parent's
    lives on. It is neither copied nor pickled (TypeError).
    """

    def __init__(
        self,
        host: str | None,
        *,
        on_session: Callable[[Session], object] | None = None,
        on_change: Callable[[Status], object] | None = None,
        backoff: Backoff | None = None,
        retry: Retry | None = None,
        wait: float = WAIT,
        profile: ProfileLike | None = None,
        driver: str | type[Backend] | None = None,
        capabilities: Iterable[str] | None = None,
        limits: Limits | None = None,
        hub: Hub | None = None,
        known_hosts: Filename | Iterable[Filename] | None = None,
        require_session_id: bool | None = None,
        observers: Iterable[Observer] = (),
        **parameters: Unpack[ConnectParameters],
    ) -> None:
        given: dict[str, Any] = {
            "profile": profile,
            "driver": driver,
            "capabilities": capabilities,
            "limits": limits,
            "hub": hub,
            "known_hosts": known_hosts,
            "require_session_id": require_session_id,
            "observers": observers,
            **parameters,
        }
        timeouts = parameters.get("timeouts") or Timeouts()
        opener = ByParameters(host, given)
        opener.check()
        try:
            self._begin(opener, on_session, on_change, backoff, retry, wait, hub, timeouts.close)
        except BaseException:  # an interrupt, too, that comes when all is begun
            self._give_up()
            raise

    @classmethod
    def from_function(
        cls,
        function: Callable[[], Session],
        *,
        name: str | None = None,
        on_session: Callable[[Session], object] | None = None,
        on_change: Callable[[Status], object] | None = None,
        backoff: Backoff | None = None,
        retry: Retry | None = None,
        wait: float = WAIT,
        hub: Hub | None = None,
    ) -> Self:
        """Return one whose sessions a function makes: an inventory's `Device.connect`, say.

        It returns a connected session, which from then on belongs to this object, or raises; each
        call is an attempt, in the thread that connects. `close` cannot break it off: one that may
        wait for long has to have an end of its own, as `Listener.accept(timeout=...)` has. `hub`
        says that its sessions are on that, so that connecting is shared as with others of the hub.
        `name` is for people: in `repr`, errors and the log.
        """
        self = cls.__new__(cls)
        opener, patience = ByFunction(function, name), float(Timeouts().close)
        try:
            self._begin(opener, on_session, on_change, backoff, retry, wait, hub, patience)
        except BaseException:  # as in `__init__`
            self._give_up()
            raise
        return self

    def _begin(
        self,
        opener: Opener,
        on_session: Callable[[Session], object] | None,
        on_change: Callable[[Status], object] | None,
        backoff: Backoff | None,
        retry: Retry | None,
        wait: float,
        hub: Hub | None,
        patience: float,
    ) -> None:
        for option, value in (("on_session", on_session), ("on_change", on_change)):
            if value is not None and not callable(value):
                raise OptionError(option, f"must be callable, {type(value).__name__} is not")
            if inspect.iscoroutinefunction(value):
                raise OptionError(option, "nobody awaits it here; use ncwire.aio.Persistent")
        if backoff is not None and not isinstance(backoff, Backoff):
            raise OptionError("backoff", f"must be a Backoff, not {type(backoff).__name__}")
        if hub is not None and not isinstance(hub, Hub):
            raise OptionError("hub", f"must be a Hub, not {type(hub).__name__}")
        self._wait = positive_seconds("wait", wait)
        policy = Policy(on_session, on_change, backoff or Backoff(), checked(retry), patience)
        self._keeper = Keeper(opener, policy, hub)
        self._keeper.begin()

    def _give_up(self) -> None:
        """Close what was begun and comes to no caller, for its making has failed."""
        keeper = self.__dict__.get("_keeper")
        if keeper is not None:
            keeper.close(farewell=False)

    # --- what is known -------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """What errors and the log call it: the host, or what `from_function` was given.

        With the port, where that was given and is not 830. Where there is no host it is the URL,
        or a socket's path.
        """
        return self._keeper.name

    @property
    def status(self) -> Status:
        """State and counters at this moment; waits for nothing."""
        return self._keeper.status

    @property
    def connected(self) -> bool:
        """Whether there is a session that is open."""
        return self._keeper.current() is not None

    @property
    def cause(self) -> Exception | None:
        """Why it has stopped; None as long as it has not. What it waits out is in the status."""
        return self._keeper.cause

    def __repr__(self) -> str:
        status = self.status
        text = f"<{type(self).__name__} {self._keeper.name}: {status.state.value}"
        text += f", {status.sessions} sessions, {status.attempts} attempts"
        if status.state is not State.UP and status.cause is not None:
            text += f", last: {type(status.cause).__name__}"
        return f"{text}>"

    # --- use -----------------------------------------------------------------------------------

    def session(self, timeout: float | None = None) -> Session:
        """Return the session that there is, or wait for one: `timeout` seconds, or else `wait`.

        A `timeout` of 0 takes what is there. It may end at any time, and then it is this method
        that gives the next. Closing it has the next one made, too. Raises `NoSessionError` if none
        is there in time, which tells the state, the last cause, and when the next attempt is; the
        cause once it has stopped; `SessionError` where waiting cannot help: in `on_session`, which
        is given the session, and on a thread that serves sessions, the hub's or a session's own.
        `OptionError` for what is no number of seconds.
        """
        seconds = self._wait if timeout is None else seconds_or_none("timeout", timeout)
        return self._keeper.session(seconds)

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
        """Do what `Session.rpc` does, on the session that there is, or for which this waits.

        `timeout` bounds both together; None: `wait` for the session, and `Timeouts.rpc` for the
        reply. Sent once, or not at all: when the session ends meanwhile, its cause is raised. Two
        calls may come to two sessions: what belongs together (lock, edit, commit) goes over one,
        by `session`, as do many in flight, streams and all else. Raises what both raise.
        """
        until = None
        if timeout is not None:
            until = time.monotonic() + positive_seconds("timeout", timeout)
        session = self.session(timeout)
        left = None if until is None else max(1e-3, until - time.monotonic())
        if sink is not None and not check:
            return session.rpc(operation, left, sink=sink)
        return session.rpc(operation, left, sink=sink, check=check)  # type: ignore[call-overload,misc,no-any-return]

    def notifications(self, maxsize: int = 1000) -> NotificationStream:
        """Return the notifications of all sessions from now on; `maxsize` bounds its queue.

        Subscribing is for `on_session`: streams hear each session before that is called, the
        first one too if they are made by then. A stream that is made after it has stopped is
        empty, and ends as others do.
        """
        return self._keeper.notifications(maxsize)

    # --- the end -------------------------------------------------------------------------------

    def close(self) -> None:
        """Stop, with no word to the NETCONF server: end the session, or the attempt under way.

        Idempotent, bounded by `Timeouts.close`, and from any thread, `on_session`, `on_change`, a
        listener and a signal handler. All that wait are woken with a `SessionCloseError`. What
        `on_session` does on its session fails; a function that makes sessions is waited for no
        longer than that, and its session closed when it comes. At the interpreter's end it
        returns at once: see `Session.close`.
        """
        self._keeper.close(farewell=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._keeper.close(farewell=error is None or isinstance(error, Exception))


def _spelled_out() -> inspect.Signature:
    """Return the signature with each parameter by its name, as `ncwire.connect` has it."""
    own = inspect.signature(Persistent.__init__)
    _, host, *others = own.parameters.values()
    listed = [each for each in others if each.kind is not each.VAR_KEYWORD]
    known = {"host", *(each.name for each in listed)}
    connects = [
        each
        for each in inspect.signature(connect).parameters.values()
        if each.name not in {*known, "sock", "sock_fd"}
    ]
    return own.replace(parameters=[host, *listed, *connects], return_annotation=own.empty)


Persistent.__signature__ = _spelled_out()  # type: ignore[attr-defined]
