"""`Persistent`: a session to one device that comes back after it has ended, by `await`."""

# ruff: noqa: ASYNC109 - the same parameters as the sync ones have

from __future__ import annotations

import inspect
import time
from typing import TYPE_CHECKING, Any, Self, overload

from ncwire._one_process import OneProcess
from ncwire.aio.persistent_keeper import Keeper, Policy
from ncwire.aio.persistent_opener import ByFunction, ByParameters
from ncwire.driver import Timeouts
from ncwire.driver.seconds import positive_seconds, seconds_or_none
from ncwire.errors import OptionError
from ncwire.persistent.backoff import Backoff
from ncwire.persistent.course import State
from ncwire.persistent.persistent import WAIT
from ncwire.persistent.persistent import Persistent as SyncPersistent
from ncwire.persistent.retry import checked

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from types import TracebackType
    from typing import Unpack

    from ncwire._protocol.framing import Limits
    from ncwire._session.reply import Reply
    from ncwire._session.streaming import StreamedReply
    from ncwire._ssh.options.parameters import ConnectParameters, Filename
    from ncwire.aio.persistent_opener import Opener
    from ncwire.aio.session import AnyOperation, Session
    from ncwire.aio.stream_of_sessions import NotificationStream
    from ncwire.aio.streaming import Sink
    from ncwire.driver import Backend
    from ncwire.observe.observer import Observer
    from ncwire.persistent.course import Status
    from ncwire.persistent.retry import Retry
    from ncwire.profiles.ncclient_handler import ProfileLike


