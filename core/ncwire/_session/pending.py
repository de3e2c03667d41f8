"""What waits for the reply to one rpc: a call, a future, or two functions."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from concurrent.futures import InvalidStateError
from typing import TYPE_CHECKING, ClassVar

from ncwire._engine.outcome import Outcome
from ncwire._latch import Latch
from ncwire._session.reply_future import ReplyFuture
from ncwire._users_code import call_users, log_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from ncwire._protocol.client import Inlet
    from ncwire._session.listeners import Root
    from ncwire._session.reply import Reply
    from ncwire.errors import NcwireError

logger = logging.getLogger(__name__)


class Awaited(ABC):
    """The reply to one rpc, which has been asked for and not come yet."""

    __slots__ = ()

    anywhere: ClassVar[bool]
    """Whether `complete` runs none of the user's code, and so may be called on any thread."""

    wanted = True
    """Whether anybody still waits for it."""

    def begin(self, root: Root, message_id: str | None) -> Inlet | None:  # noqa: ARG002 - for others
        """Return where the reply goes piece by piece, as it comes; None to get it whole."""
        return None

    @abstractmethod
    def complete(self, reply: Reply) -> bool:
        """Hand it over; False if it is not wanted any more."""

    @abstractmethod
    def fail(self, cause: NcwireError) -> None:
        """Tell that there will be none, and why."""

    def leave(self, cause: NcwireError) -> None:
        """Take note of that where the threads are gone: in a forked child, or at the exit.

        Waits for no lock, and runs none of the user's code.
        """


class Answer(Awaited, Outcome):
    """A reply that one thread waits for, in a call.

    Lighter than a future, and completed with none of the user's code: so any thread that has
    read the reply may complete it, with locks held.
    """

    anywhere = True

    # Of the class, until there is another: each rpc makes one of these.
    done = False
    reply: Reply | None = None
    """The reply; None when it has not come."""
    cause: NcwireError | None = None
    """Why it never will."""
    _came: Latch | None = None  # made when someone waits

    def complete(self, reply: Reply) -> bool:
        """See `Awaited.complete`."""
        self.reply = reply
        self.done = True
        if self._came is not None:
            self._came.set()
        return True

    def fail(self, cause: NcwireError) -> None:
        """See `Awaited.fail`. Of a reply that has come it changes nothing."""
        if self.reply is None:
            self.cause = cause
        self.done = True
        if self._came is not None:
            self._came.set()

    def leave(self, cause: NcwireError) -> None:
        """See `Awaited.leave`."""
        self.fail(cause)

    def wait(self, seconds: float) -> None:
        """Wait until it is there, or for so many seconds. For one thread only."""
        self._came = came = Latch()
        # Who finishes sets `done` and then looks for the latch: so one sees the other.
        if not self.done:
            came.wait(seconds)


class Promise(Awaited):
    """A reply that is the result of a future."""

    __slots__ = ("future",)

    anywhere = False

    def __init__(self) -> None:
        self.future = ReplyFuture()

    def complete(self, reply: Reply) -> bool:
        """See `Awaited.complete`. Runs the future's callbacks."""
        try:
            self.future.set_result(reply)
        except InvalidStateError:  # cancelled: who waits for it is told
            self.future.set_running_or_notify_cancel()
            return False
        return True

    def fail(self, cause: NcwireError) -> None:
        """See `Awaited.fail`. Runs the future's callbacks."""
        if not self.future.done() and self.future.set_running_or_notify_cancel():
            self.future.set_exception(cause)

    def leave(self, cause: NcwireError) -> None:
        """See `Awaited.leave`."""
        self.future.leave(cause)


class Callbacks(Awaited):
    """A reply that a function is called with, or another with the cause why there is none."""

    __slots__ = ("_on_error", "_on_reply")

    anywhere = False

    def __init__(
        self, on_reply: Callable[[Reply], object], on_error: Callable[[NcwireError], object]
    ) -> None:
        self._on_reply = on_reply
        self._on_error = on_error

    def complete(self, reply: Reply) -> bool:
        """See `Awaited.complete`. What the function raises is logged."""
        if (error := call_users(self._on_reply, reply)) is not None:
            log_error(logger, error, "on_reply failed on the reply to rpc %r", reply.message_id)
        return True

    def fail(self, cause: NcwireError) -> None:
        """See `Awaited.fail`. What the function raises is logged."""
        if (error := call_users(self._on_error, cause)) is not None:
            log_error(logger, error, "on_error failed on a %s", type(cause).__name__)
