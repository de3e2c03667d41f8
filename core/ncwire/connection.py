"""A connection: one channel with its protocol state and its queue, served by a pump."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ncwire.borrowed import Borrowed
from ncwire.driver import Readiness, Wait
from ncwire.ending import Ending
from ncwire.errors import SendQueueFullError, SessionError
from ncwire.intake import Intake
from ncwire.outbox import Outbox
from ncwire.pump import Member
from ncwire.send_pieces import send_pieces
from ncwire.timers import Timers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ncwire.driver import Channel
    from ncwire.errors import NcwireError
    from ncwire.intake import Task
    from ncwire.keepalive import Keepalive
    from ncwire.protocol import MessageReceived, Protocol
    from ncwire.pump import Pump
    from ncwire.rpc import Outcome

_READ = Readiness.READ
_PATIENCE = 1.0
_BACKLOG = 256
"""How many messages may wait for the pump's thread before a caller leaves the reading to it."""


@dataclass(frozen=True, slots=True)
class Events:
    """What a connection tells of."""

    hello: Callable[[], None]
    """The server's hello has come: messages can be sent from now on. On the pump's thread."""
    message: Callable[[MessageReceived, bool], Task | None]
    """Any other message has come: completes the call that waits for it, and returns what else is
    to be done about it on the pump's thread, None if that was done at once; the second argument
    tells whether it may be, for nothing earlier is left to do. None of the user's code is run by
    it: it is called by whichever thread has read the message, the channel being locked."""
    ended: Callable[[NcwireError], None]
    """Everything has been freed; nothing more comes. From any thread; only the first counts."""


@dataclass(frozen=True, slots=True)
class Sending:
    """How many bytes may be queued, and for how many seconds a sender waits for room."""

    queue: int
    patience: float


