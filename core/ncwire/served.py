"""A channel with its protocol state and its queue, as the pump serves it."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from ncwire.borrowed import Borrowed
from ncwire.driver import Wait
from ncwire.ending import Ending
from ncwire.intake import Intake
from ncwire.outbox import Outbox
from ncwire.pump import Member
from ncwire.timers import Timers

if TYPE_CHECKING:
    from collections.abc import Callable

    from ncwire.driver import Channel
    from ncwire.errors import NcwireError
    from ncwire.framing import Document
    from ncwire.intake import Task
    from ncwire.keepalive import Keepalive
    from ncwire.protocol import Protocol, Root
    from ncwire.pump import Pump

_PATIENCE = 1.0


class Events(NamedTuple):
    """What a connection tells of."""

    hello: Callable[[], None]
    """The server's hello has come: messages can be sent from now on. On the pump's thread."""
    message: Callable[[Root, str | Document, bool], Task | None]
    """Any other message has come: completes the call that waits for it, and returns what else is
    to be done about it on the pump's thread, None if that was done at once; the last argument
    tells whether it may be, for nothing earlier is left to do. None of the user's code is run by
    it: it is called by whichever thread has read the message, the channel being locked."""
    ended: Callable[[NcwireError], None]
    """Everything has been freed; nothing more comes. From any thread; only the first counts."""


class Sending(NamedTuple):
    """How many bytes may be queued, and for how many seconds a sender waits for room."""

    queue: int
    patience: float


class Served(Member):
    """The part of a `Connection` that is the pump's, from our hello to the end.

    Whoever holds `_use` may call the channel. The pump's thread does so when it is woken.
    Messages are dispatched by the pump's thread, in their order.

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
        ending = self._ending
        if ending.freed:
            self._pump.discard(self)
            return False
        with self._use:
            more = self._work(now, 0) if self._has_timers or self._queued else self._take_in(0)
            if not self._inbox:
                self._look()
                self._told = self._waiting
        if self._inbox:
            self._dispatch()
            with self._use:  # a listener may have sent
                more = self._work(now, 0) if self._queued else self._take_in(0)
                self._look()
                self._told = self._waiting
            if self._inbox:  # to be heard before the end, if that came with it
                self._dispatch()
                more = True
        if ending.failure is not None or ending.cause is not None:
            more = not self._end_when_due(now) and more
        if self._lends:
            self._borrowed.wake()
        return more

    def _dispatch(self) -> None:
        # A caller that serves the connection may have got its answer just now, and listeners may
        # take long.
        if self._lends:
            self._borrowed.wake()
        self._intake.dispatch()

    def _end_when_due(self, now: float) -> bool:
        cause = self._ending.due(now)
        if cause is None:
            return False
        self._pump.discard(self)
        with self._use:
            self._free(cause)
        self._tell_end(cause)
        return True

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
            special = (
                self._has_timers
                or self._protocol.inlet is not None
                or self._ending.cause is not None
            )
            self._waiting = self._wait() if special else self._wants()
        except Exception as error:  # noqa: BLE001 - a driver's nonsense must not stop the pump
            self._ending.fail(error)

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
