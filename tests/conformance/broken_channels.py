"""Drivers whose channels each break one rule, with the rules that the kit must find broken."""

from __future__ import annotations

import contextlib
import itertools
import os
import select
import socket
import struct
import threading
import time
import weakref

from breaking import breaks

from ncwire.driver import Readiness, Wait
from ncwire.errors import TransportError
from ncwire.testing.memory import MemoryChannel, MemoryDriver

EVERYTHING_BLOCKED = (
    "backpressure.write-returns-zero",
    "backpressure.same-bytes",
    "backpressure.progress-told",
    "backpressure.read-keeps-progress",
    "backpressure.blocked-is-quiet",
    "backpressure.read-while-blocked",
    "close.does-not-block",
)


A_WHILE = 0.25
"""Seconds that only a peer who takes nothing has a write blocked for."""


class Broken(MemoryDriver):
    """The memory driver, with another channel."""

    contract = (1, 0)
    channel: type[MemoryChannel] = MemoryChannel

    def connect(self, options, deadline):
        return self.channel(super().connect(options, deadline).native)


def over(channel):
    """Return the class of a driver with that channel."""
    members = {
        "channel": channel,
        "contract": (1, 0),
        "__doc__": channel.__doc__,
        "__module__": __name__,
        "breaks": channel.breaks,
    }
    return type(channel.__name__ + "Driver", (Broken,), members)


@breaks("io.read-none")
class EmptyForWouldBlock(MemoryChannel):
    """read returns b"" where it is to return None, for some sizes."""

    def read(self, size):
        data = super().read(size)
        return b"" if data is None and size == 1000 else data


@breaks("io.read-size")
class ReadsTooMuch(MemoryChannel):
    """read returns more than it was asked for."""

    def read(self, size):
        return super().read(size + 1)


@breaks("io.end-of-stream")
class EndsOnce(MemoryChannel):
    """read returns b"" once, then None."""

    ended = False

    def read(self, size):
        if self.ended:
            return None
        data = super().read(size)
        self.ended = data == b""
        return data


@breaks("io.end-of-stream", "errors.data-before-error")
class DropsBeforeEnd(MemoryChannel):
    """What the peer sent last is dropped when its end has come, too."""

    def read(self, size):
        data = super().read(size)
        if data:
            with contextlib.suppress(BlockingIOError, ConnectionError):
                if self._sock.recv(1, socket.MSG_PEEK) == b"":
                    return b""
        return data


@breaks(
    "io.binary",
    "io.large-down",
    "io.large-up",
    "io.duplex",
    "io.end-of-stream",
    "io.no-view-kept",
    "backpressure.same-bytes",
    "backpressure.read-while-blocked",
    "backpressure.pause-loses-nothing",
    "backpressure.peer-is-held",
    "errors.data-before-error",
    "close.peer-sees-end",
    "threads.other-threads",
)
class TextMode(MemoryChannel):
    """CR becomes LF, as a terminal has it, both ways."""

    def read(self, size):
        data = super().read(size)
        return data and data.replace(b"\r", b"\n")

    def write(self, data):
        return super().write(memoryview(bytes(data).replace(b"\r", b"\n")))


@breaks("io.no-view-kept")
class KeepsTheView(MemoryChannel):
    """write keeps the view of a little for later."""

    def __init__(self, sock):
        super().__init__(sock)
        self.later = memoryview(b"")

    def wants(self):
        return Wait(Readiness.READ | Readiness.WRITE) if self.later else super().wants()

    def write(self, data):
        self.tick(0)
        if self._sock.fileno() < 0 or self.later or len(data) > 1 << 16:
            return 0 if self.later else super().write(data)
        self.later = data
        return len(data)

    def tick(self, now):
        if self.later:
            self.later = self.later[super().write(self.later) :]

    def finish(self):
        self.flush()
        return super().finish()

    def close(self):
        self.flush()
        super().close()

    def flush(self):
        if self._sock.fileno() >= 0:
            with contextlib.suppress(TransportError):
                self.tick(0)


@breaks("io.read-after-write")
class SilentAfterWrite(MemoryChannel):
    """A write takes in what has come; read looks at it only when the fd is ready once more."""

    def __init__(self, sock):
        super().__init__(sock)
        self.taken_in = b""

    def read(self, size):
        data = super().read(size)
        if data and self.taken_in:
            data, self.taken_in = self.taken_in + data, b""
        return data

    def write(self, data):
        self.taken_in += MemoryChannel.read(self, 1000) or b""
        return super().write(data)


