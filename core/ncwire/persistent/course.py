"""`Course`: the states of a persistent session and what leads from one to the next; no I/O."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ncwire.persistent.backoff import Backoff


class State(enum.Enum):
    """What a persistent session does."""

    CONNECTING = "connecting"
    """An attempt is under way, or begins at once; `on_session` is part of it."""
    UP = "up"
    """There is a session."""
    WAITING = "waiting"
    """There is none; the next attempt begins at `Status.next_attempt`."""
    STOPPED = "stopped"
    """It was closed, or has met an error that is not tried again: it stays so."""


@dataclass(frozen=True, slots=True)
class Status:
    """What a persistent session was at one moment. Times are aware, in UTC."""

    state: State
    since: datetime
    """Since when it is in this state."""
    attempts: int = 0
    """How many attempts have begun."""
    sessions: int = 0
    """How many sessions there were so far, this one included."""
    failures: int = 0
    """How many attempts have failed, or sessions ended early, since one last held."""
    cause: Exception | None = None
    """What the last attempt failed with, or the last session; once it has stopped, why.

    It stays while the next session is up, so that one sees why there was none before.
    """
    next_attempt: datetime | None = None
    """When the next attempt begins; None but in the state `WAITING`."""
    down_since: datetime | None = None
    """Since when there is no session, whatever was tried meanwhile; None in the state `UP`."""


class Course:
    """Where a persistent session stands, and what it is to do next.

    It has no clock and no lock: each method is given the time, in seconds of `time.monotonic`, and
    is called by one thread at a time. So every home of sessions can have the same one.
    """

    def __init__(self, backoff: Backoff, now: float) -> None:
        self._backoff = backoff
        self._up_at = now
        self.next_at: float | None = None
        """When the next attempt is due; None but in the state `WAITING`."""
        since = _wall()
        self.status = Status(State.CONNECTING, since, down_since=since)

    @property
    def is_stopped(self) -> bool:
        """Whether there will be no session any more."""
        return self.status.state is State.STOPPED

    def begin(self) -> None:
        """Note that an attempt begins."""
        self._enter(State.CONNECTING, attempts=self.status.attempts + 1)

    def connected(self, now: float) -> None:
        """Note that the attempt has led to a session."""
        self._up_at = now
        self._enter(State.UP, sessions=self.status.sessions + 1)

    def lost(self, now: float, cause: Exception, jitter: float | None) -> None:
        """Note that the session has ended; `jitter` is as for `failed`."""
        if now - self._up_at >= self._backoff.reset_after:
            self.status = replace(self.status, failures=0)
        self.failed(now, cause, jitter)

    def failed(self, now: float, cause: Exception, jitter: float | None) -> None:
        """Note that the attempt has failed; with a `jitter` from 0 to 1 another one is due.

        None stops it. Both are the caller's to ask for, as the program's code decides them, which
        is not to run while others wait for the course.
        """
        if jitter is None:
            self.stop(cause)
            return
        failures = self.status.failures
        delay = self._backoff.longest(failures) * jitter
        self.next_at = now + delay
        self._enter(
            State.WAITING,
            failures=failures + 1,
            cause=cause,
            next_attempt=_wall() + timedelta(seconds=delay),
        )

    def stop(self, cause: Exception) -> None:
        """Note that there will be no session any more; the first call's cause stays."""
        if not self.is_stopped:
            self._enter(State.STOPPED, cause=cause)

    def _enter(self, state: State, **changes: object) -> None:
        if state is not State.WAITING:
            self.next_at = None
        since = _wall()
        down_since = None if state is State.UP else self.status.down_since or since
        changes = {"next_attempt": None, "down_since": down_since, **changes}
        self.status = replace(self.status, state=state, since=since, **changes)  # type: ignore[arg-type]


def _wall() -> datetime:
    return datetime.now(UTC)
