"""`Session`: a NETCONF session whose every wait is an `await`."""

# ruff: noqa: ASYNC109 - the same parameters as the sync ones have

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable
from contextlib import suppress
from typing import TYPE_CHECKING, overload

from ncwire._one_process import OneProcess
from ncwire._session.asking import Asking, written_message
from ncwire._session.streaming import Request
from ncwire.aio.awaited import Answer, Signal, Streamed
from ncwire.aio.facts import Facts, InnerT
from ncwire.aio.notifications import NotificationReader
from ncwire.aio.pieces import PiecesSender, in_turn, written
from ncwire.aio.streaming import ReplyStream, StreamOpening, async_writer, pour
from ncwire.driver.seconds import positive_seconds
from ncwire.errors import (
    NcwireError,
    OptionError,
    RPCTimeoutError,
    SessionCloseError,
    SessionError,
)

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from ncwire._engine.send_queue import Waiting
    from ncwire._protocol.operation import Operation
    from ncwire._session.listeners import ListenerT, SessionListener
    from ncwire._session.pending import Awaited
    from ncwire._session.reply import Reply
    from ncwire._session.streaming import StreamedReply
    from ncwire.aio.loop_hub import LoopHub
    from ncwire.aio.streaming import Sink

    AnyOperation = Operation | AsyncIterable[bytes]

_GRACE = 0.5
"""Seconds that an end may take beyond its time before it is made here."""


