"""What an awaited rpc waits for: its reply, room in the queue, a part of a streamed reply."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncwire._session.pending import Awaited
from ncwire._session.streaming import Streamed as SyncStreamed
from ncwire.aio.loop_hub import resolve

if TYPE_CHECKING:
    import asyncio

    from ncwire._engine.asyncio_home import AsyncioHome
    from ncwire._session.reply import Reply
    from ncwire.errors import NcwireError


class Signal:
    """Set from any thread, at any time; awaited on the event loop's.

    As an `asyncio.Event` is not, it can be set with locks held, and by another thread.
    """

    __slots__ = ("_futures", "_home", "is_set")

    def __init__(self, home: AsyncioHome) -> None:
        self._home = home
        self._futures: list[asyncio.Future[None]] = []  # of the tasks that wait
        self.is_set = False

    @property
    def awaited(self) -> bool:
        """Whether a task waits for it."""
        return bool(self._futures)

    def set(self) -> None:
        """Wake all who wait. Idempotent."""
        self.is_set = True
        if self._futures:
            self._home.call(self._tell)

    async def wait(self, seconds: float | None = None) -> bool:
        """Wait until it is set, or for so many seconds; return whether it is.

        Of several tasks that are woken one may `clear` it before the others run: each of them
        looks for what was waited for.
        """
        if self.is_set:
            return True
        loop = self._home.event_loop
        future = loop.create_future()
        self._futures.append(future)
        timer = None
        try:
            # Set after the future is there is seen by `set`, and before that it is seen here.
            if not self.is_set:
                if seconds is not None:
                    timer = loop.call_later(max(0.0, seconds), resolve, future)
                await future
        finally:
            self._futures.remove(future)
            if timer is not None:
                timer.cancel()
        return self.is_set

    def clear(self) -> None:
        """Be to be set anew."""
        self.is_set = False

    def _tell(self) -> None:
        for future in self._futures:
            resolve(future)


class Answer(Awaited):
    """A reply that a task awaits."""

    __slots__ = ("_home", "cause", "future", "reply")

    anywhere = True

    def __init__(self, home: AsyncioHome) -> None:
        self._home = home
        self.future: asyncio.Future[None] = home.event_loop.create_future()
        self.reply: Reply | None = None
        self.cause: NcwireError | None = None

    def complete(self, reply: Reply) -> bool:
        """See `Awaited.complete`."""
        if self.future.done():
            return False
        self.reply = reply
        self._home.call(self.tell)
        return True

    def fail(self, cause: NcwireError) -> None:
        """See `Awaited.fail`."""
        if self.reply is None:
            self.cause = cause
        self._home.call(self.tell)

    def leave(self, cause: NcwireError) -> None:
        """See `Awaited.leave`: no task of the parent's runs on in the child."""
        self.cause = cause

    def tell(self) -> None:
        """Wake the task; on the event loop's thread."""
        resolve(self.future)


class Streamed(SyncStreamed):
    """A streamed reply that a task reads."""

    def __init__(self, home: AsyncioHome) -> None:
        super().__init__()
        self.came = Signal(home)
        """Set when there is something to `take`."""

    def take(self) -> tuple[list[bytes], bool]:
        """See `ncwire._session.streaming.Streamed.take`."""
        self.came.clear()
        taken = super().take()
        if self.done:  # at its end it stays so
            self.came.is_set = True
        return taken

    def leave(self, cause: NcwireError) -> None:
        """See `Awaited.leave`."""
        self.ended = True
        self.cause = cause

    def _tell(self) -> None:
        super()._tell()
        self.came.set()
