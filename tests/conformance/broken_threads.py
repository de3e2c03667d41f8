"""Channels that each break a rule of threads, processes and garbage."""

from __future__ import annotations

import contextlib
import os
import threading
import weakref

from breaking import breaks
from channel_drivers import drivers_of

from ncwire.errors import TransportError
from ncwire.testing.memory import MemoryChannel


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


globals().update(drivers_of(vars()))
