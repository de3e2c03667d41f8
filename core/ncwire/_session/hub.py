"""`Hub`: one I/O thread for any number of sessions."""

from __future__ import annotations

import sys
import threading
from abc import abstractmethod
from typing import TYPE_CHECKING, Protocol, Self

from ncwire._engine.loop import Loop
from ncwire._one_process import OneProcess
from ncwire._unclosed import warn_of
from ncwire.driver import Forkable, watch_forks
from ncwire.driver.forking import free_in_child
from ncwire.driver.threads import start_thread
from ncwire.errors import SessionCloseError, TransportError

if TYPE_CHECKING:
    from types import TracebackType

    from ncwire._engine.home import Home

_PATIENCE = 5.0


class Member(Protocol):
    """What a hub asks of a session."""

    def end(self, cause: SessionCloseError) -> None:
        """Begin to end with this cause, and return at once."""

    def close(self) -> None:
        """End, and wait for that."""


class SessionHub(Forkable, OneProcess):
    """What serves sessions in one place, so that they have no thread of their own."""

    loop: Home

    @abstractmethod
    def add(self, session: Member) -> None:
        """Take a session in; its own doing, when it opens. Raises `TransportError` if closed."""

    @abstractmethod
    def discard(self, session: Member) -> None:
        """Let go of a session that has ended; its own doing, from any thread."""


class Dependent(Protocol):
    """What ends with a hub, whether it has a session on it just then or not."""

    def end(self, cause: SessionCloseError) -> None:
        """Begin to end with this cause, and return at once."""


class Hub(SessionHub):
    """Serves sessions on one thread: `ncwire.connect(..., hub=hub)`.

    Connecting is done by the thread that calls `connect`, so any number of threads may connect
    at once without disturbing the sessions that are open. From then on a session costs no thread,
    and nothing while it is silent. Each session gets a bounded share of every round, so that
    one that floods, or is not read from, does not delay the others; a *listener* that takes long
    does, for all listeners are called on the hub's thread.

    `close` ends all its sessions, and every `Persistent` on it. Usable as a context manager; every
    method may be called from any thread, and from a signal handler.

    The sessions are told of at exit, where they are open still. A hub that is dropped with none
    is told of at once, by a `ResourceWarning`, and its thread ends. In a forked child it is
    closed, and its sessions have ended; it is neither copied nor pickled (TypeError).
    """

    def __init__(self, name: str = "ncwire-hub") -> None:
        self._lock = threading.RLock()  # as with `Session`
        self._sessions: set[Member] = set()
        self._dependents: set[Dependent] = set()
        self._closed = False
        self._forked = False
        self.loop: Loop = Loop(kept=True)
        self._thread = threading.Thread(target=self.loop.run, name=name, daemon=True)
        start_thread(self._thread)
        watch_forks(self)

    def __del__(self) -> None:
        # Its thread knows the loop alone, and only a session that is open knows it: so this is
        # called when nothing is left for it to do.
        if self.__dict__.get("_closed", True) or sys.is_finalizing():
            return
        self.loop.release()
        warn_of(f"hub {self._thread.name!r}")

    def __len__(self) -> int:
        """Return how many sessions it serves."""
        return len(self._sessions)

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        state = "closed" if self._closed else f"{len(self._sessions)} sessions"
        return f"<ncwire.Hub {self._thread.name!r}: {state}>"

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def add(self, session: Member) -> None:
        """Take a session in; its own doing, when it opens. Raises `TransportError` if closed."""
        with self._lock:
            self._check_open()
            self._sessions.add(session)

    def discard(self, session: Member) -> None:
        """Let go of a session that has ended; its own doing."""
        with self._lock:
            self._sessions.discard(session)

    def add_dependent(self, dependent: Dependent) -> None:
        """Have it end with the hub; its own doing. Raises `TransportError` if closed."""
        with self._lock:
            self._check_open()
            self._dependents.add(dependent)

    def discard_dependent(self, dependent: Dependent) -> None:
        """Let go of what has ended; its own doing."""
        with self._lock:
            self._dependents.discard(dependent)

    def close(self) -> None:
        """End all sessions, as `Session.close` does, and the thread. Idempotent.

        All are told to end before any is waited for, so that it takes no longer than the slowest.
        Called by a listener it returns at once, and all ends when the listener returns. At the
        interpreter's end it returns at once too: see `Session.close`.
        """
        if sys.is_finalizing():  # a lock may be held by a thread that is gone
            free_in_child(self._lock)
        with self._lock:
            self._closed = True
            sessions, dependents = list(self._sessions), list(self._dependents)
        cause = SessionCloseError(b"", closed_by="us", reason="the hub was closed")
        for dependent in dependents:  # first, or they would make sessions in place of these
            dependent.end(cause)
        for session in sessions:
            session.end(cause)
        if sys.is_finalizing():
            return
        self.loop.release()
        if self.loop.ident == threading.get_ident():
            return
        for session in sessions:
            session.close()
        self._thread.join(_PATIENCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def abandon_in_child(self) -> None:
        """Be closed in a forked child, and touch nothing of the parent's: the fork's to call."""
        self._forked = self._closed = True
        self.loop.abandon_in_child()
        free_in_child(self._lock)
        self._sessions, self._dependents = set(), set()  # each ends by itself

    def _check_open(self) -> None:
        if self._forked:
            raise TransportError("connect: this process was forked, the hub is its parent's")
        if self._closed:
            raise TransportError("connect: the hub is closed")