class Connection(Member):
    """Carries messages over an open channel, from our hello to the end.

    Whoever holds `_use` may call the channel. The pump's thread does so when it is woken, a
    sender if the channel is free just then, and a caller that waits for a reply serves the
    connection itself meanwhile (`call`), which saves two switches of threads. Messages that
    are not such a caller's reply are dispatched by the pump's thread, in their order.

    `send`, `call`, `end` and `abandon` may be called from any thread; the rest is the pump's.
    """

    def __init__(
        self,
        channel: Channel,
        protocol: Protocol,
        events: Events,
        pump: Pump,
        keepalive: Keepalive | None,
        sending: Sending,
    ) -> None:
        self._channel = channel
        self._fd = channel.fileno()  # kept, for a freed channel knows it no more
        self._protocol = protocol
        self._pump = pump
        self._use = threading.Lock()  # serialises all calls on the channel, and the decoding
        self._patience = sending.patience
        self._outbox = Outbox(sending.queue)
        self._ending = Ending(protocol, self._outbox)
        self._tell_end = events.ended
        self._intake = Intake(channel, protocol, self._ending, events.hello, events.message)
        self._timers = Timers(channel, protocol, self._ending, keepalive)
        # Asked for or called several times for each message.
        self._queued = self._outbox.queue
        self._inbox = self._intake.inbox
        self._take_in = self._intake.take_in
        # Most have no timers at all, and are asked for none with each message.
        self._has_timers = self._timers.any
        self._wait = self._timers.wait
        self._borrowed = Borrowed(self._fd, partial(pump.stand_behind, self))
        self._waiting = self._told = Wait()
        channel.on_ready(self._wake)
        self._outbox.leave((protocol.hello(),))
        self._wake()

    def send(self, message: str | bytes | Iterable[bytes], until: float | None = None) -> None:
        """Send a message, framed, as far as that goes at once, and queue the rest.

        Raises the connection's cause of end once there is one, `UnsendableMessageError` for a
        message that the framing cannot carry, and `SendQueueFullError` when there has been no
        room for it by `until`; nothing was queued then. For one in pieces see `send_pieces`.
        """
        if not isinstance(message, (bytes, str)):
            self.send_pieces(message, self._patience)
            return
        self._post(message, until)
        # A library's write may have taken in what the peer sent, and the fd tells nothing of
        # that any more.
        if self._intake.dispatching and threading.get_ident() == self._pump.ident:
            return  # a listener's: `service` reads on after it
        if self._use.acquire(blocking=False):
            try:
                self._take_in(_BACKLOG)
                self._look()
            except BaseException as error:
                self._ending.fail(error)
                raise
            finally:
                self._use.release()
                if self._inbox or self._ending.failure is not None or self._has_changed():
                    self._wake()

    def send_pieces(self, message: Iterable[bytes], seconds: float) -> None:
        """Send a message piece by piece, as the peer takes them, until the last is queued.

        The iterator runs in the calling thread, with no lock held; what others send meanwhile
        comes after. Waits up to `seconds` for its turn (`SendQueueFullError`), and each time that
        the peer has to take more. What goes wrong before anything was sent is raised, and the
        connection lives. After that it ends, with a `BrokenMessageError`, which is raised unless
        it was the iterator that raised: then that comes out. Raises `SessionError` on the pump's
        thread, and the connection's cause of end when it ends meanwhile.
        """
        self._check_thread()
        buffers = iter(self._protocol.frame_pieces(message))
        try:
            send_pieces(buffers, seconds, self._outbox, self._ending, self._serve_once)
        finally:
            self._wake()

    def _serve_once(self) -> None:
        """Send what is queued, and read, if the channel is free; else whoever has it does."""
        more = False
        if self._use.acquire(blocking=False):
            try:
                more = self._work(time.monotonic(), _BACKLOG)
                self._look()
            except BaseException as error:
                self._ending.fail(error)
                raise
            finally:
                self._use.release()
        over = self._ending.failure is not None
        if more or self._queued or self._inbox or over or self._has_changed():
            self._wake()

    def _post(self, message: str | bytes, until: float | None) -> None:
        """Send as `send` does, and leave the reading to what follows."""
        buffers = self._protocol.frame(message)
        ending, outbox = self._ending, self._outbox
        if ending.cause is not None:
            raise ending.cause.with_traceback(None)
        if self._queued or not self._use.acquire(blocking=False):
            self._queue_up(buffers, until)
            return
        free = False
        try:
            free = not (self._queued or outbox.owner is not None or ending.stopped)
            if free:
                outbox.send_at_once(self._channel, buffers)
        except BaseException as error:
            # An interrupt (Ctrl-C) may have come between sending and knowing how much.
            ending.fail(error)
            if not isinstance(error, Exception):
                raise
        finally:
            self._use.release()
            if self._queued or ending.failure is not None:
                self._wake()
        if not free:
            self._queue_up(buffers, until)

    def _queue_up(self, buffers: Sequence[bytes | memoryview], until: float | None) -> None:
        seconds = 0.0
        if threading.get_ident() == self._pump.ident:
            queued = self._outbox.leave(buffers)
        else:
            self._check_thread()
            now = time.monotonic()
            until = now + self._patience if until is None else until
            seconds = until - now
            queued = self._outbox.add(buffers, until)
        self._wake()
        if not queued:
            self._ending.raise_cause()
            raise SendQueueFullError(self._outbox.queued(), seconds)

    def _check_thread(self) -> None:
        here = threading.get_ident()
        if here == self._pump.ident:
            raise SessionError(
                "send: a message in pieces cannot be sent on the thread that serves the session, "
                "which it would wait for; a listener sends whole messages"
            )
        if here == self._outbox.owner:
            raise SessionError(
                "send: what yields the pieces of a message cannot send on the same session, "
                "where it would come in the middle of that message"
            )

    def call(self, message: bytes | Iterable[bytes], answer: Outcome, until: float) -> None:
        """Send a message, and serve the connection until its answer has come, or the time has.

        `until` is on the clock of `time.monotonic`. Where another thread serves the connection
        already, or must, it is merely waited for. For a message in pieces, the time until then
        bounds each wait of `send_pieces`, and then that for the answer. Raises what `send` does.
        """
        if not isinstance(message, bytes):
            seconds = until - time.monotonic()
            self.send_pieces(message, seconds)
            until = time.monotonic() + seconds
        elif not self._pump.lends or not self._borrowed.take():
            self.send(message, until)
        else:
            try:
                self._post(message, until)
                self._serve_until(answer, until)
            finally:
                self._borrowed.give_back()
        if not answer.done:
            answer.wait(until - time.monotonic())

    def serve(self, answer: Outcome, until: float) -> None:
        """Wait as `call` does, for more of what it waited for.

        Raises `SessionError` on the pump's own thread, which would wait for itself.
        """
        if self._pump.ident == threading.get_ident():
            raise SessionError("a stream cannot be read on the thread that serves its session")
        if self._pump.lends and self._borrowed.take():
            try:
                self._serve_until(answer, until)
            finally:
                self._borrowed.give_back()
        if not answer.done:
            answer.wait(until - time.monotonic())

    def resume(self) -> None:
        """Read again, now that an inlet is full no more."""
        self._wake()

    def end(self, cause: NcwireError, flush: float = 0.0) -> None:
        """End with this cause, after up to `flush` seconds for what is queued.

        Only the first cause counts. Returns at once; `Events.ended` tells when it is done.
        """
        if self._ending.begin(cause, flush):
            self._wake()

    def abandon(self, cause: NcwireError) -> None:
        """End right here, in the calling thread: for when the pump's thread is stuck."""
        cause = self._ending.settle(cause)
        # A driver that blocks against its contract may hold the lock for ever.
        held = self._use.acquire(timeout=_PATIENCE)
        try:
            self._free(cause)
        finally:
            if held:
                self._use.release()
        self._tell_end(cause)
        self._borrowed.wake()
        self._wake()

    def fileno(self) -> int:
        """Return the channel's fd."""
        return self._fd

    def wait(self) -> Wait:
        """Return what the channel wants, and no later than our own timers."""
        return self._told

    def service(self, now: float) -> bool:
        """Send what is queued, take in what has come, and end when it is time to."""
        if self._ending.freed:
            self._pump.discard(self)
            return False
        with self._use:
            more = self._work(now, 0)
            if not self._inbox:
                self._tell()
        if self._intake.dispatch():
            with self._use:
                more = self._take_in(0)
                self._tell()
            more = self._intake.dispatch() or more
        cause = self._ending.due(now)
        if cause is not None:
            self._pump.discard(self)
            with self._use:
                self._free(cause)
            self._tell_end(cause)
        # A caller that serves the connection may have got its answer just now, or have to
        # watch for something else.
        self._borrowed.wake()
        return more and cause is None

    def _serve_until(self, answer: Outcome, until: float) -> None:
        more = working = True
        ending = self._ending
        try:
            while True:
                now = time.monotonic()
                working = True
                with self._use:
                    if self._has_timers or self._queued:
                        more = self._work(now, _BACKLOG)
                    else:
                        more = self._take_in(_BACKLOG)
                    if ending.stopped or ending.cause is not None:
                        return
                    self._waiting = wait = self._wait()
                working = False
                over = answer.done or now >= until or len(self._inbox) > _BACKLOG
                if over or wait.on is not _READ:  # for anything else it is the pump that waits
                    return
                if not more:
                    at = until if wait.until is None else min(wait.until, until)
                    self._borrowed.wait(at - now)
        except BaseException as error:
            # A driver's nonsense, or an interrupt (Ctrl-C): in the middle of the work it may have
            # lost something, while waiting it has not.
            if working:
                ending.fail(error)
            more = True
            if not isinstance(error, Exception):
                raise
        finally:
            # What a library has taken in already, its fd does not tell of, nor does the kernel
            # tell the pump of what it has told this thread of.
            if more or self._inbox or ending.failure is not None or self._has_changed():
                self._wake()

    def _work(self, now: float, backlog: int) -> bool:
        """Do what there is to do on the channel, the lock being held; return if more can be."""
        if self._ending.stopped:
            return False
        try:
            if self._has_timers:
                self._timers.fire(now)
            if self._queued:
                self._outbox.send(self._channel)
        except Exception as error:  # noqa: BLE001 - a driver's nonsense must not stop the pump
            self._ending.fail(error)
            return False
        # Reading comes last, for the reason that `send` has.
        more = self._take_in(backlog)
        if self._has_timers:
            # And this after reading: an answer may have waited for us.
            self._timers.check_alive(now)
        return more

    def _look(self) -> None:
        """Take note of what to wait for, the lock being held."""
        if self._ending.stopped:
            return
        try:
            self._waiting = self._wait()
        except Exception as error:  # noqa: BLE001 - a driver's nonsense must not stop the pump
            self._ending.fail(error)

    def _tell(self) -> None:
        """Take note of what the pump, which asks next, is to wait for."""
        self._look()
        self._told = self._waiting

    def _has_changed(self) -> bool:
        """Return whether there is something to wait for that the pump does not know of."""
        wait, told = self._waiting, self._told
        return wait is not told and (
            wait.on is not told.on
            or (wait.until is not None and (told.until is None or wait.until < told.until))
        )

    def _wake(self) -> None:
        self._pump.wake(self)

    def _free(self, cause: NcwireError) -> None:
        if self._ending.freed:
            return
        self._ending.free(self._channel, cause)
        self._borrowed.close()
        self._outbox.clear()
