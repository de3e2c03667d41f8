"""A channel with its protocol state and its queue, as the pump serves it."""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from ncwire._engine.leader import Borrowed
from ncwire._engine.loop import Member
from ncwire._engine.receiver import Intake
from ncwire._engine.send_queue import Outbox
from ncwire._engine.shutdown import Ending, in_good_order
from ncwire._engine.timers import Timers
from ncwire._interrupts import raise_interruption
from ncwire.driver import Readiness, Wait, point_at_nothing
from ncwire.driver.forking import free_in_child
from ncwire.errors import SessionCloseError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ncwire._engine.keepalive import Keepalive
    from ncwire._engine.loop import Pump
    from ncwire._engine.receiver import Task
    from ncwire._protocol.client import Protocol, Root
    from ncwire._protocol.framing import Document
    from ncwire.driver import Channel
    from ncwire.errors import NcwireError

_PATIENCE = 1.0
_TURN = 0.01
"""Seconds that the pump waits for the channel, which a caller has for the time of a few calls of
the library: longer than that only one whose thread a signal handler keeps, or whose driver blocks
against its contract. The pump's other members must not wait for those."""
_AGAIN = 0.1
"""Seconds after which it tries again; the caller wakes it before, when it has done."""
_SOON = 0.01
"""Seconds after which a peer is looked at again that is about to close."""


class Events(NamedTuple):
    """What a connection tells of."""

    hello: Callable[[], None]
    """The server's hello has come: messages can be sent from now on. On the pump's thread."""
    message: Callable[[Root, str | Document], Task | None]
    """Any other message has come: completes the call that waits for it, and returns what else is
    to be done about it on the pump's thread, None if that is nothing. It is called by the thread
    that has read the message, the channel being locked; so it runs no code of the user's but of
    those listeners that are for any thread (`SessionListener.anywhere`)."""
    ending: Callable[[NcwireError], None]
    """No message is taken in any more: what waits for one may be told. On the pump's thread, once
    or several times, before `ended` or not at all."""
    ended: Callable[[NcwireError], None]
    """Everything has been freed; nothing more comes. From any thread; only the first counts."""


class Sending(NamedTuple):
    """How many bytes may be queued, and for how many seconds a sender waits for room."""

    queue: int
    patience: float