@breaks("io.arrival-is-told")
class DozesOff(MemoryChannel):
    """After a while without a read it does not want to be called when data comes."""

    read_at = 0.0

    def wants(self):
        awake = time.monotonic() < self.read_at + 0.15
        return super().wants() if awake or self._blocked else Wait(Readiness.NONE)

    def read(self, size):
        self.read_at = time.monotonic()
        return super().read(size)


@breaks("io.idle-is-quiet", "backpressure.blocked-is-quiet")
class Polls(MemoryChannel):
    """It wants to be called a hundred times a second."""

    def wants(self):
        return Wait(super().wants().on, time.monotonic() + 0.01)


@breaks("io.idle-is-quiet")
class AlwaysWantsToWrite(MemoryChannel):
    """It wants to be called when the fd is writable, with nothing to write."""

    def wants(self):
        return Wait(Readiness.READ | Readiness.WRITE)


@breaks(*EVERYTHING_BLOCKED)
class BlocksInWrite(MemoryChannel):
    """write waits until all is sent."""

    def write(self, data):
        try:
            self._sock.setblocking(True)
            self._sock.sendall(data)
            self._sock.setblocking(False)
        except OSError as error:
            raise TransportError("write failed") from error
        return len(data)


@breaks("backpressure.write-returns-zero", "backpressure.read-keeps-progress")
class TakesInWithoutBound(MemoryChannel):
    """write takes everything, for later."""

    def __init__(self, sock):
        super().__init__(sock)
        self.later = bytearray()

    def wants(self):
        return Wait(Readiness.READ | Readiness.WRITE if self.later else Readiness.READ)

    def write(self, data):
        self.later += data
        self.tick(0)
        return len(data)

    def tick(self, now):
        while self.later:
            sent = super().write(memoryview(bytes(self.later[: 1 << 16])))
            if not sent:
                return
            del self.later[:sent]


@breaks("backpressure.same-bytes")
class LosesAByteOnRetry(MemoryChannel):
    """A write that was blocked for a while skips a byte when it goes on."""

    since = None

    def write(self, data):
        skip = self.since is not None and time.monotonic() > self.since + A_WHILE
        sent = super().write(data[skip:])
        self.since = None if sent else self.since or time.monotonic()
        return sent and sent + skip


@breaks("backpressure.same-bytes")
class SendsAByteTwice(MemoryChannel):
    """A write that was blocked for a while tells of a byte too few when it goes on."""

    since = None

    def write(self, data):
        sent = super().write(data)
        again = sent > 1 and self.since is not None and time.monotonic() > self.since + A_WHILE
        self.since = None if sent else self.since or time.monotonic()
        return sent - again


@breaks("backpressure.progress-told", "backpressure.read-keeps-progress")
class NoWordOfProgress(MemoryChannel):
    """A write that was blocked for a while does not ask to be called when it can go on."""

    since = None

    def write(self, data):
        sent = super().write(data)
        self.since = None if sent else self.since or time.monotonic()
        return sent

    def wants(self):
        if self.since is not None and time.monotonic() > self.since + A_WHILE:
            return Wait(Readiness.READ)
        return super().wants()


@breaks("backpressure.read-keeps-progress")
class ReadForgetsTheWrite(MemoryChannel):
    """A read that finds the way clear for a write that was blocked for a while tells nobody."""

    since = None
    lost = False

    def write(self, data):
        sent = super().write(data)
        self.since = None if sent else self.since or time.monotonic()
        self.lost = False
        return sent

    def read(self, size):
        waited = self.since is not None and time.monotonic() > self.since + A_WHILE
        self.lost = waited and bool(select.select([], [self._sock], [], 0)[1])
        return super().read(size)

    def wants(self):
        return Wait(Readiness.READ) if self.lost else super().wants()


@breaks("backpressure.pause-loses-nothing")
class LosesInALaterPause(MemoryChannel):
    """In a pause that comes when much has been read already, a little of what comes is dropped."""

    read_at = 0.0
    count = 0

    def read(self, size):
        paused = self.read_at and time.monotonic() > self.read_at + A_WHILE / 2
        if paused and self.count >= 4 << 20:
            super().read(1)
        self.read_at = time.monotonic()
        data = super().read(size)
        self.count += len(data or b"")
        return data


