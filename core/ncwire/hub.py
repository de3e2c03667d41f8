"""`Hub`: one I/O thread for any number of sessions."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self

from ncwire.errors import SessionCloseError, TransportError
from ncwire.pump import Pump

if TYPE_CHECKING:
    from types import TracebackType

    from ncwire.session import Session

_PATIENCE = 5.0


class Hub:
    """Serves sessions on one thread: `ncwire.connect(..., hub=hub)`.

    Connecting is done by the thread that calls `connect`, so any number of threads may connect
    at once without disturbing the sessions that are open. From then on a session costs no thread,
    and nothing while it is silent. Each session gets a bounded share of every round, so that
    one that floods, or is not read from, does not delay the others; a *listener* that takes long
    does, for all listeners are called on the hub's thread.

    `close` ends all its sessions. Usable as a context manager; every method may be called from
    any thread.
    """

    def __init__(self, name: str = "ncwire-hub") -> None:
        self._lock = threading.Lock()
        self._sessions: set[Session] = set()
        self._closed = False
        self.pump = Pump(kept=True)
        self._thread = threading.Thread(target=self.pump.run, name=name, daemon=True)
        self._thread.start()

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

    def add(self, session: Session) -> None:
        """Take a session in; its own doing, when it opens. Raises `TransportError` if closed."""
        with self._lock:
            if self._closed:
                raise TransportError("connect: the hub is closed")
            self._sessions.add(session)

    def discard(self, session: Session) -> None:
        """Let go of a session that has ended; its own doing."""
        with self._lock:
            self._sessions.discard(session)

    def close(self) -> None:
        """End all sessions, as `Session.close` does, and the thread. Idempotent.

        All are told to end before any is waited for, so that it takes no longer than the slowest.
        Called by a listener it returns at once, and all ends when the listener returns.
        """
        with self._lock:
            self._closed = True
            sessions = list(self._sessions)
        cause = SessionCloseError(b"", closed_by="us", reason="the hub was closed")
        for session in sessions:
            session.end(cause)
        self.pump.release()
        if threading.current_thread() is self._thread:
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
