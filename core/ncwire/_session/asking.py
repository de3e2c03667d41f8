"""`Asking`: a session, for who must not wait in any call of it: see `ncwire.aio`."""

# ruff: noqa: SLF001 - the one place where a session is spoken on from beside it

from __future__ import annotations

from typing import TYPE_CHECKING

from ncwire._protocol.operation import serialised
from ncwire._session.streaming import ReplyStream
from ncwire.errors import SendQueueFullError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ncwire._engine.connection import Connection
    from ncwire._engine.send_queue import Waiting
    from ncwire._protocol.framing import Framer
    from ncwire._protocol.operation import Operation
    from ncwire._session.base import Session
    from ncwire._session.streaming import Request, Streamed
    from ncwire.driver import Timeouts
    from ncwire.errors import NcwireError


class Asking:
    """Speaks on an open session on the thread that serves it, and waits for nothing there."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._replies = session._replies
        self._protocol = session._protocol
        self.written = session._rpcs.write
        """Returns the message-id and the document of an rpc, in pieces if it is given so."""
        self.expect = session._replies.expect
        self.give_up = session._replies.give_up
        """Drops the reply to a message-id when it comes."""
        self.withdraw = session._replies.withdraw
        """Forgets one that was never sent."""

    @property
    def timeouts(self) -> Timeouts:
        """The session's budgets."""
        return self._session._timeouts

    def connection(self) -> Connection:
        """Return the connection; raise why there is none, or none any more."""
        return self._session._open_connection()

    def note(self, message: str | bytes) -> str | None:
        """Take note of an rpc whose reply only listeners hear of; return what to `withdraw`."""
        return self._session._noted(message)

    def divert(self) -> None:
        """Have replies handed over as they come to those who want it."""
        self._protocol.divert(self._replies.begin)

    def framer(self) -> Framer:
        """Return what frames a message that comes in pieces."""
        return self._protocol.framer()

    def hint(self) -> Callable[[], str]:
        """Return what tells later what may explain that no reply has come since now."""
        unmatched = self._replies.unmatched
        return lambda: self._session._hint(unmatched)

    def stream(self, streamed: Streamed, request: Request) -> ReplyStream:
        """Return the stream of a reply that has begun to come."""
        return ReplyStream(self.connection(), streamed, request)

    def refuse(self, place: Waiting, seconds: float) -> SendQueueFullError | None:
        """Give up a place in the line, after so long a wait; None if it was let in.

        Raises the session's cause when that has ended.
        """
        connection = self._session._connection
        if connection is None or not connection.withdraw(place):
            return None
        connection.raise_cause()
        return SendQueueFullError(connection.send_queue.queued(), seconds)

    def say_farewell(self) -> None:
        """Take note that the server is going to be asked to end the session."""
        self._session._farewell = True

    def peer_is_silent(self) -> None:
        """Take note that it has not answered, so that the end waits no more for it."""
        self._session._peer_is_silent = True

    def abandon(self, cause: NcwireError) -> None:
        """End here and now: for when the loop that serves it is gone."""
        connection = self._session._connection
        if connection is not None:
            connection.abandon(cause)

    @property
    def described(self) -> str:
        """What the session is, for a warning."""
        return self._session._described()


def written_message(message: Operation) -> str | bytes | None:
    """Return a message as `Session.send` sends it; None for one in pieces."""
    written = serialised(message)
    return written if isinstance(written, str | bytes) else None
