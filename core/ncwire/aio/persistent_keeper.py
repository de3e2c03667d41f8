"""`Keeper`: the inside of a persistent session by `await`: attempts, states, and the end."""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ncwire._interrupts import by_signal
from ncwire._session.base import forked
from ncwire._session.listeners import SessionListener
from ncwire._users_code import call_users, log, log_error
from ncwire.aio.loop_hub import current_hub, resolve
from ncwire.aio.stream_of_sessions import NotificationStream, Queue
from ncwire.driver import Forkable, watch_forks
from ncwire.errors import NcwireError, NoSessionError, SessionCloseError, SessionError
from ncwire.persistent.course import Course, State, Status
from ncwire.persistent.lost_logins import LostLogins

if TYPE_CHECKING:
    from collections.abc import Callable

    from ncwire.aio.awaited import Signal
    from ncwire.aio.persistent_opener import Opener
    from ncwire.aio.session import Session
    from ncwire.persistent.backoff import Backoff
    from ncwire.persistent.notifications import NotificationStream as SyncStream

_log = logging.getLogger("ncwire.persistent")


@dataclass(frozen=True, slots=True)
class Policy:
    """What the program has chosen, checked."""

    on_session: Callable[[Session[Any]], object] | None
    on_change: Callable[[Status], object] | None
    backoff: Backoff
    retry: Callable[[Exception], bool]
    patience: float
    """How many seconds `close` waits for an attempt that is under way."""


