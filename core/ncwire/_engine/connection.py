"""A connection: one channel, from our hello to the end, served by a loop and by those who call."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from ncwire._engine.home import Member
from ncwire._engine.leader import Leader
from ncwire._engine.receiver import Receiver
from ncwire._engine.send_pieces import send_pieces
from ncwire._engine.send_queue import SendQueue
from ncwire._engine.shutdown import Shutdown, in_good_order
from ncwire._engine.timers import Timers
from ncwire._interrupts import raise_interruption
from ncwire._protocol.framing import encoded
from ncwire.driver import Channel, Readiness, Wait, point_at_nothing
from ncwire.driver.forking import free_in_child
from ncwire.errors import SendQueueFullError, SessionCloseError, SessionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ncwire._engine.home import Home
    from ncwire._engine.keepalive import Keepalive
    from ncwire._engine.outcome import Outcome
    from ncwire._engine.receiver import Task
    from ncwire._engine.send_queue import Told, Waiting
    from ncwire._protocol.client import Protocol, Root
    from ncwire._protocol.framing import Document
    from ncwire.errors import NcwireError

    QueueUp = Callable[[Sequence[bytes | memoryview], float | None], None]

_READ = Readiness.READ
_BACKLOG = 256
"""How many messages may wait for the loop's thread before a caller leaves the reading to it."""
_SLICE = 0.1
"""Seconds that the channel's lock is waited for at once: in a child that a signal handler forks
in the middle, the wait is for a lock of the parent's, and only the next one is for its own. So
long, too, a caller waits for the channel at once: CPython calls a signal's handler between two
bytecodes, and where the signal comes after the last of these, only after the wait."""
_PATIENCE = 1.0
_TURN = 0.01
"""Seconds that the loop waits for the channel, which a caller has for the time of a few calls of
the library: longer than that only one whose thread a signal handler keeps, or whose driver blocks
against its contract. The loop's other members must not wait for those."""
_AGAIN = 0.1
"""Seconds after which it tries again; the caller wakes it before, when it has done."""
_SOON = 0.01
"""Seconds after which a peer is looked at again that is about to close."""


class Events(NamedTuple):
    """What a connection tells of."""

    hello: Callable[[], None]
    """The server's hello has come: messages can be sent from now on. On the loop's thread."""
    message: Callable[[Root, str | Document], Task | None]
    """Any other message has come: completes the call that waits for it, and returns what else is
    to be done about it on the loop's thread, None if that is nothing. It is called by the thread
    that has read the message, the channel being locked; so it runs no code of the user's but of
    those listeners that are for any thread (`SessionListener.anywhere`)."""
    ending: Callable[[NcwireError], None]
    """No message is taken in any more: what waits for one may be told. On the loop's thread, once
    or several times, before `ended` or not at all."""
    ended: Callable[[NcwireError], None]
    """Everything has been freed; nothing more comes. From any thread; only the first counts."""


class Sending(NamedTuple):
    """How many bytes may be queued, and for how many seconds a sender waits for room."""

    queue: int
    patience: float


