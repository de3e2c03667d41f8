"""Channels that each break a rule of reading and writing."""

from __future__ import annotations

import contextlib
import socket
import time

from breaking import breaks
from channel_drivers import drivers_of

from ncwire.driver import Readiness, Wait
from ncwire.errors import TransportError
from ncwire.testing.memory import MemoryChannel


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


globals().update(drivers_of(vars()))