class Session(OneProcess, Facts[InnerT]):
    """An open session of `ncwire.aio.connect`: what `ncwire.DriverSession` does, by `await`.

    The event loop in which it was opened serves it, with no thread, and its methods are for tasks
    of that loop alone (`SessionError` in any other). Any number of tasks may use it at a time.

    A task that is cancelled in any of its waits leaves the session right. An rpc is withdrawn: it
    is not sent if it was not yet, and its late reply is dropped. A message in pieces of which part
    was sent cannot be taken back, and the session ends with a `BrokenMessageError`.

    An async context manager: left in good order, or by an error, it asks the server to end the
    session; cancelled it only closes. A session that is open when its event loop is closed is
    told of by a `ResourceWarning`, and freed. In a forked child it has ended, and the parent's
    lives on.
    """

    def __init__(self, inner: InnerT, hub: LoopHub) -> None:
        super().__init__(inner)
        self._hub = hub
        self._home = hub.home
        self._loop = hub.event_loop
        self._asking = asking = Asking(inner)
        self._pieces = PiecesSender(hub.home, asking)
        self._gone = hub.gone(inner)

    # --- rpcs ----------------------------------------------------------------------------------

    @overload
    async def rpc(
        self, operation: AnyOperation, timeout: float | None = None, *, check: bool = False
    ) -> Reply: ...

    @overload
    async def rpc(
        self, operation: AnyOperation, timeout: float | None = None, *, sink: Sink
    ) -> StreamedReply: ...

    async def rpc(
        self,
        operation: AnyOperation,
        timeout: float | None = None,
        *,
        sink: Sink | None = None,
        check: bool = False,
    ) -> Reply | StreamedReply:
        """Send an rpc with this operation, and return its reply: see `ncwire.Session.rpc`.

        Several at a time are tasks: `asyncio.create_task(session.rpc(...))`, or a TaskGroup. The
        operation may also be an async iterable of bytes. A `sink` may be a coroutine function, or
        have one as its `write`, which is awaited before the next piece. Raises what the sync one
        does.
        """
        if sink is not None:
            if check:
                raise OptionError("check", "goes with no sink, for the reply is not kept")
            write = async_writer(sink)
            return await pour(self.stream(operation, timeout), write)
        asking = self._here()
        seconds = asking.timeouts.rpc if timeout is None else positive_seconds("timeout", timeout)
        answer = Answer(self._home)
        hint = asking.hint()
        offered = self._offer(operation, answer)
        if offered is None:
            message_id, place = await self._send_in_pieces(operation, answer, seconds), None
        else:
            message_id, place = offered
        timer = self._loop.call_later(seconds, answer.tell)
        try:
            if place is not None:
                await self._wait_in_line(place, message_id, seconds)
            await answer.future
        except BaseException:
            asking.give_up(message_id)
            raise
        finally:
            timer.cancel()
        reply = answer.reply
        if reply is None:
            if answer.cause is not None:
                # One error, raised for each that asks: its traceback must not grow every time.
                raise answer.cause.with_traceback(None)
            asking.give_up(message_id)
            raise RPCTimeoutError(message_id, seconds, hint=hint())
        return reply.raise_for_errors() if check else reply

    def stream(
        self,
        operation: AnyOperation,
        timeout: float | None = None,
    ) -> StreamOpening:
        """Send an rpc, and return its reply as a stream when the reply begins to come.

        To be used as `async with session.stream(...) as stream`, which closes it, as
        `stream = await session.stream(...)`, or as `async for piece in session.stream(...)`. The
        rpc is sent when that is done. For the rest see `ncwire.Session.stream`.
        """

        async def opened() -> ReplyStream:
            return await self._begin_stream(operation, timeout)

        async def left(stream: ReplyStream, _error: BaseException | None) -> None:
            await stream.close()

        return StreamOpening(opened, left)

    async def _begin_stream(self, operation: AnyOperation, timeout: float | None) -> ReplyStream:
        asking = self._here()
        seconds = asking.timeouts.rpc if timeout is None else positive_seconds("timeout", timeout)
        streamed = Streamed(self._home)
        hint = asking.hint()
        asking.connection()
        asking.divert()
        offered = self._offer(operation, streamed)
        try:
            if offered is None:
                message_id = await self._send_in_pieces(operation, streamed, seconds)
            else:
                message_id, place = offered
                if place is not None:
                    await self._wait_in_line(place, message_id, seconds)
            await streamed.came.wait(seconds)
        except BaseException:  # who has asked waits no more
            streamed.drop()
            raise
        request = Request(message_id, seconds, hint)
        if not streamed.done:
            streamed.drop()
            raise request.late(0)
        if streamed.cause is not None and not streamed.begun:
            raise streamed.cause.with_traceback(None)
        return ReplyStream(asking.stream(streamed, request), streamed, request)

    # --- messages ------------------------------------------------------------------------------

    async def send(self, message: AnyOperation) -> None:
        """Send one message, a whole XML document: see `ncwire.Session.send`.

        Where the peer does not read, and `Limits.send_queue` bytes are queued, this waits for up
        to `Timeouts.rpc` seconds, then raises `SendQueueFullError`. The message may also be an
        async iterable of bytes. Raises what the sync one does.
        """
        asking = self._here()
        connection = asking.connection()
        seconds = asking.timeouts.rpc
        whole = None if isinstance(message, AsyncIterable) else written_message(message)
        if whole is None:
            await self._pieces.send(in_turn(message), seconds)  # type: ignore[arg-type] # not whole
            return
        self._pieces.check_task()
        noted = asking.note(whole)
        try:
            document = whole.encode() if isinstance(whole, str) else whole
            place = connection.offer(document, self._signal)
        except BaseException:
            if noted is not None:
                asking.withdraw(noted)
            raise
        if place is not None:
            await self._wait_in_line(place, noted, seconds)

    def notifications(self, maxsize: int = 1000) -> NotificationReader:
        """Return a reader of all notifications from now on; `maxsize` bounds its queue.

        Make it before the subscription, so that it misses none: for instance by
        `async with session.notifications() as events`, and `async for event in events`.
        """
        return NotificationReader(
            self._home, maxsize, self._inner.add_listener, self._inner.remove_listener
        )

    def add_listener(self, listener: SessionListener) -> None:
        """Register a listener, which is called on the event loop's thread and must not wait.

        It may make tasks that use the session. For the rest see `ncwire.Session.add_listener`.
        """
        self._inner.add_listener(listener)

    def remove_listener(self, listener: SessionListener) -> None:
        """Unregister a listener; ignored if it was never registered."""
        self._inner.remove_listener(listener)

    def get_listener_instance(self, cls: type[ListenerT]) -> ListenerT | None:
        """Return the registered listener of that type, if there is one."""
        return self._inner.get_listener_instance(cls)

    def set_keepalive(self, seconds: float | None, count: int | None = None) -> None:
        """Change how the connection is kept alive: see `ncwire.Session.set_keepalive`."""
        self._inner.set_keepalive(seconds, count)

    # --- the end -------------------------------------------------------------------------------

    async def close_session(self, timeout: float | None = None) -> None:
        """Ask the server to end the session, then close: see `ncwire.Session.close_session`.

        Cancelled in the middle it has begun to close, and returns without waiting for that.
        """
        asking = self._here()
        seconds = (
            asking.timeouts.close if timeout is None else positive_seconds("timeout", timeout)
        )
        asking.say_farewell()
        try:
            await self.rpc("<close-session/>", seconds)
        except RPCTimeoutError:
            asking.peer_is_silent()
        except NcwireError:
            pass
        except BaseException:
            self._inner.close()
            raise
        await self.close()

    async def close(self) -> None:
        """End the session, with no word to the NETCONF server: see `ncwire.Session.close`.

        Idempotent. Cancelled in the middle it goes on by itself, within `Timeouts.close`.
        """
        asking = self._here()
        self._inner.close()  # on the thread that serves it, this waits for nothing
        if not self._gone.done():
            await asyncio.wait([self._gone], timeout=asking.timeouts.close + _GRACE)
        if not self._gone.done():
            asking.abandon(SessionCloseError(b"", closed_by="us"))

    async def wait_closed(self) -> None:
        """Wait until the session has ended and all is freed, by any cause: then see `cause`."""
        self._here()
        if not self._gone.done():
            await asyncio.wait([self._gone])

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None or isinstance(error, Exception):
            await self.close_session()
        else:  # a cancellation does not wait for a server
            await self.close()

    # --- within --------------------------------------------------------------------------------

    def _here(self) -> Asking:
        """Return what speaks on the session; raise `SessionError` in any other event loop."""
        if asyncio.get_running_loop() is not self._loop:
            raise SessionError(
                "the session is served by another event loop: connect in the one that uses it"
            )
        self._home.note_thread()  # `close` waits for nothing on this one
        return self._asking

    def _offer(
        self, operation: AnyOperation, awaited: Awaited
    ) -> tuple[str, Waiting | None] | None:
        """Send an rpc, and return its message-id and place in the line, None for none.

        Returns None for an operation in pieces, of which nothing is sent here.
        """
        asking = self._asking
        connection = asking.connection()
        if isinstance(operation, AsyncIterable):
            return None
        message_id, document = asking.written(operation)
        if not isinstance(document, bytes):
            return None
        self._pieces.check_task()
        asking.expect(message_id, awaited)
        try:
            return message_id, connection.offer(document, self._signal)
        except BaseException:
            asking.withdraw(message_id)
            raise

    async def _send_in_pieces(
        self, operation: AnyOperation, awaited: Awaited, seconds: float
    ) -> str:
        asking = self._asking
        message_id, pieces = await written(asking.written, operation)  # type: ignore[arg-type] # not whole
        asking.expect(message_id, awaited)
        try:
            await self._pieces.send(pieces, seconds)
        except BaseException:
            asking.withdraw(message_id)  # nothing was sent, or the session has ended
            raise
        return message_id

    async def _wait_in_line(self, place: Waiting, message_id: str | None, seconds: float) -> None:
        asking = self._asking
        try:
            await place.over.wait(seconds)  # type: ignore[attr-defined] # it is a Signal
        except BaseException:
            with suppress(NcwireError):
                if asking.refuse(place, seconds) is not None and message_id is not None:
                    asking.withdraw(message_id)
            raise
        error = asking.refuse(place, seconds)
        if error is not None:
            if message_id is not None:
                asking.withdraw(message_id)
            raise error

    def _signal(self) -> Signal:
        return Signal(self._home)