class Connection(Member):
    """Carries messages over an open channel, from our hello to the end.

    Who holds `_use` may call the channel. The loop's thread does so when it is woken. Beside it,
    a sender calls the channel if it is free just then, and a caller that waits for a reply serves
    the connection itself meanwhile (`call`), which saves two switches of threads. Messages that
    are not such a caller's reply are dispatched by the loop's thread, in their order.

    An interrupt (Ctrl-C, a signal handler that raises) comes between two bytecodes of the main
    thread, above all right after a call has returned, and so between taking a lock and knowing
    that it is taken. Therefore `_use` is re-entrant: it knows its owner, and who is interrupted
    releases it whether or not it was taken (RuntimeError if not). `_user` is the thread that
    holds it and has begun to work, which tells a signal handler that it has interrupted that.
    The loop's own thread is never interrupted, and never waits for the lock for long.

    `service`, `wait` and `crashed` are the loop's. Everything else may be called from any thread.
    """

    def __init__(
        self,
        channel: Channel,
        protocol: Protocol,
        events: Events,
        loop: Home,
        keepalive: Keepalive | None,
        sending: Sending,
    ) -> None:
        self._channel = channel
        self._fd = channel.fileno()  # kept, for a freed channel knows it no more
        self._protocol = protocol
        self._loop = loop
        self._use = threading.RLock()  # serialises all calls on the channel, and the decoding
        # Whether the calling thread has it: RLock's own word, as `threading.Condition` uses it. A
        # signal handler may come when it is held and `_user` is not set yet.
        self._holds: Callable[[], bool] = self._use._is_owned  # type: ignore[attr-defined]  # noqa: SLF001
        self._user: int | None = None  # of callers, and only while they hold `_use`
        self._patience = sending.patience
        self._send_queue = SendQueue(sending.queue)
        self._shutdown = Shutdown(channel, protocol, self._send_queue)
        self._tell_end = events.ended
        self._tell_ending = events.ending
        self._receiver = Receiver(
            channel, protocol, self._shutdown, events.hello, events.message, loop
        )
        self._timers = Timers(channel, protocol, self._shutdown, keepalive)
        # Asked for or called several times for each message.
        self._queued = self._send_queue.queue
        self._line = self._send_queue.line
        self._inbox = self._receiver.inbox
        self._take_in = self._receiver.take_in
        # Most have no timers at all, and are asked for none with each message.
        self._has_timers = self._timers.any
        self._has_keepalive = self._timers.has_keepalive
        self._wait = self._timers.wait
        self._wants = channel.wants
        self._write_may_read = channel.write_may_read
        self._lends = loop.lends
        self._leader = Leader(self._fd, partial(loop.stand_behind, self))
        self._waiting = self._told = Wait()
        channel.on_ready(self._wake)
        self._send_queue.leave((protocol.hello(),))
        self._wake()

    def send(self, message: str | bytes | Iterable[bytes], until: float | None = None) -> None:
        """Send a message, framed, as far as that goes at once, and queue the rest.

        Raises the connection's cause of end once there is one, `UnsendableMessageError` for a
        message that the framing cannot carry, and `SendQueueFullError` when there has been no
        room for it by `until`; nothing was queued then. For one in pieces see `send_pieces`.
        """
        if isinstance(message, str):
            message = encoded(message)
        elif not isinstance(message, bytes):
            self.send_pieces(message, self._patience)
            return
        try:
            self._post(message, until)
            # A library's write may have taken in what the peer sent, and the fd tells nothing of
            # that any more.
            if self._receiver.dispatching and threading.get_ident() == self._loop.ident:
                return  # a listener's: `service` goes on after it
            self._serve_once()
        except BaseException:
            self._wake()  # an interrupt may have come between the two
            raise

    def offer(self, message: bytes, told: Callable[[], Told]) -> Waiting | None:
        """Send a message as `send` does, on the home's thread, and wait for nothing.

        Where there is no room for it, returns its place in the line, of whose end it tells what
        `told` returns: see `SendQueue.line_up`. Raises what `send` does, but for
        `SendQueueFullError`.
        """
        places: list[Waiting | None] = []

        def queue_up(buffers: Sequence[bytes | memoryview], _until: float | None) -> None:
            places.append(self._send_queue.line_up(buffers, told()))

        try:
            self._post(message, None, queue_up)
            if self._receiver.dispatching:
                pass  # a listener's: `service` goes on after it
            elif self._write_may_read:  # as in `send`
                self._serve_once()
            elif self._queued:
                self._wake()
        except BaseException:
            self._wake()
            raise
        return places[0] if places else None

    def withdraw(self, place: Waiting) -> bool:
        """Give up a place in the line; return False if it was let in before."""
        self._send_queue.withdraw(place)
        self._wake()
        return not place.let_in

    @property
    def send_queue(self) -> SendQueue:
        """What waits to be sent; who puts something there by itself calls `resume` after it."""
        return self._send_queue

    def send_pieces(self, message: Iterable[bytes], seconds: float) -> None:
        """Send a message piece by piece, as the peer takes them, until the last is queued.

        The iterator runs in the calling thread, with no lock held; what others send meanwhile
        comes after. Waits up to `seconds` for its turn (`SendQueueFullError`), and each time that
        the peer has to take more. What goes wrong before anything was sent is raised, and the
        connection lives. After that it ends, with a `BrokenMessageError`, which is raised unless
        it was the iterator that raised: then that comes out. Raises `SessionError` on the loop's
        thread, and the connection's cause of end when it ends meanwhile.
        """
        self._check_thread()
        buffers = iter(self._protocol.frame_pieces(message))
        try:
            send_pieces(buffers, seconds, self._send_queue, self._shutdown, self._serve_once)
        finally:
            self._wake()

    def _serve_once(self) -> None:
        """Send what is queued, and read, if the channel is free; else who has it does."""
        more = False
        here, use = threading.get_ident(), self._use
        try:
            if self._user != here and use.acquire(blocking=False):
                self._user = here
                if self._has_timers or self._queued:
                    more = self._work(time.monotonic(), _BACKLOG)
                else:
                    more = self._take_in(_BACKLOG)
                self._look()
                self._user = None
                use.release()
            over = self._shutdown.failure is not None
            if more or self._queued or self._inbox or over or self._has_changed():
                self._wake()
            self._leader.ring()
        except BaseException:
            # An interrupt: the lock may be ours, whether or not we know it yet.
            if self._user == here:
                self._user = None
            with suppress(RuntimeError):
                use.release()
            self._wake()
            raise

    def _post(  # noqa: C901 - see `_serve_until`
        self, message: bytes, until: float | None, queue_up: QueueUp | None = None
    ) -> None:
        """Send as `send` does, and leave the reading to what follows."""
        buffers = self._protocol.frame(message)
        shutdown, send_queue = self._shutdown, self._send_queue
        if shutdown.cause is not None:
            raise shutdown.cause.with_traceback(None)
        here, use = threading.get_ident(), self._use
        free = False
        try:
            if not self._queued and self._user != here and use.acquire(blocking=False):
                self._user = here
                free = not (self._queued or send_queue.owner is not None or shutdown.stopped)
                if free:
                    first = memoryview(buffers[0])
                    try:
                        taken = self._channel.write(first)
                    except BaseException as error:  # noqa: BLE001 - a driver may raise anything
                        shutdown.fail(error)
                        self._wake()
                        raise_interruption(error)
                    else:
                        if taken != len(first) or len(buffers) > 1:
                            send_queue.put_back(first[taken:], *buffers[1:])
                self._user = None
                use.release()
        except BaseException as error:
            began = self._user == here
            if began:
                self._user = None
            with suppress(RuntimeError):
                use.release()
            if began:  # how much was sent is not known
                shutdown.fail(error)
            self._wake()
            raise
        if not free:
            (queue_up or self._queue_up)(buffers, until)

    def _queue_up(self, buffers: Sequence[bytes | memoryview], until: float | None) -> None:
        seconds = 0.0
        here = threading.get_ident()
        try:
            # Who holds the channel, beneath the signal handler that this is, cannot go on before
            # it returns, just as the loop cannot before a listener does.
            if here in (self._loop.ident, self._user):
                queued = self._send_queue.leave(buffers)
            else:
                self._check_thread()
                now = time.monotonic()
                until = now + self._patience if until is None else until
                seconds = until - now
                queued = self._send_queue.add(buffers, until)
        finally:
            self._wake()
        if not queued:
            self._shutdown.raise_cause()
            raise SendQueueFullError(self._send_queue.queued(), seconds)

    def _check_thread(self) -> None:
        here = threading.get_ident()
        if here == self._loop.ident:
            raise SessionError(
                "send: a message in pieces cannot be sent on the thread that serves the session, "
                "which it would wait for; a listener sends whole messages"
            )
        if here == self._send_queue.owner:
            raise SessionError(
                "send: what yields the pieces of a message cannot send on the same session, "
                "where it would come in the middle of that message"
            )

    def call(self, message: bytes | Iterable[bytes] | None, answer: Outcome, until: float) -> None:
        """Send a message, and serve the connection until its answer has come, or the time has.

        `until` is on the clock of `time.monotonic`. Where another thread serves the connection
        already, or must, it is merely waited for. For a message in pieces, the time until then
        bounds each wait of `send_pieces`, and then that for the answer. None sends nothing: more
        is waited for of what an earlier call has asked for. Raises what `send` does, and
        `SessionError` on the loop's own thread, and in a signal handler that has interrupted work
        on this connection: both would wait for themselves.
        """
        if threading.get_ident() == self._loop.ident or self._holds():
            raise _would_wait_for_itself()
        if message is not None and not isinstance(message, bytes):
            seconds = until - time.monotonic()
            self.send_pieces(message, seconds)
            answer.wait(seconds)
            return
        leader = self._leader
        try:
            try:
                taken = self._lends and leader.take(answer)
                if message is not None:
                    (self._post if taken else self.send)(message, until)
                if taken:
                    unread = message is not None and not self._write_may_read
                    self._serve_until(answer, until, unread=unread)
            finally:
                # No call stands before the assignment: an interrupt would come right after it.
                if leader.owner is answer:
                    leader.owner = None
                    if leader.closed:
                        leader.close()
        except BaseException:
            # An interrupt may have come before who needs it was told.
            self._wake()
            if leader.closed:
                leader.close()
            raise
        if not answer.done:
            answer.wait(until - time.monotonic())

    def is_served_here(self) -> bool:
        """Return whether this very thread serves it, so that what it waits for would not come.

        It is the loop's then, or a signal handler has interrupted it in the middle of the work.
        """
        return threading.get_ident() == self._loop.ident or self._holds()

    # Each call that is made here costs every rpc a tenth of a microsecond or more.
    def _serve_until(  # noqa: C901, PLR0912
        self, answer: Outcome, until: float, *, unread: bool
    ) -> None:
        """Serve as `call` does; `unread`: the fd tells of all that may have come until now."""
        more = True
        working = False
        here, use, shutdown = threading.get_ident(), self._use, self._shutdown
        try:
            while True:
                while not use.acquire(blocking=False) and not use.acquire(
                    timeout=min(max(0.0, until - time.monotonic()), _SLICE)
                ):
                    if time.monotonic() >= until:
                        return
                self._user = here
                working = True
                if unread and not (self._queued or self._has_keepalive):
                    # What has come by now the fd tells of. To read first costs a call of the
                    # kernel that finds nothing, and the longer this thread is on its way to the
                    # wait, the more often the reply wakes the loop's: over a Unix socket an rpc
                    # took a tenth longer.
                    more = False
                elif self._has_timers or self._queued:
                    more = self._work(time.monotonic(), _BACKLOG)
                else:
                    more = self._take_in(_BACKLOG)
                unread = False
                over = shutdown.stopped or shutdown.cause is not None
                if not over:
                    special = self._has_keepalive or self._protocol.inlet is not None
                    try:
                        self._waiting = wait = self._wait() if special else self._wants()
                    except BaseException as error:  # noqa: BLE001 - a driver may raise anything
                        over = True
                        shutdown.fail(error)
                        raise_interruption(error)
                working = False
                self._user = None
                use.release()
                if (
                    over
                    or answer.done
                    or wait.on is not _READ  # for anything else it is the loop that waits
                    or len(self._inbox) > _BACKLOG
                    or (now := time.monotonic()) >= until
                ):
                    return
                if not more:
                    at = until if wait.until is None else min(wait.until, until)
                    if self._inbox:  # listeners must not wait for this caller's answer
                        self._wake()
                    more = True  # what wakes this thread no other is told of, should it leave
                    self._leader.wait(min(at - now, _SLICE))
        except BaseException as error:
            # None of the driver's, which are dealt with where it is called. The lock may be ours,
            # whether or not we know it yet. In the middle of the work something may be lost,
            # while waiting nothing is.
            if self._user == here:
                self._user = None
            with suppress(RuntimeError):
                use.release()
            if working:
                shutdown.fail(error)
            more = True
            raise
        finally:
            # What a library has taken in already, its fd does not tell of, nor does the kernel
            # tell the loop of what it has told this thread of.
            if (
                more
                or self._inbox
                or shutdown.failure is not None
                or (self._waiting is not self._told and self._has_changed())
            ):
                self._wake()

    @property
    def can_keep_alive(self) -> bool:
        """Whether the channel can send keepalives."""
        return getattr(self._channel.keepalive, "__func__", None) is not Channel.keepalive

    def set_keepalive(self, keepalive: Keepalive | None) -> None:
        """Keep the connection alive by this policy from now on; None: not at all.

        Waits for nothing: who has the channel may be in the middle of a long wait, and looks at
        its timers again when it is woken, a caller within `_SLICE`.
        """
        self._timers.set_keepalive(keepalive)
        if keepalive is not None:
            # For good: two threads that set it at one time could leave it at what neither meant.
            self._has_timers = self._has_keepalive = True
        self._wake()

    def resume(self) -> None:
        """Read again, now that an inlet is full no more; send what was put in the queue."""
        self._wake()

    def end(self, cause: NcwireError, flush: float = 0.0) -> None:
        """End with this cause, after up to `flush` seconds for what is queued.

        Only the first cause counts. Returns at once; `Events.ended` tells when it is done.
        """
        try:
            self._shutdown.begin(cause, flush)
        finally:
            self._wake()  # also where an interrupted call had begun it, and told no thread

    def abandon(self, cause: NcwireError) -> None:
        """End right here, in the calling thread: for when the loop's thread is stuck."""
        try:
            cause = self._shutdown.settle(cause)
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
            self._leader.ring()
        finally:
            self._wake()  # also after an interrupt: the loop tells it then

    def crashed(self, error: BaseException) -> None:
        """End here and now, for `service` has raised this: the loop's other members go on."""
        self._shutdown.fail(error)
        self.abandon(self._shutdown.due(0.0) or SessionCloseError(b"", closed_by="driver"))

    def raise_cause(self) -> None:
        """Raise why it ends, from the moment at which that is known."""
        self._shutdown.raise_cause()

    def fileno(self) -> int:
        """Return the channel's fd."""
        return self._fd

    def wait(self) -> Wait:
        """Return what the channel wants, and no later than our own timers."""
        return self._told

    def service(self, now: float) -> bool:
        """Send what is queued, take in what has come, and end when it is time to."""
        shutdown = self._shutdown
        if shutdown.freed:
            self._loop.discard(self)
            # An interrupt may have kept `abandon` from telling it. Where it is still at it, it
            # has the lock, and wakes us when it leaves.
            if shutdown.cause is not None and self._use.acquire(timeout=_TURN):
                self._use.release()
                self._tell_end(shutdown.cause)
                self._leader.ring()
            return False
        more = self._take_turn(now)
        if self._inbox:
            self._dispatch()
            more = self._take_turn(now)  # a listener may have sent
            if self._inbox:  # to be heard before the end, if that came with it
                self._dispatch()
                more = True
        if shutdown.stopped or shutdown.cause is not None:
            more = not self._end_when_due(now) and more
        if self._lends:
            self._leader.ring()
        return more

    def _take_turn(self, now: float) -> bool:
        """Do what there is to do on the channel, if it is free; return if more can be."""
        if not self._use.acquire(timeout=_TURN):
            return self._come_back()
        try:
            if self._line:
                self._send_queue.admit()
            more = self._work(now, 0) if self._has_timers or self._queued else self._take_in(0)
            if not self._inbox:
                self._look()
                self._told = self._waiting
        finally:
            self._use.release()
        return more

    def _come_back(self) -> bool:
        # The fd stays ready meanwhile, and must not be waited for. What is told differs now from
        # what is waited for, so who has the channel wakes the loop when it has done.
        self._told = Wait(Readiness.NONE, time.monotonic() + _AGAIN)
        return False

    def _dispatch(self) -> None:
        # A caller that serves the connection may have got its answer just now, and listeners may
        # take long.
        if self._lends:
            self._leader.ring()
        self._receiver.dispatch()

    def _end_when_due(self, now: float) -> bool:
        shutdown = self._shutdown
        if shutdown.cause is not None:
            self._tell_ending(shutdown.cause)
        if shutdown.failure is None and shutdown.closes_until is not None:
            if not self._use.acquire(timeout=_TURN):
                return self._come_back()
            try:
                if not self._has_closed(shutdown.closes_until, now):
                    return False
            finally:
                self._use.release()
        cause = shutdown.due(now)
        if cause is None:
            return False
        if not self._use.acquire(timeout=_TURN):
            return self._come_back()
        try:
            if self._awaits_peer(cause, now):
                return False
            self._loop.discard(self)
            self._free(cause)
        finally:
            self._use.release()
        self._tell_end(cause)
        return True

    def _has_closed(self, until: float, now: float) -> bool:
        """Return whether the peer, whose stream has ended, has closed or had its time."""
        shutdown = self._shutdown
        try:
            closed = self._channel.finish()
        except Exception as error:  # noqa: BLE001 - a driver may raise anything
            shutdown.fail(error)
            return True
        if closed or now >= until or shutdown.cause is not None:
            shutdown.fail(EOFError())
            return True
        # The fd may be ready all the time, for what has been read already: the end.
        self._told = self._waiting = Wait(Readiness.NONE, min(until, now + _SOON))
        return False

    def _awaits_peer(self, cause: NcwireError, now: float) -> bool:
        """Return whether the peer is to close first, the lock being held: see `Channel.finish`."""
        shutdown = self._shutdown
        if (
            shutdown.failure is not None
            or now >= shutdown.flush_until
            or not (in_good_order(cause) and self._protocol.hello_received)
        ):
            return False
        try:
            if self._channel.finish():
                return False
        except Exception as error:  # noqa: BLE001 - a driver may raise anything
            shutdown.fail(error)
            return False
        if self._take_in(0):  # as after a write
            self._wake()
        self._look()
        self._told = self._waiting
        return shutdown.failure is None

    def _work(self, now: float, backlog: int) -> bool:
        """Do what there is to do on the channel, the lock being held; return if more can be."""
        if self._shutdown.stopped:
            return False
        try:
            if self._has_timers:
                self._timers.fire(now)
            if self._queued:
                self._send_queue.send(self._channel)
        except BaseException as error:  # noqa: BLE001 - a driver may raise anything
            self._shutdown.fail(error)
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
        if self._shutdown.stopped:
            return
        try:
            special = (
                self._has_timers
                or self._protocol.inlet is not None
                or self._shutdown.cause is not None
            )
            self._waiting = self._wait() if special else self._wants()
        except BaseException as error:  # noqa: BLE001 - a driver may raise anything
            self._shutdown.fail(error)
            raise_interruption(error)

    def _has_changed(self) -> bool:
        """Return whether there is something to wait for that the loop does not know of."""
        wait, told = self._waiting, self._told
        return wait.on is not told.on or (
            wait.until is not None and (told.until is None or wait.until < told.until)
        )

    def _wake(self) -> None:
        self._loop.wake(self)

    def _free(self, cause: NcwireError) -> None:
        if self._shutdown.freed:
            return
        self._shutdown.free(self._channel, cause)
        self._leader.close()
        self._send_queue.clear()

    def leave(self, cause: NcwireError) -> None:
        """End with this cause where the threads are gone, and with them who held the locks.

        The channel is not called, for it may be in the middle of a call of theirs.
        """
        free_in_child(self._use)
        if self._user != threading.get_ident():
            self._user = None
        self._shutdown.leave(cause)
        self._send_queue.drop()

    def abandon_in_child(self, cause: NcwireError) -> None:
        """Do what `leave` does in a forked child, and let go of its copies of the fds.

        The channel's too, which is known here: so a driver that knows nothing of forks cannot
        reach the peer by it, nor keep the connection open that the parent has closed.
        """
        freed = self._shutdown.freed
        self.leave(cause)
        self._leader.abandon_in_child()
        if not freed:
            point_at_nothing(self._fd)


def _would_wait_for_itself() -> SessionError:
    return SessionError(
        "rpc: no reply can be waited for on the thread that serves the session, which would wait "
        "for itself, nor in a signal handler that has interrupted this very work; a listener uses "
        "submit instead"
    )