class Served(Member):
    """The part of a `Connection` that is the pump's, from our hello to the end.

    Who holds `_use` may call the channel. The pump's thread does so when it is woken. Messages
    are dispatched by the pump's thread, in their order.

    An interrupt (Ctrl-C, a signal handler that raises) comes between two bytecodes of the main
    thread, above all right after a call has returned, and so between taking a lock and knowing
    that it is taken. Therefore `_use` is re-entrant: it knows its owner, and who is interrupted
    releases it whether or not it was taken (RuntimeError if not). `_user` is the thread that
    holds it and has begun to work, which tells a signal handler that it has interrupted that.
    The pump's own thread is never interrupted, and never waits for the lock for long.

    `resume`, `end` and `abandon` may be called from any thread; the rest is the pump's.
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
        self._use = threading.RLock()  # serialises all calls on the channel, and the decoding
        # Whether the calling thread has it: RLock's own word, as `threading.Condition` uses it. A
        # signal handler may come when it is held and `_user` is not set yet.
        self._holds: Callable[[], bool] = self._use._is_owned  # type: ignore[attr-defined]  # noqa: SLF001
        self._user: int | None = None  # of callers, and only while they hold `_use`
        self._patience = sending.patience
        self._outbox = Outbox(sending.queue)
        self._ending = Ending(channel, protocol, self._outbox)
        self._tell_end = events.ended
        self._tell_ending = events.ending
        self._intake = Intake(channel, protocol, self._ending, events.hello, events.message)
        self._timers = Timers(channel, protocol, self._ending, keepalive)
        # Asked for or called several times for each message.
        self._queued = self._outbox.queue
        self._line = self._outbox.line
        self._inbox = self._intake.inbox
        self._take_in = self._intake.take_in
        # Most have no timers at all, and are asked for none with each message.
        self._has_timers = self._timers.any
        self._wait = self._timers.wait
        self._wants = channel.wants
        self._lends = pump.lends
        self._borrowed = Borrowed(self._fd, partial(pump.stand_behind, self))
        self._waiting = self._told = Wait()
        channel.on_ready(self._wake)
        self._outbox.leave((protocol.hello(),))
        self._wake()

    def resume(self) -> None:
        """Read again, now that an inlet is full no more."""
        self._wake()

    def end(self, cause: NcwireError, flush: float = 0.0) -> None:
        """End with this cause, after up to `flush` seconds for what is queued.

        Only the first cause counts. Returns at once; `Events.ended` tells when it is done.
        """
        try:
            self._ending.begin(cause, flush)
        finally:
            self._wake()  # also where an interrupted call had begun it, and told no thread

    def abandon(self, cause: NcwireError) -> None:
        """End right here, in the calling thread: for when the pump's thread is stuck."""
        try:
            cause = self._ending.settle(cause)
            try:
                # A driver that blocks against its contract may hold the lock for ever.
                self._use.acquire(timeout=_PATIENCE)
                self._free(cause)
            finally:
                # Of a lock that was not to be had it is an error, and no harm.
                try:  # noqa: SIM105 - `suppress` would be a call before it: an interrupt's place
                    self._use.release()
                except RuntimeError:
                    pass
            self._tell_end(cause)
            self._borrowed.ring()
        finally:
            self._wake()  # also after an interrupt: the pump tells it then

    def crashed(self, error: BaseException) -> None:
        """End here and now, for `service` has raised this: the pump's other members go on."""
        self._ending.fail(error)
        self.abandon(self._ending.due(0.0) or SessionCloseError(b"", reason="it is gone"))

    def raise_cause(self) -> None:
        """Raise why it ends, from the moment at which that is known."""
        self._ending.raise_cause()

    def fileno(self) -> int:
        """Return the channel's fd."""
        return self._fd

    def wait(self) -> Wait:
        """Return what the channel wants, and no later than our own timers."""
        return self._told

    def service(self, now: float) -> bool:
        """Send what is queued, take in what has come, and end when it is time to."""
        ending = self._ending
        if ending.freed:
            self._pump.discard(self)
            # An interrupt may have kept `abandon` from telling it. Where it is still at it, it
            # has the lock, and wakes us when it leaves.
            if ending.cause is not None and self._use.acquire(timeout=_TURN):
                self._use.release()
                self._tell_end(ending.cause)
                self._borrowed.ring()
            return False
        more = self._take_turn(now)
        if self._inbox:
            self._dispatch()
            more = self._take_turn(now)  # a listener may have sent
            if self._inbox:  # to be heard before the end, if that came with it
                self._dispatch()
                more = True
        if ending.stopped or ending.cause is not None:
            more = not self._end_when_due(now) and more
        if self._lends:
            self._borrowed.ring()
        return more

    def _take_turn(self, now: float) -> bool:
        """Do what there is to do on the channel, if it is free; return if more can be."""
        if not self._use.acquire(timeout=_TURN):
            return self._come_back()
        try:
            if self._line:
                self._outbox.admit()
            more = self._work(now, 0) if self._has_timers or self._queued else self._take_in(0)
            if not self._inbox:
                self._look()
                self._told = self._waiting
        finally:
            self._use.release()
        return more

    def _come_back(self) -> bool:
        # The fd stays ready meanwhile, and must not be waited for. What is told differs now from
        # what is waited for, so who has the channel wakes the pump when it has done.
        self._told = Wait(Readiness.NONE, time.monotonic() + _AGAIN)
        return False

    def _dispatch(self) -> None:
        # A caller that serves the connection may have got its answer just now, and listeners may
        # take long.
        if self._lends:
            self._borrowed.ring()
        self._intake.dispatch()

    def _end_when_due(self, now: float) -> bool:
        ending = self._ending
        if ending.cause is not None:
            self._tell_ending(ending.cause)
        if ending.failure is None and ending.closes_until is not None:
            if not self._use.acquire(timeout=_TURN):
                return self._come_back()
            try:
                if not self._has_closed(ending.closes_until, now):
                    return False
            finally:
                self._use.release()
        cause = ending.due(now)
        if cause is None:
            return False
        if not self._use.acquire(timeout=_TURN):
            return self._come_back()
        try:
            if self._awaits_peer(cause, now):
                return False
            self._pump.discard(self)
            self._free(cause)
        finally:
            self._use.release()
        self._tell_end(cause)
        return True

    def _has_closed(self, until: float, now: float) -> bool:
        """Return whether the peer, whose stream has ended, has closed or had its time."""
        ending = self._ending
        try:
            closed = self._channel.finish()
        except Exception as error:  # noqa: BLE001 - a driver may raise anything
            ending.fail(error)
            return True
        if closed or now >= until or ending.cause is not None:
            ending.fail(EOFError())
            return True
        # The fd may be ready all the time, for what has been read already: the end.
        self._told = self._waiting = Wait(Readiness.NONE, min(until, now + _SOON))
        return False

    def _awaits_peer(self, cause: NcwireError, now: float) -> bool:
        """Return whether the peer is to close first, the lock being held: see `Channel.finish`."""
        ending = self._ending
        if (
            ending.failure is not None
            or now >= ending.flush_until
            or not (in_good_order(cause) and self._protocol.hello_received)
        ):
            return False
        try:
            if self._channel.finish():
                return False
        except Exception as error:  # noqa: BLE001 - a driver may raise anything
            ending.fail(error)
            return False
        if self._take_in(0):  # as after a write
            self._wake()
        self._look()
        self._told = self._waiting
        return ending.failure is None

    def _work(self, now: float, backlog: int) -> bool:
        """Do what there is to do on the channel, the lock being held; return if more can be."""
        if self._ending.stopped:
            return False
        try:
            if self._has_timers:
                self._timers.fire(now)
            if self._queued:
                self._outbox.send(self._channel)
        except BaseException as error:  # noqa: BLE001 - a driver may raise anything
            self._ending.fail(error)
            raise_interruption(error)
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
            special = (
                self._has_timers
                or self._protocol.inlet is not None
                or self._ending.cause is not None
            )
            self._waiting = self._wait() if special else self._wants()
        except BaseException as error:  # noqa: BLE001 - a driver may raise anything
            self._ending.fail(error)
            raise_interruption(error)

    def _has_changed(self) -> bool:
        """Return whether there is something to wait for that the pump does not know of."""
        wait, told = self._waiting, self._told
        return wait.on is not told.on or (
            wait.until is not None and (told.until is None or wait.until < told.until)
        )

    def _wake(self) -> None:
        self._pump.wake(self)

    def _free(self, cause: NcwireError) -> None:
        if self._ending.freed:
            return
        self._ending.free(self._channel, cause)
        self._borrowed.close()
        self._outbox.clear()

    def leave(self, cause: NcwireError) -> None:
        """End with this cause where the threads are gone, and with them who held the locks.

        The channel is not called, for it may be in the middle of a call of theirs.
        """
        free_in_child(self._use)
        if self._user != threading.get_ident():
            self._user = None
        self._ending.leave(cause)
        self._outbox.drop()

    def abandon_in_child(self, cause: NcwireError) -> None:
        """Do what `leave` does in a forked child, and let go of its copies of the fds.

        The channel's too, which is known here: so a driver that knows nothing of forks cannot
        reach the peer by it, nor keep the connection open that the parent has closed.
        """
        freed = self._ending.freed
        self.leave(cause)
        self._borrowed.abandon_in_child()
        if not freed:
            point_at_nothing(self._fd)
