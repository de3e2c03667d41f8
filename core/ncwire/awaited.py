"""What waits for the reply to one rpc: a call, a future, or two functions."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from concurrent.futures import Future, InvalidStateError
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from ncwire.errors import NcwireError
    from ncwire.listeners import Root
    from ncwire.protocol import Inlet
    from ncwire.rpc import Reply

logger = logging.getLogger(__name__)


class Awaited(ABC):
    """The reply to one rpc, which has been asked for and not come yet."""

    __slots__ = ()

    anywhere: ClassVar[bool]
    """Whether `complete` runs none of the user's code, and so may be called on any thread."""

    wanted = True
    """Whether anybody still waits for it."""

    def begin(self, root: Root, message_id: str | None) -> Inlet | None:  # noqa: ARG002
        """Return where the reply goes piece by piece, as it comes; None to get it whole."""
        return None

    @abstractmethod
    def complete(self, reply: Reply) -> bool:
        """Hand it over; False if nobody wants it any more."""

    @abstractmethod
    def fail(self, cause: NcwireError) -> None:
        """Tell that there will be none, and why."""


class Outcome(ABC):
    """What one thread waits for, while it serves the connection or another does."""

    __slots__ = ()

    done: bool
    """Whether there is something for whoever waits."""

    @abstractmethod
    def wait(self, seconds: float) -> None:
        """Wait until there is, or for so many seconds. For one thread only."""


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
    _came: threading.Event | None = None  # made when someone waits

    def complete(self, reply: Reply) -> bool:
        """See `Awaited.complete`."""
        self.reply = reply
        self.done = True
        if self._came is not None:
            self._came.set()
        return True

    def fail(self, cause: NcwireError) -> None:
        """See `Awaited.fail`."""
        self.cause = cause
        self.done = True
        if self._came is not None:
            self._came.set()

    def wait(self, seconds: float) -> None:
        """Wait until it is there, or for so many seconds. For one thread only."""
        self._came = came = threading.Event()
        # Whoever finishes sets `done` and then looks for the event: so one sees the other.
        if not self.done:
            came.wait(max(0.0, seconds))


class Promise(Awaited):
    """A reply that is the result of a future."""

    __slots__ = ("future",)

    anywhere = False

    def __init__(self) -> None:
        self.future: Future[Reply] = Future()

    def complete(self, reply: Reply) -> bool:
        """See `Awaited.complete`. Runs the future's callbacks."""
        try:
            self.future.set_result(reply)
        except InvalidStateError:  # cancelled: whoever waits for it is told
            self.future.set_running_or_notify_cancel()
            return False
        return True

    def fail(self, cause: NcwireError) -> None:
        """See `Awaited.fail`. Runs the future's callbacks."""
        if self.future.set_running_or_notify_cancel():
            self.future.set_exception(cause)


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
        try:
            self._on_reply(reply)
        except Exception:
            logger.exception("on_reply failed on the reply to rpc %r", reply.message_id)
        return True

    def fail(self, cause: NcwireError) -> None:
        """See `Awaited.fail`. What the function raises is logged."""
        try:
            self._on_error(cause)
        except Exception:
            logger.exception("on_error failed on a %s", type(cause).__name__)
