"""`BufferedChannel`: a channel for libraries that call back with what has come."""

from __future__ import annotations

import threading
import time
import weakref
from abc import abstractmethod
from collections import deque
from typing import TYPE_CHECKING

from ncwire.driver.channel import Channel, LastWords, Wait
from ncwire.driver.wakeup import Wakeup
from ncwire.errors import TransportError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ncwire.driver.channel import ChannelInfo

_KEPT = 1024
"""How much of stderr is kept for the error, in bytes."""
_QUIET = 2.0
"""Seconds of the peer's silence after which the stream's end is followed by the close."""
_TO_READ = Wait()


class Intake:
    """What a library's callbacks are given: it takes what has come, for a channel to read.

    It is made before the channel, so that nothing is lost that comes early, and holds no channel,
    so that the library may keep it: a channel that is dropped is collected all the same. Its
    methods may be called from any thread, each by one thread at a time, also before there is a
    channel and after that has been freed; none waits. It holds nothing that has to be closed.
    """

    def __init__(self) -> None:
        self._buffer = _Buffer()

    def feed(self, data: bytes | bytearray | memoryview) -> None:
        """Take bytes of the stream; they are dropped after the end."""
        self.hear()
        buffer = self._buffer
        if not data or buffer.end is not None:
            return
        buffer.data.append(bytes(data))
        buffer.fed += len(data)
        buffer.ring()
        _call(buffer.regulate())

    def end(self, error: TransportError | None = None, cause: BaseException | None = None) -> None:
        """Note that the stream has ended: in order, or broken, by an error that `read` raises.

        It is told when all that came before has been read. `cause` is the library's exception,
        which the error is raised from. Only the first end counts.
        """
        if self._buffer.end is None:
            self._buffer.end = _End(error, cause)
        self._buffer.ring()

    def close(self) -> None:
        """Note that the peer has closed, and has ended the stream by that if not before."""
        self._buffer.closed = True
        self.end()

    def drained(self, count: int) -> None:
        """Note that the library has passed on so many of the bytes that `send` gave it."""
        self._buffer.passed_on += count
        _call(self._buffer.go_on())

    def hear(self) -> None:
        """Note that the peer has sent something, be it no data: see `Channel.heard`."""
        self._buffer.heard = time.monotonic()

    def complain(self, data: bytes) -> None:
        """Take what has come on stderr, of which the beginning is kept."""
        self.hear()
        said = self._buffer.stderr
        said += data[: max(0, _KEPT - len(said))]

    def exited(self, status: int | None = None, signal: str = "") -> None:
        """Note how what runs behind the server has ended (RFC 4254 section 6.10)."""
        self._buffer.exit = (status, signal)