class Persistent(OneProcess):
    """Keeps a session to one device, as `ncwire.Persistent` does, by `await`.

    The parameters, states, errors and promises are the same.

    Made in a coroutine, it begins to connect at once, in the running event loop, which serves its
    sessions; there is no `hub`. The blocking steps of an attempt run in the threads of
    `ncwire.aio.connect`, and besides that it has none. The names and the values of parameters are
    checked here; for what takes a file or the driver to know the first attempt stops it.

    `on_session(session)` may be a coroutine function, or an ordinary one, which must not wait. It
    is given an `ncwire.aio.Session` before anybody else gets it. `on_change(status)`, `retry` and
    `backoff.random` are ordinary functions, called on the event loop's thread: they must not wait.

    A task that is cancelled in any of its waits leaves it as it was.

    It lives until it is closed, or stops, though all that knew it is gone: one that is open when
    its event loop is closed is told of by a `ResourceWarning`, and has stopped. An attempt that
    somebody else cancels, as `asyncio.run` does at its end with all tasks, stops it. It is for
    tasks of its event loop alone (`SessionError` in any other). In a forked child it has stopped,
    and the parent's lives on. It is neither copied nor pickled (TypeError).

    Raises RuntimeError where no event loop is running, `SessionError` in one that cannot watch
    file descriptors, and what `ncwire.Persistent` does for its parameters.
    """

    def __init__(
        self,
        host: str | None,
        *,
        on_session: Callable[[Session[Any]], object] | None = None,
        on_change: Callable[[Status], object] | None = None,
        backoff: Backoff | None = None,
        retry: Retry | None = None,
        wait: float = WAIT,
        profile: ProfileLike | None = None,
        driver: str | type[Backend] | None = None,
        capabilities: Iterable[str] | None = None,
        limits: Limits | None = None,
        known_hosts: Filename | Iterable[Filename] | None = None,
        require_session_id: bool | None = None,
        observers: Iterable[Observer] = (),
        **parameters: Unpack[ConnectParameters],
    ) -> None:
        if "hub" in parameters:
            raise TypeError("ncwire.aio.Persistent takes no hub: its event loop serves it")
        given: dict[str, Any] = {
            "profile": profile,
            "driver": driver,
            "capabilities": capabilities,
            "limits": limits,
            "known_hosts": known_hosts,
            "require_session_id": require_session_id,
            "observers": observers,
            **parameters,
        }
        timeouts = parameters.get("timeouts") or Timeouts()
        opener = ByParameters(host, given)
        self._begin(opener, on_session, on_change, backoff, retry, wait, timeouts.close)

    @classmethod
    def from_function(
        cls,
        function: Callable[[], Awaitable[Session[Any]]],
        *,
        name: str | None = None,
        on_session: Callable[[Session[Any]], object] | None = None,
        on_change: Callable[[Status], object] | None = None,
        backoff: Backoff | None = None,
        retry: Retry | None = None,
        wait: float = WAIT,
    ) -> Self:
        """Return one whose sessions a function makes: a coroutine function, say.

        What it returns is awaited, and comes to a connected session of `ncwire.aio`'s in the same
        event loop, which from then on belongs to this object; each call is an attempt. `close`
        cancels it. `name` is for people: in `repr`, errors and the log.
        """
        self = cls.__new__(cls)
        opener, patience = ByFunction(function, name), float(Timeouts().close)
        self._begin(opener, on_session, on_change, backoff, retry, wait, patience)
        return self

    def _begin(
        self,
        opener: Opener,
        on_session: Callable[[Session[Any]], object] | None,
        on_change: Callable[[Status], object] | None,
        backoff: Backoff | None,
        retry: Retry | None,
        wait: float,
        patience: float,
    ) -> None:
        for option, value in (("on_session", on_session), ("on_change", on_change)):
            if value is not None and not callable(value):
                raise OptionError(option, f"must be callable, {type(value).__name__} is not")
        for option, called in (("on_change", on_change), ("retry", retry)):
            if inspect.iscoroutinefunction(called):
                raise OptionError(option, "must be an ordinary function: nobody awaits it")
        if backoff is not None and not isinstance(backoff, Backoff):
            raise OptionError("backoff", f"must be a Backoff, not {type(backoff).__name__}")
        self._wait = positive_seconds("wait", wait)
        policy = Policy(on_session, on_change, backoff or Backoff(), checked(retry), patience)
        self._keeper = Keeper(opener, policy)

    # --- what is known -------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """What errors and the log call it: see `ncwire.Persistent.name`."""
        return self._keeper.name

    @property
    def status(self) -> Status:
        """State and counters at this moment."""
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
        text = f"<ncwire.aio.{type(self).__name__} {self._keeper.name}: {status.state.value}"
        text += f", {status.sessions} sessions, {status.attempts} attempts"
        if status.state is not State.UP and status.cause is not None:
            text += f", last: {type(status.cause).__name__}"
        return f"{text}>"

    # --- use -----------------------------------------------------------------------------------

    async def session(self, timeout: float | None = None) -> Session[Any]:
        """Return the session that there is, or wait for one: `timeout` seconds, or else `wait`.

        A `timeout` of 0 takes what is there. It may end at any time, and then it is this method
        that gives the next. Closing it has the
        next one made, too. Raises `NoSessionError` if none is there in time, which tells the
        state, the last cause, and when the next attempt is; the cause once it has stopped;
        `SessionError` in `on_session`, which is given the session. `OptionError` for what is no
        number of seconds.
        """
        seconds = self._wait if timeout is None else seconds_or_none("timeout", timeout)
        return await self._keeper.session(seconds)

    @overload
    async def rpc(
        self, operation: AnyOperation, timeout: float | None = None, *, check: bool = False
    ) -> Reply: ...

    @overload
    async def rpc(
        self, operation: AnyOperation, timeout: float | None = None, *, sink: Sink
    ) -> StreamedReply: ...

    async def rpc(
        self,
        operation: AnyOperation,
        timeout: float | None = None,
        *,
        sink: Sink | None = None,
        check: bool = False,
    ) -> Reply | StreamedReply:
        """Do what `Session.rpc` does, on the session that there is, or for which this waits.

        `timeout` bounds both together; None: `wait` for the session, and `Timeouts.rpc` for the
        reply. Sent once, or not at all: when the session ends meanwhile, its cause is raised. Two
        calls may come to two sessions: what belongs together (lock, edit, commit) goes over one,
        by `session`, as do streams and all else. Raises what both raise.
        """
        until = None
        if timeout is not None:
            until = time.monotonic() + positive_seconds("timeout", timeout)
        session = await self.session(timeout)
        left = None if until is None else max(1e-3, until - time.monotonic())
        if sink is not None and not check:
            return await session.rpc(operation, left, sink=sink)
        return await session.rpc(operation, left, sink=sink, check=check)  # type: ignore[call-overload,misc,no-any-return]

    def notifications(self, maxsize: int = 1000) -> NotificationStream:
        """Return the notifications of all sessions from now on; `maxsize` bounds its queue.

        Subscribing is for `on_session`: streams hear each session before that is called. One that
        is made after it has stopped ends at once, with the cause.
        """
        return self._keeper.notifications(maxsize)

    # --- the end -------------------------------------------------------------------------------

    async def close(self) -> None:
        """Stop, with no word to the NETCONF server: end the session, or cancel the attempt.

        Idempotent, bounded by `Timeouts.close`, and from any task, `on_session` too. Listeners,
        `on_change` and handlers of `loop.add_signal_handler` make a task of it. All that wait are
        woken with a `SessionCloseError`. A task that is cancelled in it has stopped it.
        """
        await self._keeper.close(farewell=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._keeper.close(farewell=error is None or isinstance(error, Exception))


def _spelled_out() -> inspect.Signature:
    """Return the signature with each parameter by its name, as `ncwire.Persistent` has it."""
    own, other = inspect.signature(Persistent.__init__), inspect.signature(SyncPersistent)
    listed = [each for name, each in other.parameters.items() if name != "hub"]
    return own.replace(parameters=listed, return_annotation=own.empty)


Persistent.__signature__ = _spelled_out()  # type: ignore[attr-defined]
