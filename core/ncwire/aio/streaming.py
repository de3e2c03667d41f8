"""Replies that are read while they come, by `await`."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Self

from ncwire._one_process import OneProcess
from ncwire._session.streaming import Sink as SyncSink
from ncwire._session.streaming import StreamedReply, writer
from ncwire.aio.opening import Opening
from ncwire.errors import SessionError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from types import TracebackType

    from ncwire._session.listeners import Root
    from ncwire._session.streaming import ReplyStream as SyncStream
    from ncwire._session.streaming import Request
    from ncwire.aio.awaited import Streamed

    Sink = SyncSink | Callable[[bytes], Awaitable[object]]


class ReplyStream(OneProcess):
    """A reply that is read while it comes: `ncwire.aio.Session.stream`.

    An async iterator of `bytes`, and an async context manager. What it yields, and what it counts,
    is that of `ncwire.ReplyStream`; so is that a reader that lags stops the server, and keeps all
    other messages of the session waiting. To end early call `close`, or leave the `async with`
    block: the rest is received and dropped, and the session goes on. For one task at a time: in
    another that reads meanwhile it is a `SessionError`.
    """

    def __init__(self, stream: SyncStream, streamed: Streamed, request: Request) -> None:
        self._stream = stream
        self._streamed = streamed
        self._request = request
        self.root: Root = stream.root
        self.message_id = stream.message_id

    @property
    def size(self) -> int:
        """How many bytes were handed over."""
        return self._stream.size

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        """Return the next piece of the document, never an empty one.

        Raises what `ncwire.ReplyStream` does. A task that is cancelled meanwhile has taken none.
        """
        await self._await_more()
        try:
            return next(self._stream)
        except StopIteration:
            raise StopAsyncIteration from None

    async def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes, b"" at the reply's end only; everything for -1."""
        if size < 0:
            return b"".join([piece async for piece in self])
        await self._await_more()
        return self._stream.read(size)

    async def close(self) -> None:
        """Want no more of the reply. Idempotent."""
        self._stream.close()

    async def _await_more(self) -> None:
        if self._stream.ready:
            return
        came = self._streamed.came
        if came.awaited:  # which of the two would get what comes is not to be said
            raise SessionError(
                f"rpc {self.message_id}: another task reads this stream; one at a time can"
            )
        if not await came.wait(self._request.seconds):
            self._stream.close()
            raise self._request.late(self._stream.size)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()


class StreamOpening(Opening[ReplyStream]):
    """What `ncwire.aio.Session.stream` returns: to be awaited, entered, or iterated over.

    The rpc is sent when that is done.
    """

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async with self as stream:
            async for piece in stream:
                yield piece


def async_writer(sink: Sink) -> Callable[[bytes], Any]:
    """Return what hands bytes to a sink, and may return something to be awaited.

    Raises `OptionError` for what is no sink.
    """
    write = getattr(sink, "write", None)
    if inspect.iscoroutinefunction(write):
        return write
    return writer(sink)


async def pour(opening: StreamOpening, write: Callable[[bytes], Any]) -> StreamedReply:
    """Write a whole reply to a sink, and await what that returns if it can be."""
    async with opening as stream:
        async for piece in stream:
            taken = write(piece)
            if inspect.isawaitable(taken):
                await taken
        return StreamedReply(stream.root, stream.message_id, stream.size)