class BufferedChannel(Channel):
    """A channel over a library that delivers by callbacks, in threads or loops of its own.

    The library's callbacks put into the `Intake` what comes. A subclass says how something is
    asked of the library: `send`, `pause`, `resume` and `leave`, and for the feature FINISH
    `say_end` and `say_close`. These are called in whatever thread needs them, return at once and
    raise nothing but a `TransportError`; and `pause` and `resume` each by one thread at a time, in
    turns. What the contract asks for beyond that is done here: readiness as a level, bounded
    buffers both ways, data before errors, and all of `Channel` that no library need know of.

    `free` cuts the connection, without a word and without waiting; it is called from any thread,
    perhaps again and again, at the latest when the channel is collected, and so must not hold it.

    Up to `most` bytes wait on either side: beyond that `pause` is called, or `write` takes no
    more, and when half of it is gone again `resume`, or the core is told that it can go on.

    Raises `TransportError` where the process has no fd left.
    """

    def __init__(
        self,
        intake: Intake,
        info: ChannelInfo,
        native: object,
        free: Callable[[], None],
        most: int = 1 << 20,
    ) -> None:
        self.info = info
        self.native = native
        self.write_may_read = False  # what a library feeds meanwhile, the wakeup tells of
        buffer = intake._buffer  # noqa: SLF001 - the two are one, in halves
        self._buffer = buffer
        self._data = buffer.data
        try:
            self._wakeup = buffer.wakeup = Wakeup()
        except OSError as error:
            raise TransportError(f"a channel's wakeup: {error.strerror}") from error
        if buffer.data or buffer.end is not None:
            self._wakeup.ring()
        self._most, self._few = most, most // 2
        self._sent = 0
        self._blocked = False
        self._wake: Callable[[], None] = _nothing
        self._flow = threading.Lock()
        self._paused = False
        self._freed = False
        self._silent_at: float | None = None
        self._said_close = False
        self._free = free
        self._finalizer = weakref.finalize(self, _dropped, self._wakeup, free)
        self._finalizer.atexit = False
        # Weakly: the library holds the intake, and this is to be collected when it is dropped.
        buffer.regulate = weakref.WeakMethod(self._regulate)
        buffer.go_on = weakref.WeakMethod(self._go_on)
        self._regulate()

    @abstractmethod
    def send(self, data: bytes) -> None:
        """Hand bytes to the library, which takes all of them, and calls `drained` in time."""

    @abstractmethod
    def pause(self) -> None:
        """Have the library read no more from the connection; what it has may come yet."""

    @abstractmethod
    def resume(self) -> None:
        """Have it read again."""

    @abstractmethod
    def leave(self) -> None:
        """End the connection in order, in the background: see `Channel.close`."""

    def say_end(self) -> None:
        """Say that nothing more will be written, once all is: SSH_MSG_CHANNEL_EOF, over SSH."""

    def say_close(self) -> None:
        """Ask a silent peer to close: SSH_MSG_CHANNEL_CLOSE, over SSH."""

    def fileno(self) -> int:
        """Return the fd that is readable when there is something to read, the end included."""
        return self._wakeup.fileno()

    def wants(self) -> Wait:
        """Wait to be rung for; and for the peer's silence, once the stream's end was said."""
        if self._silent_at is None or self._said_close:
            return _TO_READ
        return Wait(until=self._silent_at)

    def read(self, size: int) -> bytes | None:
        """Return what has come; see `Channel.read`."""
        if self._freed:
            raise _freed()
        # Before the data is looked at: what came before the end must not be overlooked for it.
        end = self._buffer.end
        if not self._data:
            if end is not None:
                return end.told()
            self._wakeup.clear()
            # Who came before that may have found it rung still.
            if not self._data:
                if self._buffer.end is not None:
                    self._wakeup.ring()
                    return self.read(size)
                return None
            self._wakeup.ring()
        data = self._data.popleft()
        if len(data) > size:
            rest = memoryview(data)
            self._data.appendleft(rest[size:])
            data = rest[:size]
        self._buffer.taken += len(data)
        if self._paused:
            self._regulate()
        return bytes(data)

    def write(self, data: memoryview) -> int:
        """Hand to the library what there is room for.

        After the stream's end it takes nothing: what the peer sent until then is still to be
        read, and it is `read` that tells of the end.
        """
        if self._freed:
            raise _freed()
        if self._buffer.end is not None:
            return 0
        # Set before the room is looked at: what becomes free after the look is told of.
        self._blocked = True
        taken = min(len(data), self._most - self._unsent())
        if taken <= 0:
            return 0
        if taken == len(data):
            self._blocked = False
        self._sent += taken
        self.send(bytes(data[:taken]))
        return taken

    def on_ready(self, wake: Callable[[], None]) -> None:
        """Take the function that tells the core that a blocked write can go on."""
        self._wake = wake

    def heard(self) -> float:
        """Return when the peer last sent anything that the library has told of."""
        return self._buffer.heard

    def finish(self) -> bool:
        """Say the stream's end, and the close when the peer is silent; see `Channel.finish`."""
        if self._freed:
            raise _freed()
        if self._buffer.closed:
            return True
        now = time.monotonic()
        if self._silent_at is None:
            self.say_end()
        if self._silent_at is None or self._unsent():
            self._silent_at = now + _QUIET
        self._silent_at = max(self._silent_at, self._buffer.heard + _QUIET)
        if now >= self._silent_at and not self._said_close:
            self._said_close = True
            self.say_close()
        return self._buffer.closed

    def last_words(self) -> LastWords:
        """Return what the intake was told of stderr and the exit; see `Channel.last_words`."""
        return LastWords(bytes(self._buffer.stderr), *self._buffer.exit)

    def close(self) -> None:
        """Leave in order, and free everything; see `Channel.close`."""
        if not self._freed:
            self._let_go()
            self.leave()

    def abort(self) -> None:
        """Free everything; see `Channel.abort`."""
        self._let_go()
        self._free()

    def _let_go(self) -> None:
        self._freed = True
        if self._buffer.end is None:
            self._buffer.end = _End(None, None)  # so that the intake takes no more
        self._finalizer.detach()  # it would cut off what `leave` has begun
        self._wake = _nothing
        self._wakeup.close()

    def _unsent(self) -> int:
        return self._sent - self._buffer.passed_on

    def _go_on(self) -> None:
        if self._blocked and self._most - self._unsent() >= self._few:
            self._blocked = False
            self._wake()

    def _regulate(self) -> None:
        """Pause or resume the library, if it is time to.

        Who finds another thread at it leaves it to that one, which looks again when it is done:
        so the calls come in turns, no thread waits, and a library may call back from within them.
        """
        while self._is_too_much() is not self._paused and self._flow.acquire(blocking=False):
            try:
                too_much = self._is_too_much()
                if too_much is not self._paused:
                    self._paused = too_much
                    (self.pause if too_much else self.resume)()
            finally:
                self._flow.release()

    def _is_too_much(self) -> bool:
        here = self._buffer.fed - self._buffer.taken
        return not self._freed and here > (self._few if self._paused else self._most)


class _Buffer:
    """What the two halves share. Each count grows by one side alone, so that it needs no lock."""

    def __init__(self) -> None:
        self.wakeup: Wakeup | None = None
        self.data: deque[bytes | memoryview] = deque()
        self.fed = 0  # by the library, in bytes
        self.taken = 0  # of these, by the reader
        self.passed_on = 0  # by the library, of what it was given to send
        self.end: _End | None = None
        self.closed = False
        self.heard = time.monotonic()
        self.stderr = bytearray()
        self.exit: tuple[int | None, str] = (None, "")
        self.regulate: Callable[[], Callable[[], None] | None] = _nothing
        self.go_on: Callable[[], Callable[[], None] | None] = _nothing

    def ring(self) -> None:
        # After what it is rung for was noted: a channel that is being made looks for it then.
        if self.wakeup is not None:
            self.wakeup.ring()


class _End:
    def __init__(self, error: TransportError | None, cause: BaseException | None) -> None:
        self._error = error
        self._cause = cause

    def told(self) -> bytes:
        if self._error is None:
            return b""
        raise self._error.with_traceback(None) from self._cause


def _dropped(wakeup: Wakeup, free: Callable[[], None]) -> None:
    wakeup.close()  # the intake has it, too, and the library that, perhaps for long
    free()


def _freed() -> TransportError:
    return TransportError("the channel is closed")


def _call(function: Callable[[], None] | None) -> None:
    if function is not None:
        function()


def _nothing() -> None:
    return None