@breaks("backpressure.read-while-blocked")
class DeafWhileBlocked(MemoryChannel):
    """Nothing is read while a write is blocked."""

    def wants(self):
        return Wait(Readiness.WRITE if self._blocked else Readiness.READ)

    def read(self, size):
        return None if self._blocked else super().read(size)


@breaks("backpressure.peer-is-held")
class ReadsAhead(MemoryChannel):
    """A thread takes in all that comes, whether it is read or not."""

    def __init__(self, sock):
        super().__init__(sock)
        self.ahead = bytearray()
        self.over = None
        self.wake = lambda: None
        self.lock = threading.Lock()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def on_ready(self, wake):
        self.wake = wake
        wake()

    def wants(self):
        return Wait(Readiness.WRITE if self._blocked else Readiness.NONE)

    def run(self):
        ours = self._sock.dup()
        with ours:
            poll = select.poll()
            poll.register(ours, 1)
            while self.over is None:
                poll.poll()
                try:
                    data = ours.recv(1 << 16)
                except BlockingIOError:
                    continue
                except OSError as error:
                    self.over = error
                    break
                with self.lock:
                    self.ahead += data
                    if not data:
                        self.over = b""
                self.wake()
        self.wake()

    def read(self, size):
        if self._sock.fileno() < 0:
            return super().read(size)
        with self.lock:
            data = bytes(self.ahead[:size])
            del self.ahead[:size]
        if data:
            return data
        if isinstance(self.over, OSError):
            raise TransportError("reset") from self.over
        return self.over

    def close(self):
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        super().close()

    abort = close


@breaks("close.idempotent")
class CloseRaisesTheSecondTime(MemoryChannel):
    """A second close raises."""

    closed = False

    def close(self):
        if self.closed:
            raise TransportError("closed before") from OSError(9, "bad fd")
        self.closed = True
        super().close()


@breaks("close.abort-after-close")
class AbortRaisesAfterClose(MemoryChannel):
    """abort raises when there is nothing left to free."""

    def abort(self):
        if self._sock.fileno() < 0:
            raise TransportError("closed before") from OSError(9, "bad fd")
        super().abort()


@breaks("close.frees", "close.many", "close.does-not-block")
class CloseLeaks(MemoryChannel):
    """close leaves a pipe open."""

    def close(self):
        if self._sock.fileno() >= 0:
            os.pipe()
        super().close()


@breaks("close.abort-frees")
class AbortLeaks(MemoryChannel):
    """abort leaves a pipe open."""

    def abort(self):
        if self._sock.fileno() >= 0:
            os.pipe()
        super().abort()


@breaks("close.frees", "close.many", "close.abort-frees", "close.does-not-block")
class LeavesAThread(MemoryChannel):
    """A thread outlives the connection."""

    def __init__(self, sock):
        super().__init__(sock)
        threading.Thread(target=threading.Event().wait, daemon=True).start()


@breaks("close.peer-sees-end")
class CloseDropsWhatWaits(MemoryChannel):
    """write takes a little for later, and close throws it away."""

    def __init__(self, sock):
        super().__init__(sock)
        self.later = b""

    def wants(self):
        return Wait(Readiness.READ | Readiness.WRITE) if self.later else super().wants()

    def write(self, data):
        self.tick(0)
        if self._sock.fileno() < 0 or self.later or len(data) > 1 << 16:
            return 0 if self.later else super().write(data)
        self.later = bytes(data)
        return len(data)

    def tick(self, now):
        if self.later:
            self.later = self.later[super().write(memoryview(self.later)) :]


@breaks("close.peer-sees-end")
class CloseResets(MemoryChannel):
    """close breaks the connection, which a peer notices that has not read all yet."""

    def close(self):
        if self._sock.fileno() >= 0:
            linger = struct.pack("ii", 1, 0)
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        super().close()


@breaks("close.after-peer")
class CloseRaisesAfterTheEnd(MemoryChannel):
    """close raises when the peer has closed before."""

    ended = False

    def read(self, size):
        data = super().read(size)
        self.ended = self.ended or data == b""
        return data

    def close(self):
        if self.ended:
            raise TransportError("the peer has closed") from OSError(107, "not connected")
        super().close()


