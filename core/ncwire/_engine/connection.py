"""A connection: one channel, served by a pump and by those who call."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from ncwire._engine.send_pieces import send_pieces
from ncwire._engine.served import Served
from ncwire._interrupts import raise_interruption
from ncwire._protocol.framing import encoded
from ncwire.driver import Readiness
from ncwire.errors import SendQueueFullError, SessionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ncwire._engine.outcome import Outcome

_READ = Readiness.READ
_BACKLOG = 256
"""How many messages may wait for the pump's thread before a caller leaves the reading to it."""
_SLICE = 0.1
"""Seconds that the channel's lock is waited for at once: in a child that a signal handler forks
in the middle, the wait is for a lock of the parent's, and only the next one is for its own."""


class Connection(Served):
    """Carries messages over an open channel, from our hello to the end.

    Beside the pump's thread, a sender calls the channel if it is free just then, and a caller
    that waits for a reply serves the connection itself meanwhile (`call`), which saves two
    switches of threads. Messages that are not such a caller's reply are left to the pump's.

    Every method may be called from any thread, but for what is the pump's in `Served`.
    """

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
            if self._intake.dispatching and threading.get_ident() == self._pump.ident:
                return  # a listener's: `service` goes on after it
            self._serve_once()
        except BaseException:
            self._wake()  # an interrupt may have come between the two
            raise

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
            over = self._ending.failure is not None
            if more or self._queued or self._inbox or over or self._has_changed():
                self._wake()
            self._borrowed.ring()
        except BaseException:
            # An interrupt: the lock may be ours, whether or not we know it yet.
            if self._user == here:
                self._user = None
            with suppress(RuntimeError):
                use.release()
            self._wake()
            raise

    def _post(self, message: bytes, until: float | None) -> None:  # noqa: C901 - see `_serve_until`
        """Send as `send` does, and leave the reading to what follows."""
        buffers = self._protocol.frame(message)
        ending, outbox = self._ending, self._outbox
        if ending.cause is not None:
            raise ending.cause.with_traceback(None)
        here, use = threading.get_ident(), self._use
        free = False
        try:
            if not self._queued and self._user != here and use.acquire(blocking=False):
                self._user = here
                free = not (self._queued or outbox.owner is not None or ending.stopped)
                if free:
                    first = memoryview(buffers[0])
                    try:
                        taken = self._channel.write(first)
                    except BaseException as error:  # noqa: BLE001 - a driver may raise anything
                        ending.fail(error)
                        self._wake()
                        raise_interruption(error)
                    else:
                        if taken != len(first) or len(buffers) > 1:
                            outbox.put_back(first[taken:], *buffers[1:])
                self._user = None
                use.release()
        except BaseException as error:
            began = self._user == here
            if began:
                self._user = None
            with suppress(RuntimeError):
                use.release()
            if began:  # how much was sent is not known
                ending.fail(error)
            self._wake()
            raise
        if not free:
            self._queue_up(buffers, until)

    def _queue_up(self, buffers: Sequence[bytes | memoryview], until: float | None) -> None:
        seconds = 0.0
        here = threading.get_ident()
        try:
            # Who holds the channel, beneath the signal handler that this is, cannot go on before
            # it returns, just as the pump cannot before a listener does.
            if here in (self._pump.ident, self._user):
                queued = self._outbox.leave(buffers)
            else:
                self._check_thread()
                now = time.monotonic()
                until = now + self._patience if until is None else until
                seconds = until - now
                queued = self._outbox.add(buffers, until)
        finally:
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

    def call(self, message: bytes | Iterable[bytes] | None, answer: Outcome, until: float) -> None:
        """Send a message, and serve the connection until its answer has come, or the time has.

        `until` is on the clock of `time.monotonic`. Where another thread serves the connection
        already, or must, it is merely waited for. For a message in pieces, the time until then
        bounds each wait of `send_pieces`, and then that for the answer. None sends nothing: more
        is waited for of what an earlier call has asked for. Raises what `send` does, and
        `SessionError` on the pump's own thread, and in a signal handler that has interrupted work
        on this connection: both would wait for themselves.
        """
        if threading.get_ident() == self._pump.ident or self._holds():
            raise _would_wait_for_itself()
        if message is not None and not isinstance(message, bytes):
            seconds = until - time.monotonic()
            self.send_pieces(message, seconds)
            answer.wait(seconds)
            return
        borrowed = self._borrowed
        try:
            try:
                taken = self._lends and borrowed.take(answer)
                if message is not None:
                    (self._post if taken else self.send)(message, until)
                if taken:
                    self._serve_until(answer, until)
            finally:
                # No call stands before the assignment: an interrupt would come right after it.
                if borrowed.owner is answer:
                    borrowed.owner = None
                    if borrowed.closed:
                        borrowed.close()
        except BaseException:
            # An interrupt may have come before who needs it was told.
            self._wake()
            if borrowed.closed:
                borrowed.close()
            raise
        if not answer.done:
            answer.wait(until - time.monotonic())

    def is_served_here(self) -> bool:
        """Return whether this very thread serves it, so that what it waits for would not come.

        It is the pump's then, or a signal handler has interrupted it in the middle of the work.
        """
        return threading.get_ident() == self._pump.ident or self._holds()

    # Each call that is made here costs every rpc a tenth of a microsecond or more.
    def _serve_until(self, answer: Outcome, until: float) -> None:  # noqa: C901, PLR0912
        more = True
        working = False
        here, use, ending = threading.get_ident(), self._use, self._ending
        try:
            while True:
                while not use.acquire(blocking=False) and not use.acquire(
                    timeout=min(max(0.0, until - time.monotonic()), _SLICE)
                ):
                    if time.monotonic() >= until:
                        return
                self._user = here
                working = True
                if self._has_timers or self._queued:
                    more = self._work(time.monotonic(), _BACKLOG)
                else:
                    more = self._take_in(_BACKLOG)
                over = ending.stopped or ending.cause is not None
                if not over:
                    special = self._has_timers or self._protocol.inlet is not None
                    try:
                        self._waiting = wait = self._wait() if special else self._wants()
                    except BaseException as error:  # noqa: BLE001 - a driver may raise anything
                        over = True
                        ending.fail(error)
                        raise_interruption(error)
                working = False
                self._user = None
                use.release()
                if (
                    over
                    or answer.done
                    or wait.on is not _READ  # for anything else it is the pump that waits
                    or len(self._inbox) > _BACKLOG
                    or (now := time.monotonic()) >= until
                ):
                    return
                if not more:
                    at = until if wait.until is None else min(wait.until, until)
                    if self._inbox:  # listeners must not wait for this caller's answer
                        self._wake()
                    more = True  # what wakes this thread no other is told of, should it leave
                    self._borrowed.wait(at - now)
        except BaseException as error:
            # None of the driver's, which are dealt with where it is called. The lock may be ours,
            # whether or not we know it yet. In the middle of the work something may be lost,
            # while waiting nothing is.
            if self._user == here:
                self._user = None
            with suppress(RuntimeError):
                use.release()
            if working:
                ending.fail(error)
            more = True
            raise
        finally:
            # What a library has taken in already, its fd does not tell of, nor does the kernel
            # tell the pump of what it has told this thread of.
            if (
                more
                or self._inbox
                or ending.failure is not None
                or (self._waiting is not self._told and self._has_changed())
            ):
                self._wake()


def _would_wait_for_itself() -> SessionError:
    return SessionError(
        "rpc: no reply can be waited for on the thread that serves the session, which would wait "
        "for itself, nor in a signal handler that has interrupted this very work; a listener uses "
        "submit instead"
    )
