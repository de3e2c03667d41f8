"""A connection: one channel with its protocol state and its queue, served by a pump."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ncwire.driver import Wait
from ncwire.errors import (
    HelloMissingError,
    NcwireError,
    NetconfFramingError,
    SessionCloseError,
    TransportError,
)
from ncwire.protocol import HelloReceived
from ncwire.pump import Member

if TYPE_CHECKING:
    from collections.abc import Callable

    from ncwire.driver import Channel
    from ncwire.keepalive import Keepalive
    from ncwire.protocol import MessageReceived, Protocol
    from ncwire.pump import Pump

logger = logging.getLogger(__name__)

READ_SIZE = 256 * 1024
_PATIENCE = 1.0
READS_PER_SERVICE = 16
"""How many reads a flooding peer gets before the pump's other members have their turn."""


@dataclass(frozen=True, slots=True)
class Events:
    """What a connection tells of, on the pump's thread and without any lock held."""

    hello: Callable[[], None]
    """The server's hello has come: messages can be sent from now on."""
    message: Callable[[MessageReceived], None]
    """A message other than the hello has come."""
    ended: Callable[[NcwireError], None]
    """Everything has been freed; nothing more comes. From any thread; only the first counts."""


class Connection(Member):
    """Carries messages over an open channel, from our hello to the end.

    `send`, `end` and `abandon` may be called from any thread; the rest is the pump's.
    """

    def __init__(
        self,
        channel: Channel,
        protocol: Protocol,
        events: Events,
        pump: Pump,
        keepalive: Keepalive | None,
    ) -> None:
        self._channel = channel
        self._fd = channel.fileno()  # kept, for a freed channel knows it no more
        self._protocol = protocol
        self._events = events
        self._pump = pump
        self._keepalive = keepalive
        self._use = threading.Lock()  # serialises all calls on the channel
        self._queue_lock = threading.Lock()
        self._queue: deque[memoryview] = deque()
        self._cause: NcwireError | None = None
        self._flush_until = 0.0
        self._ended = False
        channel.on_ready(self._wake)
        self._enqueue((protocol.hello(),))

    def send(self, message: str | bytes) -> None:
        """Queue a message, framed.

        Raises the connection's cause of end once there is one, and `UnsendableMessageError`
        for a message that the framing cannot carry; nothing was queued then.
        """
        self._enqueue(self._protocol.frame(message))

    def end(self, cause: NcwireError, flush: float = 0.0) -> None:
        """End with this cause, after up to `flush` seconds for what is queued.

        Only the first cause counts. Returns at once; `Events.ended` tells when it is done.
        """
        with self._queue_lock:
            if self._cause is not None:
                return
            self._cause = cause
            self._flush_until = time.monotonic() + flush
        self._wake()

    def abandon(self, cause: NcwireError) -> None:
        """End right here, in the calling thread: for when the pump's thread is stuck."""
        with self._queue_lock:
            self._cause = self._cause or cause
            cause = self._cause
        # A driver that blocks against its contract may hold the lock for ever.
        held = self._use.acquire(timeout=_PATIENCE)
        try:
            self._free(cause)
        finally:
            if held:
                self._use.release()
        self._events.ended(cause)
        self._wake()

    def fileno(self) -> int:
        """Return the channel's fd."""
        return self._fd

    def wait(self) -> Wait:
        """Return what the channel wants, and no later than our own timers."""
        try:
            with self._use:
                wants = self._channel.wants()
                timers = [] if wants.until is None else [wants.until]
                if self._keepalive is not None:
                    timers.append(self._keepalive.due(self._channel.heard()))
        except Exception as error:  # noqa: BLE001 - a driver's nonsense must not stop the pump
            self.end(self._explained(error))
            return Wait(until=0.0)
        if self._cause is not None:
            timers.append(self._flush_until)
        return Wait(wants.on, min(timers, default=None))

    def service(self, now: float) -> bool:
        """Send what is queued, take in what has come, and end when it is time to."""
        if self._ended:
            self._pump.discard(self)
            return False
        try:
            with self._use:
                self._channel.tick(now)
                self._keep_alive(now)
                self._transmit()
            # Reading comes last: a library's write may have taken in what the peer sent, and
            # the fd tells nothing of that any more.
            more = self._receive()
            # Reading comes first here too: an answer may have waited for us.
            self._check_alive(now)
        except Exception as error:  # noqa: BLE001 - a driver's nonsense must not stop the pump
            with self._queue_lock:
                self._cause = self._cause or self._explained(error)
                self._flush_until = 0.0
            more = False
        if self._cause is not None and (not self._queue or now >= self._flush_until):
            self._pump.discard(self)
            with self._use:
                self._free(self._cause)
            self._events.ended(self._cause)
            return False
        return more

    def _enqueue(self, buffers: tuple[bytes | memoryview, ...]) -> None:
        with self._queue_lock:
            if self._cause is not None:
                raise self._cause.with_traceback(None)
            self._queue.extend(memoryview(buffer) for buffer in buffers)
        self._wake()

    def _wake(self) -> None:
        self._pump.wake(self)

    def _transmit(self) -> None:
        while self._queue:
            head = self._queue[0]
            taken = self._channel.write(head)
            if taken == len(head):
                with self._queue_lock:
                    self._queue.popleft()
            elif taken:
                self._queue[0] = head[taken:]
            else:
                return

    def _receive(self) -> bool:
        for _ in range(READS_PER_SERVICE):
            with self._use:
                if self._ended:
                    return False
                data = self._channel.read(READ_SIZE)
            if data is None:
                return False
            if not data:
                raise EOFError
            self._protocol.receive(data)
            self._dispatch()
        return True

    def _dispatch(self) -> None:
        while self._cause is None and (event := self._protocol.next_event()) is not None:
            if isinstance(event, HelloReceived):
                self._events.hello()
            else:
                self._events.message(event)

    def _keep_alive(self, now: float) -> None:
        if self._keepalive is not None and self._keepalive.ask(now, self._channel.heard()):
            self._channel.keepalive()

    def _check_alive(self, now: float) -> None:
        if self._keepalive is None:
            return
        with self._use:
            if self._ended:
                return
            heard = self._channel.heard()
        if self._keepalive.is_dead(now, heard):
            raise TransportError(
                f"no answer to {self._keepalive.count} keepalives, and nothing else, "
                f"for {now - heard:.1f} s"
            )

    def _explained(self, error: Exception) -> NcwireError:
        if isinstance(error, EOFError) and not self._protocol.hello_received:
            return HelloMissingError("hello: the server closed before it sent one")
        if isinstance(error, EOFError):
            return self._close_error(None)
        if isinstance(error, NetconfFramingError) or not isinstance(error, TransportError):
            return _from_driver(error)
        return self._close_error(error)

    def _close_error(self, error: Exception | None) -> SessionCloseError:
        cause = SessionCloseError(
            self._protocol.pending(),
            b"".join(self._queue) or None,
            reason=None if error is None else str(error),
        )
        cause.__cause__ = error
        return cause

    def _free(self, cause: NcwireError) -> None:
        if self._ended:
            return
        self._ended = True
        try:
            if isinstance(cause, SessionCloseError) and cause.closed_by == "us":
                self._channel.close()
            else:
                self._channel.abort()
        except Exception:
            logger.exception("the driver failed to free its channel")
        with self._queue_lock:
            self._queue.clear()


def _from_driver(error: Exception) -> NcwireError:
    if isinstance(error, NcwireError):
        return error
    cause = SessionCloseError(
        b"", reason=f"the driver raised {type(error).__name__}, which its contract forbids"
    )
    cause.__cause__ = error
    return cause