class Keeper(Forkable):
    """Keeps a session: what `ncwire.aio.Persistent` does, from its beginning to its end.

    All of it runs on the event loop's thread, so that it has no lock. An attempt is a task; a
    wait is a timer, and a session that is up costs neither.

    Raises what `ncwire.aio.loop_hub.current_hub` does.
    """

    def __init__(self, opener: Opener, policy: Policy) -> None:
        self.name = opener.name
        self._opener = opener
        self._policy = policy
        self._hub = current_hub()
        self._hub.enter(self, self._orphaned)
        self._loop = self._hub.event_loop
        self._course = Course(policy.backoff, time.monotonic())
        self._session: Session[Any] | None = None
        self._opening: Session[Any] | None = None  # what an attempt has come to so far
        self._attempting: asyncio.Task[None] | None = None
        self._next: asyncio.Handle | None = None  # what begins the next attempt
        self._logins = LostLogins()
        self._streams: tuple[Queue, ...] = ()
        self._waiting: set[asyncio.Future[None]] = set()
        self._untold: deque[Status] = deque()
        self._noted = self._course.status
        self._tells = False
        watch_forks(self)
        self._next = self._loop.call_soon(self._begin)

    # --- what is known, and waited for ----------------------------------------------------------

    @property
    def status(self) -> Status:
        """State and counters at this moment."""
        return self._course.status

    @property
    def cause(self) -> Exception | None:
        """Why it has stopped; None as long as it has not."""
        status = self.status
        return status.cause if status.state is State.STOPPED else None

    def current(self) -> Session[Any] | None:
        """Return the session, if there is one that is open."""
        session = self._session
        is_up = self.status.state is State.UP
        return session if is_up and session is not None and session.connected else None

    async def session(self, seconds: float) -> Session[Any]:
        """Return the session that there is, or wait so long for one: see `Persistent.session`."""
        until = time.monotonic() + seconds
        while True:
            self._raise_cause()
            self.check_loop()
            session = self.current()
            if session is not None:
                return session
            if asyncio.current_task() is self._attempting:
                raise SessionError(
                    "a session cannot be waited for here: use what on_session is given"
                )
            left = until - time.monotonic()
            if left <= 0:
                status, due = self.status, self._course.next_at
                wait = None if due is None else max(0.0, due - time.monotonic())
                state = State.CONNECTING if status.state is State.UP else status.state
                raise NoSessionError(self.name, seconds, state.value, status.cause, wait)
            await self._change(left)

    async def _change(self, seconds: float) -> None:
        """Wait until there is a session or none is to come any more, for so long at most."""
        future = self._loop.create_future()
        self._waiting.add(future)
        timer = self._loop.call_later(seconds, resolve, future)
        try:
            await future
        finally:
            timer.cancel()
            self._waiting.discard(future)

    def notifications(self, maxsize: int) -> NotificationStream:
        """Return a stream of what all sessions from now on notify of."""
        if self.cause is None:
            self.check_loop()
        return NotificationStream(self._hub.home, lambda came: self._queue(maxsize, came))

    def _queue(self, maxsize: int, came: Signal) -> Queue:
        status = self.status
        is_up = status.state is State.UP
        lost = status.cause if status.sessions and not is_up else None
        queue = Queue(maxsize, self._forget, lost, came)
        if (cause := self.cause) is not None:
            queue.end(cause)
            return queue
        self._streams = (*self._streams, queue)
        session = self._session if is_up else self._opening
        if session is not None:
            queue.listen(session)  # type: ignore[arg-type] # as good as one, to a listener
        if is_up:
            queue.is_in_order()
        return queue

    def _forget(self, queue: SyncStream) -> None:
        self._streams = tuple(each for each in self._streams if each is not queue)

    def check_loop(self) -> None:
        """Raise `SessionError` in any other event loop than its own."""
        if asyncio.get_running_loop() is not self._loop:
            raise SessionError(
                f"the sessions with {self.name} are served by another event loop: make the "
                "Persistent in the one that uses it"
            )

    # --- the end -------------------------------------------------------------------------------

    async def close(self, *, farewell: bool) -> None:
        """Stop, and wait for that; with a `farewell` the server is asked to end the session."""
        if self.cause is None:
            self.check_loop()
        elif asyncio.get_running_loop() is not self._loop:
            return  # as in a forked child: there is nothing left that this loop could wait for
        cause = SessionCloseError(b"", closed_by="us", reason="the persistent session was closed")
        # Before anything is awaited: so it goes on by itself, if this task is cancelled.
        self._stop(cause)
        attempting, opening, session = self._attempting, self._opening, self._session
        is_within = attempting is None or attempting is asyncio.current_task()
        if attempting is not None and not is_within:
            attempting.cancel()
        try:
            if session is not None and farewell and session.connected:
                await session.close_session()
            elif session is not None:
                await session.close()
        finally:
            if is_within and opening is not None:
                await opening.close()
        if attempting is not None and not is_within:
            _, late = await asyncio.wait([attempting], timeout=self._policy.patience)
            if late:
                text = "%s: the attempt to connect did not end within %g s"
                log(_log, logging.WARNING, text, self.name, self._policy.patience)

    def _stop(self, cause: Exception) -> None:
        if not self._course.is_stopped:
            self._course.stop(cause)
            self._have_stopped(cause)

    def _have_stopped(self, cause: Exception) -> None:
        """Tell all that there will be no session any more."""
        if self._next is not None:
            self._next.cancel()
            self._next = None
        for stream in self._streams:
            stream.end(cause)
        self._note_change()
        self._hub.leave(self)
        self._tell()

    def _orphaned(self) -> str:
        reason = "its event loop was closed"
        self._stop(SessionCloseError(b"", closed_by="us", reason=reason))
        return f"persistent session with {self.name}"

    def abandon_in_child(self) -> None:
        """Have stopped in a forked child, where each session sees to itself."""
        if self._course.is_stopped:
            return
        self._course.stop(cause := forked())
        for stream in self._streams:
            stream.leave(cause)

    # --- attempts ------------------------------------------------------------------------------

    def _begin(self) -> None:
        self._next = None
        if self._course.is_stopped or self.current() is not None:
            return
        self._attempting = self._loop.create_task(self._attempt())

    async def _attempt(self) -> None:
        session = None
        try:
            if (last := self._session) is not None:
                await last.close()  # it has ended; what is left of it is freed first
                for stream in self._streams:  # unless an interrupt has kept `ended` from that
                    stream.lose(last, last.cause or SessionCloseError(b""))  # type: ignore[arg-type] # as with `listen`
            self._raise_cause()
            self._course.begin()
            self._note_change()
            self._tell()
            self._raise_cause()
            # No await stands between the two: so who closes it has it, or it is broken off.
            session = self._opening = await self._opener.open()
            self._logins.accepted()
            self._raise_cause()
            await self._prepare(session)
            self._raise_cause()
            self._publish(session)
        except BaseException as error:
            try:
                if session is not None:
                    await session.close()
            finally:
                self._failed(session, error)
            if not isinstance(error, Exception):
                raise
        finally:
            self._opening = self._attempting = None

    async def _prepare(self, session: Session[Any]) -> None:
        for stream in self._streams:
            stream.listen(session)  # type: ignore[arg-type] # as good as one, to a listener
        if self._policy.on_session is not None:
            returned = self._policy.on_session(session)
            if inspect.isawaitable(returned):
                await returned
        if session.cause is not None:
            raise session.cause

    def _publish(self, session: Session[Any]) -> None:
        self._session = session
        self._course.connected(time.monotonic())
        self._note_change()
        for stream in self._streams:
            stream.is_in_order()
        self._tell()
        # Last: of one that has ended meanwhile this tells at once.
        session.add_listener(_End(self, session))

    def _failed(self, opening: Session[Any] | None, error: BaseException) -> None:
        if self._course.is_stopped:
            return
        cause: Exception
        if isinstance(error, Exception):
            cause = self._logins.judged(error)
        else:
            reason = f"connecting was ended by {type(error).__name__}"
            cause = SessionCloseError(b"", closed_by="us", reason=reason)
            cause.__cause__ = error
        if not isinstance(error, NcwireError | OSError | asyncio.CancelledError):
            # A fault in the program's code, most likely: whom it is raised for sees no traceback.
            log_error(_log, error, "%s: no session came to be", self.name)
        jitter = self._jitter(cause) if isinstance(error, Exception) else None
        self._course.failed(time.monotonic(), cause, jitter)
        self._go_on(opening, cause)

    def ended(self, session: Session[Any], cause: Exception) -> None:
        """Note the end of a session: for the listener of its end, not for callers."""
        if self._course.is_stopped or session is not self._session:
            return
        try:
            jitter = self._jitter(cause)
            if self.status.state is State.UP:
                self._course.lost(time.monotonic(), cause, jitter)
                self._go_on(session, cause)
        except BaseException:
            # A signal handler has raised, in the main thread.
            if self._next is None:
                self._next = self._loop.call_soon(self._begin)
            raise

    def _go_on(self, session: Session[Any] | None, cause: Exception) -> None:
        """Do what the course says after a failure, or the end of the session."""
        due = self._course.next_at
        if session is not None:
            for stream in self._streams:
                stream.lose(session, cause)  # type: ignore[arg-type] # as with `listen`
        if due is None:
            log(_log, logging.WARNING, "%s: stopped: %s", self.name, cause)
            self._have_stopped(cause)
            return
        wait = max(0.0, due - time.monotonic())
        log(_log, logging.INFO, "%s: %s; again in %.1f s", self.name, cause, wait)
        self._next = self._loop.call_later(wait, self._begin)
        self._note_change()
        self._tell()

    def _jitter(self, cause: Exception) -> float | None:
        """Return what `Course.failed` asks for: None where no attempt is to come."""
        if self._hub.home.closed:
            return None
        try:
            return self._policy.backoff.jitter() if self._policy.retry(cause) else None
        except BaseException as error:
            if by_signal(error):
                raise
            log_error(_log, error, "%s: retry or backoff.random failed", self.name)
            return None

    # --- within --------------------------------------------------------------------------------

    def _raise_cause(self) -> None:
        if (cause := self.cause) is not None:
            # One error, raised for each that asks: its traceback must not grow every time.
            raise cause.with_traceback(None)

    def _note_change(self) -> None:
        status = self._course.status
        if status is not self._noted:
            self._noted = status
            self._untold.append(status)
        if status.state in {State.UP, State.STOPPED}:  # what those who wait can do something with
            for each in self._waiting:
                resolve(each)

    def _tell(self) -> None:
        """Call `on_change` for all that has changed, in their order."""
        on_change = self._policy.on_change
        if on_change is None:
            self._untold.clear()
            return
        if self._tells:
            return  # in `on_change` itself: it is told when it has returned
        self._tells = True
        try:
            while self._untold:
                error = call_users(on_change, self._untold.popleft())
                if error is not None:
                    log_error(_log, error, "%s: on_change failed", self.name)
        finally:
            self._tells = False


class _End(SessionListener):
    """Hears of a session's end, and of nothing else."""

    anywhere = True
    roots = frozenset()

    def __init__(self, owner: Keeper, session: Session[Any]) -> None:
        self._owner = owner
        self._session = session

    def callback(self, root: object, raw: str) -> None:
        pass

    def errback(self, ex: Exception) -> None:
        self._owner.ended(self._session, ex)