@breaks("close.many")
class LeaksAfterAWhile(MemoryChannel):
    """Every fifth connection of a process leaves a pipe open."""

    count = itertools.count(1)

    def __init__(self, sock):
        super().__init__(sock)
        if next(self.count) % 5 == 0:
            os.pipe()


@breaks("close.does-not-block")
class CloseWaitsForThePeer(MemoryChannel):
    """close waits until everything is sent, however long that takes."""

    def close(self):
        with contextlib.suppress(OSError):
            if self._blocked:
                self._sock.settimeout(3600)
                self._sock.sendall(b"bye")
        super().close()


@breaks("errors.reset", "errors.cause")
class ResetIsAnEnd(MemoryChannel):
    """A connection that breaks looks like one that has ended."""

    def read(self, size):
        try:
            return super().read(size)
        except TransportError:
            if self._sock.fileno() < 0:
                raise
            return b""


@breaks("errors.reset", "errors.cause", "errors.after-close")
class RawReadErrors(MemoryChannel):
    """read raises the library's errors as they are."""

    def read(self, size):
        try:
            return super().read(size)
        except TransportError as error:
            raise error.__cause__ from None


@breaks("errors.write", "errors.after-close")
class RawWriteErrors(MemoryChannel):
    """write raises the library's errors as they are."""

    def write(self, data):
        try:
            return super().write(data)
        except TransportError as error:
            raise error.__cause__ from None


@breaks("errors.cause")
class NoCause(MemoryChannel):
    """Errors are ours, but not raised from the library's."""

    def read(self, size):
        try:
            return super().read(size)
        except TransportError as error:
            raise TransportError(str(error)) from None


@breaks("errors.after-close")
class ReadsNothingAfterClose(MemoryChannel):
    """After close, read returns b"" for ever."""

    def read(self, size):
        return super().read(size) if self._sock.fileno() >= 0 else b""


@breaks("threads.garbage-frees")
class OutlivesItsUser(MemoryChannel):
    """The channel stands in a list until it is closed, and so is never collected."""

    open = []  # noqa: RUF012 - it is the fault

    def __init__(self, sock):
        super().__init__(sock)
        self.open.append(self)

    def close(self):
        super().close()
        self.forget()

    def abort(self):
        super().abort()
        self.forget()

    def forget(self):
        if self in self.open:
            self.open.remove(self)


@breaks("threads.other-threads")
class BoundToAThread(MemoryChannel):
    """Only the thread that reads first may read."""

    thread = 0

    def read(self, size):
        self.thread = self.thread or threading.get_ident()
        if self.thread != threading.get_ident():
            raise TransportError("another thread") from RuntimeError("thread")
        return super().read(size)


@breaks("threads.garbage", "threads.garbage-frees", "threads.exit", "threads.fork")
class Noisy(MemoryChannel):
    """It complains of being dropped."""

    def __del__(self):
        if self._sock.fileno() >= 0:
            os.write(2, b"channel was not closed\n")


@breaks(
    "threads.garbage",
    "threads.garbage-frees",
    "threads.exit",
    "threads.fork",
    "close.frees",
    "close.many",
    "close.abort-frees",
    "close.does-not-block",
)
class KeepsTheProcess(MemoryChannel):
    """A thread that is no daemon outlives the connection, and the process with it."""

    def __init__(self, sock):
        super().__init__(sock)
        threading.Thread(target=threading.Event().wait, args=(60,)).start()


@breaks("threads.fork")
class SaysGoodbyeFromTheFork(MemoryChannel):
    """What is torn down in a forked child speaks on the parent's connection."""

    def __init__(self, sock):
        super().__init__(sock)
        self.farewell = weakref.finalize(self, say_goodbye, sock)


def say_goodbye(sock):
    with contextlib.suppress(OSError):
        sock.send(b"goodbye")


@breaks("open.info")
class NoInfo(MemoryChannel):
    """It does not say what it is."""

    def __init__(self, sock):
        super().__init__(sock)
        self.info = None


for channel in list(vars().values()):
    if isinstance(channel, type) and hasattr(channel, "breaks"):
        driver = over(channel)
        globals()[driver.__name__] = driver
del channel, driver
