"""Channels that each break a rule of closing."""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import struct
import threading

from breaking import breaks
from channel_drivers import drivers_of

from ncwire.driver import Readiness, Wait
from ncwire.errors import TransportError
from ncwire.testing.memory import MemoryChannel


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


globals().update(drivers_of(vars()))
