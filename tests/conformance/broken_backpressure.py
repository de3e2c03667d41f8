"""Channels that each break a rule of what happens when one side takes no more."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time

from breaking import breaks
from channel_drivers import A_WHILE, drivers_of

from ncwire.driver import Readiness, Wait
from ncwire.errors import TransportError
from ncwire.testing.memory import MemoryChannel

EVERYTHING_BLOCKED = (
    "backpressure.write-returns-zero",
    "backpressure.same-bytes",
    "backpressure.progress-told",
    "backpressure.read-keeps-progress",
    "backpressure.blocked-is-quiet",
    "backpressure.read-while-blocked",
    "close.does-not-block",
)


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


globals().update(drivers_of(vars()))
