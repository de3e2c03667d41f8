"""Sending a message in pieces from an async iterable, as the peer takes them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Iterable
from typing import TYPE_CHECKING

from ncwire._engine.send_pieces import broken_off, too_little
from ncwire._engine.send_queue import PIECEMEAL
from ncwire._protocol.framing import as_bytes
from ncwire._protocol.operation import HEAD
from ncwire.aio.awaited import Signal
from ncwire.errors import SendQueueFullError, SessionError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from ncwire._engine.asyncio_home import AsyncioHome
    from ncwire._protocol.framing import Framer
    from ncwire._protocol.operation import Operation
    from ncwire._session.asking import Asking

Pieces = AsyncIterable[bytes] | Iterable[bytes]


class PiecesSender:
    """Sends messages in pieces on one session, each in the task that calls it."""

    def __init__(self, home: AsyncioHome, asking: Asking) -> None:
        self._home = home
        self._asking = asking
        self._task: asyncio.Task[object] | None = None  # the one whose pieces are sent just now

    def check_task(self) -> None:
        """Raise `SessionError` for a task that would come in the middle of its own message."""
        if self._task is not None and self._task is asyncio.current_task():
            raise SessionError(
                "send: what yields the pieces of a message cannot send on the same session, "
                "where it would come in the middle of that message"
            )

    async def send(self, pieces: AsyncIterator[bytes], seconds: float) -> None:
        """Send a message, framed, until its last piece is queued.

        Waits up to so many seconds for its turn (`SendQueueFullError`), and each time that the
        peer has to take more. What goes wrong before anything was sent is raised, a cancellation
        too, and the session lives. After that the session ends, with a `BrokenMessageError`, which
        is raised unless it was the iterator that raised.
        """
        self.check_task()
        framer = self._asking.framer()
        # The first before the turn, as long as nothing is sent that cannot be taken back.
        buffers = self._framed(framer, pieces)
        first = await anext(buffers)
        connection = self._asking.connection()
        queue = connection.send_queue
        told = Signal(self._home)
        place = queue.line_up_pieces(told)
        try:
            if place is not None:
                await told.wait(seconds)
                queue.withdraw(place)
                if not place.let_in:
                    connection.raise_cause()
                    raise SendQueueFullError(queue.queued(), seconds)
            self._task = asyncio.current_task()
            try:
                queue.put(first)
                await self._send_rest(buffers, seconds)
            except BaseException as error:
                connection.end(broken_off(error))
                raise
            finally:
                self._task = None
        finally:
            mine = place is None or place.let_in
            if place is not None and not mine:
                queue.withdraw(place)
                mine = place.let_in
            if mine and queue.owner == PIECEMEAL:
                queue.owner = None
                queue.admit()
            connection.resume()

    async def _send_rest(self, buffers: AsyncIterator[bytes | memoryview], seconds: float) -> None:
        connection = self._asking.connection()
        queue = connection.send_queue
        while True:
            connection.resume()
            told = Signal(self._home)
            if not queue.tell_of_room(told) and not await told.wait(seconds):
                raise too_little(seconds)
            connection.raise_cause()
            buffer = await anext(buffers, None)
            if buffer is None:
                return
            queue.put(buffer)

    @staticmethod
    async def _framed(
        framer: Framer, pieces: AsyncIterator[bytes]
    ) -> AsyncIterator[bytes | memoryview]:
        async for piece in pieces:
            for buffer in framer.put(piece):
                yield buffer
        for buffer in framer.end():
            yield buffer


async def in_turn(pieces: Pieces) -> AsyncIterator[bytes]:
    """Yield the pieces of either kind of iterable; the event loop has its turn between them."""
    if isinstance(pieces, AsyncIterable):
        async for piece in pieces:
            yield as_bytes(piece)
        return
    for piece in pieces:
        yield as_bytes(piece)
        await asyncio.sleep(0)


async def written(
    write: Callable[[Operation], tuple[str, bytes | Iterator[bytes]]], operation: Pieces
) -> tuple[str, AsyncIterator[bytes]]:
    """Return the message-id and the pieces of an rpc with an operation in pieces.

    The first 4096 bytes of it are awaited, and checked by what writes rpcs from all there is.
    """
    pieces = in_turn(operation)
    head = b""
    async for piece in pieces:
        head += piece
        if len(head) >= HEAD:
            break
    message_id, document = write(iter([head]))
    before, *rest, after = document if not isinstance(document, bytes) else (document, b"")
    return message_id, _chained([before, *rest], pieces, after)


async def _chained(
    before: list[bytes], pieces: AsyncIterator[bytes], after: bytes
) -> AsyncIterator[bytes]:
    for piece in before:
        yield piece
    async for piece in pieces:
        yield piece
    yield after
