"""`LoopHub`: the sessions that one asyncio event loop serves."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, cast

from ncwire._engine.asyncio_home import AsyncioHome
from ncwire._session.asking import Asking
from ncwire._session.hub import SessionHub
from ncwire._unclosed import warn_of
from ncwire.driver import watch_forks
from ncwire.errors import SessionCloseError, SessionError, TransportError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ncwire._session.base import Session
    from ncwire._session.hub import Member

_hubs: dict[asyncio.AbstractEventLoop, LoopHub] = {}
"""As long as there is something to serve: an event loop with a hub has an fd of ours."""


class LoopHub(SessionHub):
    """Made by the first user in an event loop, and gone with the last; on the loop's thread.

    Users are the connects under way, the listeners, and the sessions. Should the event loop be
    closed before they have ended, each of them is told of by a `ResourceWarning`, and freed.
    """

    def __init__(self, event_loop: asyncio.AbstractEventLoop) -> None:
        self.event_loop = event_loop
        self._users: dict[object, Callable[[], str]] = {}
        self._sessions: dict[Session, asyncio.Future[None]] = {}
        self.loop = self.home = AsyncioHome(event_loop, self._orphaned)
        watch_forks(self)

    def enter(self, user: object, orphaned: Callable[[], str]) -> None:
        """Serve one more user, which is called should the event loop be closed meanwhile.

        What that returns is what there was left open, "" for nothing to be told of.
        """
        self._users[user] = orphaned

    def leave(self, user: object) -> None:
        """Serve a user no more."""
        self._users.pop(user, None)
        self._close_if_unused()

    def add(self, session: Member) -> None:
        """See `SessionHub.add`."""
        if self.home.closed:
            raise TransportError("connect: the event loop is closed")
        self._sessions[cast("Session", session)] = self.event_loop.create_future()

    def discard(self, session: Member) -> None:
        """See `SessionHub.discard`."""
        self.home.call(partial(self._gone, cast("Session", session)))

    def gone(self, session: Session) -> asyncio.Future[None]:
        """Return the future of the end of a session; to be waited for, not to be cancelled."""
        future = self._sessions.get(session)
        if future is None:
            future = self.event_loop.create_future()
            future.set_result(None)
        return future

    def _gone(self, session: Session) -> None:
        future = self._sessions.pop(session, None)
        if future is not None:
            resolve(future)
        self._close_if_unused()

    def _close_if_unused(self) -> None:
        if not (self._users or self._sessions or self.home.closed):
            _hubs.pop(self.event_loop, None)
            self.home.close()

    def _orphaned(self) -> None:
        _hubs.pop(self.event_loop, None)
        self.home.close()
        cause = SessionCloseError(b"", closed_by="us", reason="its event loop was closed")
        # The sessions first, for which a listener's end waits.
        told = [self._end(session, cause) for session in list(self._sessions)]
        told += [orphaned() for orphaned in list(self._users.values())]
        self._users.clear()
        self._sessions.clear()
        for text in filter(None, told):  # last, for a warning may be an error
            warn_of(f"{text}: its event loop was closed")

    @staticmethod
    def _end(session: Session, cause: SessionCloseError) -> str:
        """End a session here and now; return what it is, "" if it was about to end."""
        asking = Asking(session)
        told = asking.described if session.connected else ""
        session.end(cause)
        asking.abandon(cause)
        return told

    def abandon_in_child(self) -> None:
        """Be closed in a forked child, and touch nothing of the parent's: the fork's to call."""
        _hubs.pop(self.event_loop, None)
        self.home.abandon_in_child()
        self._users.clear()
        self._sessions.clear()  # each ends by itself


def current_hub() -> LoopHub:
    """Return the hub of the running event loop.

    Raises `SessionError` where that can watch no fds, RuntimeError where none is running.
    """
    event_loop = asyncio.get_running_loop()
    hub = _hubs.get(event_loop)
    if hub is None:
        try:
            hub = LoopHub(event_loop)
        except NotImplementedError as error:
            raise SessionError(
                "ncwire.aio needs an event loop that can watch file descriptors (add_reader): "
                f"{type(event_loop).__name__} cannot; use asyncio.SelectorEventLoop, or uvloop"
            ) from error
        _hubs[event_loop] = hub
    hub.home.note_thread()
    return hub


def resolve(future: asyncio.Future[None]) -> None:
    """Wake who awaits a future, if anybody does still, and the event loop is there."""
    if not future.done():
        try:
            future.set_result(None)
        except RuntimeError:  # closed: who awaited it will never run again
            if not future.get_loop().is_closed():
                raise
