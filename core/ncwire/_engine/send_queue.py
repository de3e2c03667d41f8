"""What is to be sent on a channel, as far as the channel has not taken it yet."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Protocol

from ncwire._latch import Latch
from ncwire.driver.forking import free_in_child

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ncwire.driver import Channel

_AHEAD = 256 * 1024
"""How much of a message in pieces is queued before the next piece is asked for."""
PIECEMEAL = -1
"""The `owner` of a message in pieces that no thread sends: see `SendQueue.line_up_pieces`."""


class Told(Protocol):
    """What is told of room. It is called with the queue's lock held, and on any thread."""

    def set(self) -> None:
        """Take note of it."""


class SendQueue:
    """A queue of buffers that is full at a limit, and a line of messages that wait for room.

    They are let in one after the other, in the order in which they came; a message that is longer
    than the limit when the queue is empty. While a message is sent in pieces, all others wait.

    `send` and `send_at_once` need the channel; everything else is for any thread.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.RLock()
        self.queue: deque[memoryview] = deque()
        """What is queued, for others to look at whether anything is."""
        self._queued = 0  # bytes
        self.line: deque[Waiting] = deque()
        """What waits for room, for others to look at whether anything does."""
        self._left_in_line = 0  # bytes of messages whose callers do not wait
        self._stopped = False
        self.owner: int | None = None
        """The thread that sends a message in pieces, None if none does."""
        self._taken: Told = Latch()

    def add(self, buffers: Sequence[bytes | memoryview], until: float) -> bool:
        """Queue a message's buffers behind all others', waiting for room as long as it takes.

        `until` is on the clock of `time.monotonic`. False if there was none by then, or if
        `stop` was called meanwhile: nothing was queued.
        """
        return self._wait_in_line(Waiting(buffers), until)

    def leave(self, buffers: Sequence[bytes | memoryview]) -> bool:
        """Queue a message's buffers as `add` does, or leave them in the line, without waiting.

        False if what was left in the line has reached the limit, too.
        """
        message = Waiting(buffers)
        with self._lock:
            if self._let_in(message):
                return True
            if self._stopped or self._left_in_line + message.size > self._limit:
                return False
            message.left = True
            self._left_in_line += message.size
            self.line.append(message)
            return True

    def line_up(self, buffers: Sequence[bytes | memoryview], told: Told) -> Waiting | None:
        """Queue a message's buffers, or stand in the line with them and be `told` when that ends.

        None if it was queued at once. Where the place in the line is not `let_in` when it is told,
        `stop` was called. A place that is not wanted any more is to be withdrawn.
        """
        return self._stand(Waiting(buffers, told=told))

    def line_up_pieces(self, told: Told) -> Waiting | None:
        """Begin a message in pieces as `line_up` does; `PIECEMEAL` is its owner then."""
        return self._stand(Waiting((), PIECEMEAL, told))

    def begin(self, until: float) -> bool:
        """Begin a message in pieces, for the calling thread; wait and return as `add` does."""
        return self._wait_in_line(Waiting((), owner=threading.get_ident()), until)

    def put(self, buffer: bytes | memoryview) -> None:
        """Queue a buffer of the message in pieces."""
        with self._lock:
            if not self._stopped:
                view = memoryview(buffer)
                size = len(view)
                self._queued += size
                self.queue.append(view)

    def await_room(self, seconds: float) -> bool:
        """Wait until the next piece is due, or `stop` was called; False if it is not in time."""
        with self._lock:
            if self._stopped or self._queued <= _AHEAD:
                return True
            self._taken = taken = Latch()
        return taken.wait(seconds)

    def tell_of_room(self, told: Told) -> bool:
        """Return whether the next piece is due; if not, have it `told` when it is."""
        with self._lock:
            if self._stopped or self._queued <= _AHEAD:
                return True
            self._taken = told
            return False

    def admit(self) -> None:
        """Let in what waits and has room now: after a message in pieces its `owner` is gone.

        Its sender takes the owner away by a plain assignment, which no interrupt can come in the
        middle of, and has this called by who serves the connection.
        """
        with self._lock:
            self._admit()

    def send(self, channel: Channel) -> None:
        """Send what the channel takes now. Raises what `Channel.write` does."""
        while self.queue:
            head = self.queue[0]
            taken = channel.write(head)
            if not taken:
                return
            with self._lock:
                try:
                    if taken == len(head):
                        self.queue.popleft()
                    else:
                        self.queue[0] = head[taken:]
                except IndexError:  # a signal handler has forked in the middle: see `drop`
                    return
                self._queued -= taken
                if self.line:
                    self._admit()
                if self.owner is not None and self._queued <= _AHEAD:
                    self._taken.set()

    def put_back(self, *rest: bytes | memoryview) -> None:
        """Queue what the channel has not taken of a message that was sent with nothing queued.

        It comes before whatever another thread has queued meanwhile.
        """
        views = [memoryview(each) for each in rest if each]
        size = sum(map(len, views))
        with self._lock:
            self._queued += size
            self.queue.extendleft(reversed(views))

    def queued(self) -> int:
        """Return how many bytes are queued, and left in the line."""
        with self._lock:
            return self._queued + self._left_in_line

    def unsent(self) -> bytes:
        """Return what is queued, and left in the line."""
        with self._lock:
            left = [buffer for each in self.line if each.left for buffer in each.buffers]
            return b"".join((*self.queue, *left))

    def stop(self) -> None:
        """Let nothing more in, and wake all that wait.

        What was left in the line is sent still, unless it comes after a message whose pieces
        will never all be there.
        """
        with self._lock:
            self._stopped = True
            self._taken.set()
            for waiting in self.line:
                if not waiting.left:
                    waiting.over.set()
            broken = self.owner is not None
            kept = [each for each in self.line if each.left and not broken]
            self.line.clear()
            self.line.extend(kept)

    def clear(self) -> None:
        """Let go of everything; comes after `stop`, or does its work, too."""
        self.stop()
        with self._lock:
            self.queue.clear()
            self.line.clear()
            self._queued = self._left_in_line = 0

    def drop(self) -> None:
        """Do what `clear` does where the threads are gone, and with them who held the lock."""
        free_in_child(self._lock)
        self.clear()

    def _wait_in_line(self, waiting: Waiting, until: float) -> bool:
        waiting.over = latch = Latch()
        try:
            with self._lock:
                if self._let_in(waiting):
                    return True
                if self._stopped:
                    return False
                self.line.append(waiting)
            latch.wait(until - time.monotonic())
            self.withdraw(waiting)
        except BaseException:  # an interrupt, at any place: it must not be let in any more
            self.withdraw(waiting)
            raise
        return waiting.let_in

    def withdraw(self, waiting: Waiting) -> None:
        """Take it out of the line, unless it was let in."""
        with self._lock:
            if not waiting.let_in and waiting in self.line:
                self.line.remove(waiting)
                # What stood behind it may be shorter.
                self._admit()

    def _stand(self, waiting: Waiting) -> Waiting | None:
        with self._lock:
            if self._let_in(waiting):
                return None
            if self._stopped:
                waiting.over.set()
            else:
                self.line.append(waiting)
            return waiting

    def _let_in(self, message: Waiting) -> bool:
        if self._stopped or self.line or not self._has_room(message):
            return False
        self._take(message)
        return True

    def _has_room(self, message: Waiting) -> bool:
        if self.owner is not None:
            return False
        return not self.queue or self._queued + message.size <= self._limit

    def _take(self, message: Waiting) -> None:
        views = [memoryview(each) for each in message.buffers]
        # All of it or nothing: no interrupt comes before the one call at the end is done.
        message.let_in = True
        self.owner = message.owner
        self._queued += message.size
        self.queue.extend(views)

    def _admit(self) -> None:
        while self.line:
            message = self.line[0]
            if not message.let_in:  # or an interrupt came before it left the line
                if not self._has_room(message):
                    return
                self._take(message)
                if message.left:
                    self._left_in_line -= message.size
            self.line.popleft()
            message.over.set()


class Waiting:
    """A message in the line; `owner` is the thread that will send it in pieces."""

    __slots__ = ("buffers", "left", "let_in", "over", "owner", "size")

    def __init__(
        self,
        buffers: Sequence[bytes | memoryview],
        owner: int | None = None,
        told: Told | None = None,
    ) -> None:
        self.buffers = buffers
        self.size = sum(map(len, buffers))
        self.owner = owner
        self.left = False  # its caller does not wait
        self.let_in = False
        self.over: Told = Latch() if told is None else told
