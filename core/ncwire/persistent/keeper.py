"""`Keeper`: the inside of a persistent session: its attempts, its states and its end."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ncwire._interrupts import by_signal
from ncwire._latch import Latch
from ncwire._session.base import forked
from ncwire._session.listeners import SessionListener
from ncwire._unclosed import closed, opened
from ncwire._users_code import call_users, log, log_error
from ncwire.driver import Forkable, watch_forks
from ncwire.driver.forking import free_in_child
from ncwire.errors import NcwireError, NoSessionError, SessionCloseError, SessionError
from ncwire.persistent.connectors import connectors
from ncwire.persistent.course import Course, State, Status
from ncwire.persistent.lost_logins import LostLogins
from ncwire.persistent.notifications import NotificationStream

if TYPE_CHECKING:
    from collections.abc import Callable

    from ncwire._session.base import Session
    from ncwire._session.hub import Hub
    from ncwire.persistent.backoff import Backoff
    from ncwire.persistent.opener import Opener

_log = logging.getLogger("ncwire.persistent")


@dataclass(frozen=True, slots=True)
class Policy:
    """What the program has chosen, checked."""

    on_session: Callable[[Session], object] | None
    on_change: Callable[[Status], object] | None
    backoff: Backoff
    retry: Callable[[Exception], bool]
    patience: float
    """How many seconds `close` waits for an attempt that is under way."""


class Keeper(Forkable):
    """Keeps a session: what `Persistent` does, from its beginning to its end.

    Of its methods `attempt` is called by the threads that connect, `ended` by those that serve
    sessions, the others by any.
    """

    def __init__(self, opener: Opener, policy: Policy, hub: Hub | None) -> None:
        self.name = opener.name
        self._opener = opener
        self._policy = policy
        self._on_change = policy.on_change
        self._hub = hub
        # Re-entrant, for a signal handler may come in the middle of what it protects, and call
        # `close`: so what is read there together is consistent after each step.
        self._lock = threading.RLock()
        self._course = Course(policy.backoff, time.monotonic())
        self._session: Session | None = None
        self._opening: Session | None = None  # what an attempt has come to so far
        self._attempting: int | None = None  # the thread that is in `attempt`
        self._attempted = Latch()
        self._logins = LostLogins()
        self._streams: tuple[NotificationStream, ...] = ()
        self._changed = Latch()  # another one after each change
        self._untold: deque[Status] = deque()
        self._noted = self._course.status
        self._telling = threading.RLock()
        self._teller: int | None = None
        self._connectors = connectors(hub)
        watch_forks(self)

    def begin(self) -> None:
        """Have the first attempt made. Raises RuntimeError where there is no thread for it."""
        if self._hub is not None:
            self._hub.add_dependent(self)
        opened(self, lambda: f"persistent session with {self.name}")
        self._connectors.join(self)
        self._connectors.schedule(self, time.monotonic())

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

    def current(self) -> Session | None:
        """Return the session, if there is one that is open."""
        session = self._session
        is_up = self.status.state is State.UP
        return session if is_up and session is not None and session.connected else None

    def session(self, seconds: float) -> Session:
        """Return the session that there is, or wait so long for one: see `Persistent.session`."""
        until = time.monotonic() + seconds
        while True:
            changed = self._changed  # before looking, so that no change is missed
            session = self.current()
            if session is not None:
                return session
            self._raise_cause()
            self._check_may_wait()
            left = until - time.monotonic()
            if left <= 0:
                status, due = self.status, self._course.next_at
                wait = None if due is None else max(0.0, due - time.monotonic())
                state = State.CONNECTING if status.state is State.UP else status.state
                raise NoSessionError(self.name, seconds, state.value, status.cause, wait)
            changed.wait(left)

    def notifications(self, maxsize: int) -> NotificationStream:
        """Return a stream of what all sessions from now on notify of."""
        with self._lock:
            status = self.status
            lost = status.cause if status.sessions and status.state is not State.UP else None
            stream = NotificationStream(maxsize, self._forget, lost)
            self._streams = (*self._streams, stream)
            is_up = status.state is State.UP
            session = self._session if is_up else self._opening
            # Still with the lock, or it might be the session before that it listens to.
            if session is not None:
                stream.listen(session)
            if is_up:
                stream.is_in_order()
        if self._course.is_stopped and (cause := self.cause) is not None:
            stream.end(cause)
        return stream

    def _forget(self, stream: NotificationStream) -> None:
        with self._lock:
            self._streams = tuple(each for each in self._streams if each is not stream)

    # --- the end -------------------------------------------------------------------------------

    def abandon_in_child(self) -> None:
        """Have stopped in a forked child, where each session sees to itself."""
        closed(self)
        free_in_child(self._lock)
        self._telling, self._teller = threading.RLock(), None
        self._untold.clear()
        self._on_change = None  # no code of the program's is called for what is the parent's
        self._course.stop(cause := forked())
        self._attempting = None
        self._attempted.set()
        for stream in self._streams:
            stream.leave(cause)
        self._changed.set()

    def close(self, *, farewell: bool) -> None:
        """Stop, and wait for that; with a `farewell` the server is asked to end the session."""
        until = time.monotonic() + self._policy.patience
        cause = SessionCloseError(b"", closed_by="us", reason="the persistent session was closed")
        self._stop(cause)
        if sys.is_finalizing():
            return
        session, opening = self._session, self._opening
        if opening is not None:
            opening.close()
        if session is not None and farewell and session.connected:
            session.close_session()
        elif session is not None:
            session.close()
        here = threading.get_ident()
        if here == self._attempting or self._is_served_here(session):
            return
        if self._attempting is not None:
            self._attempted.wait(max(0.0, until - time.monotonic()))
        if not self._connectors.wait_for_the_last(until):
            text = "%s: the attempt to connect did not end within %g s"
            log(_log, logging.WARNING, text, self.name, self._policy.patience)

    def end(self, cause: SessionCloseError) -> None:
        """Stop with this cause, and wait for nothing: for the hub that is closed."""
        self._stop(cause)
        if (opening := self._opening) is not None and not sys.is_finalizing():
            opening.end(cause)

    def _stop(self, cause: Exception) -> None:
        """Have no session any more, and tell all; once, but complete when it is called again."""
        if sys.is_finalizing():  # a lock may be held by a thread that is gone
            free_in_child(self._lock)
            self._course.stop(cause)
            closed(self)
            return
        with self._lock:
            self._course.stop(cause)
            told = self.status.cause or cause
            self._note_change()
        self._connectors.leave(self)
        if self._hub is not None:
            self._hub.discard_dependent(self)
        closed(self)
        for stream in self._streams:
            stream.end(told)
        self._tell()

    # --- attempts ------------------------------------------------------------------------------

    def attempt(self) -> None:
        """Make an attempt to have a session: for the threads that connect, not for callers."""
        self._attempted = Latch()
        self._attempting = threading.get_ident()
        try:
            if self.current() is not None:
                return  # it was due twice, see `ended`
            if (session := self._session) is not None:
                session.close()  # it has ended; what is left of it is freed first
                for stream in self._streams:  # unless an interrupt has kept `ended` from that
                    stream.lose(session, session.cause or SessionCloseError(b""))
            with self._lock:
                if self._course.is_stopped:
                    return
                self._course.begin()
                self._note_change()
            self._tell()
            session = self._opener.open(self._take)
            self._logins.accepted()
            self._prepare(session)
            self._publish(session)
        except BaseException as error:  # noqa: BLE001 - the program's code may raise anything
            self._failed(error)
        finally:
            self._opening = None
            self._attempting = None
            self._attempted.set()

    def _take(self, session: Session) -> None:
        with self._lock:
            self._raise_cause()
            self._opening = session

    def _prepare(self, session: Session) -> None:
        for stream in self._streams:
            stream.listen(session)
        if self._policy.on_session is not None:
            self._policy.on_session(session)
        if session.cause is not None:
            raise session.cause

    def _publish(self, session: Session) -> None:
        with self._lock:
            self._raise_cause()
            self._session = session
            self._course.connected(time.monotonic())
            self._note_change()
            streams = self._streams
        for stream in streams:
            stream.is_in_order()
        self._tell()
        # Last: of one that has ended meanwhile this tells at once.
        session.add_listener(_End(self, session))

    def _failed(self, error: BaseException) -> None:
        opening = self._opening
        if opening is not None:
            opening.close()
        cause: Exception
        if isinstance(error, Exception):
            cause = self._logins.judged(error)
        else:
            reason = f"connecting was ended by {type(error).__name__}"
            cause = SessionCloseError(b"", closed_by="us", reason=reason)
            cause.__cause__ = error
        if not isinstance(error, NcwireError | OSError):
            # A fault in the program's code, most likely: whom it is raised for sees no traceback.
            log_error(_log, error, "%s: no session came to be", self.name)
        jitter = self._jitter(cause) if isinstance(error, Exception) else None
        with self._lock:
            if self._course.is_stopped:
                return
            self._course.failed(time.monotonic(), cause, jitter)
        self._go_on(opening, cause)

    def ended(self, session: Session, cause: Exception) -> None:
        """Note the end of a session: for the listener of its end, not for callers."""
        if self._course.is_stopped:
            return
        try:
            jitter = self._jitter(cause)
            with self._lock:
                if session is not self._session or self.status.state is not State.UP:
                    return
                self._course.lost(time.monotonic(), cause, jitter)
            self._go_on(session, cause)
        except BaseException:
            # A signal handler has raised, where the session ends in the main thread.
            if not self._course.is_stopped:
                self._connectors.schedule(self, time.monotonic())
            raise

    def _go_on(self, session: Session | None, cause: Exception) -> None:
        """Do what the course says after a failure, or the end of the session."""
        due = self._course.next_at
        for stream in self._streams:
            if session is not None:
                stream.lose(session, cause)
        if due is None:
            log(_log, logging.WARNING, "%s: stopped: %s", self.name, cause)
            self._stop(cause)
            return
        with self._lock:
            self._note_change()
        wait = max(0.0, due - time.monotonic())
        log(_log, logging.INFO, "%s: %s; again in %.1f s", self.name, cause, wait)
        self._connectors.schedule(self, due)
        self._tell()

    def _jitter(self, cause: Exception) -> float | None:
        """Return what `Course.failed` asks for: None where no attempt is to come."""
        if self._hub is not None and self._hub.closed:
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

    def _check_may_wait(self) -> None:
        if self._attempting == threading.get_ident():
            raise SessionError("a session cannot be waited for here: use what on_session is given")
        if self._is_served_here(self._session):
            # The next one may wait for this very thread: to tell of the end, and to be free.
            raise SessionError("a session cannot be waited for on a thread that serves sessions")

    def _is_served_here(self, session: Session | None) -> bool:
        here = threading.get_ident()
        served = None if self._hub is None else self._hub.loop.ident
        # Not by a session's ident, which another thread may have when that has ended.
        return here == served or threading.current_thread() is session

    def _note_change(self) -> None:
        status = self._course.status
        if status is not self._noted:
            self._noted = status
            self._untold.append(status)
        changed, self._changed = self._changed, Latch()
        changed.set()

    def _tell(self) -> None:
        """Call `on_change` for all that has changed: one thread at a time, in their order."""
        on_change = self._on_change
        if on_change is None:
            self._untold.clear()
            return
        if self._teller == threading.get_ident():
            return  # in `on_change` itself: it is told when it has returned
        while self._untold and self._telling.acquire(blocking=False):
            try:
                self._teller = threading.get_ident()
                while self._untold:
                    error = call_users(on_change, self._untold.popleft())
                    if error is not None:
                        log_error(_log, error, "%s: on_change failed", self.name)
            finally:
                self._teller = None
                with suppress(RuntimeError):
                    self._telling.release()


class _End(SessionListener):
    """Hears of a session's end, and of nothing else."""

    anywhere = True
    roots = frozenset()

    def __init__(self, owner: Keeper, session: Session) -> None:
        self._owner = owner
        self._session = session

    def callback(self, root: object, raw: str) -> None:
        pass

    def errback(self, ex: Exception) -> None:
        self._owner.ended(self._session, ex)
