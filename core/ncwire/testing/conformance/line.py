"""`Line`: a channel, driven as the core drives it, one step at a time and in the open."""

# ruff: noqa: S101 - what a driver does wrong is a test's failure

from __future__ import annotations

import selectors
import time
from typing import TYPE_CHECKING

from ncwire.driver import Readiness, Wakeup

if TYPE_CHECKING:
    from collections.abc import Callable

    from ncwire.driver import Channel

READ_SIZE = 256 * 1024
_SETTLED = 0.3
"""Seconds in which a library that has room left would have said so."""
_EVENTS = {
    Readiness.READ: selectors.EVENT_READ,
    Readiness.WRITE: selectors.EVENT_WRITE,
    Readiness.READ | Readiness.WRITE: selectors.EVENT_READ | selectors.EVENT_WRITE,
}


class Line:
    """The one user of a channel.

    It waits for nothing but what the channel says: its fd, `wake`, and `wants().until`. So
    what a channel does not tell it never comes to know, and fails after `patience` seconds.
    """

    def __init__(self, channel: Channel, patience: float) -> None:
        self.channel = channel
        self.received = bytearray()
        """What has been read and not been taken by `receive`."""
        self.ended = False
        """Whether read has returned b""."""
        self.turns = 0
        """How often the channel has been served."""
        self._patience = patience
        self._unsent = memoryview(b"")
        self._wakeup = Wakeup()
        channel.on_ready(self.wake)

    def send(self, data: bytes) -> None:
        """Have the channel take all of `data`."""
        self.queue(data)
        self.drive(lambda: not self._unsent, f"writing {len(data)} bytes")

    def queue(self, data: bytes) -> None:
        """Have `data` written by whatever drives the channel next."""
        assert not self._unsent, "the test queues twice"
        self._unsent = memoryview(data)

    @property
    def unsent(self) -> int:
        """How many of the queued bytes the channel has not taken."""
        return len(self._unsent)

    def receive(self, size: int) -> bytes:
        """Return the next `size` bytes."""
        self.drive(lambda: len(self.received) >= size or self.ended, f"reading {size} bytes")
        assert len(self.received) >= size, (
            f"the stream has ended after {len(self.received)} of {size} bytes"
        )
        taken = bytes(self.received[:size])
        del self.received[:size]
        return taken

    def receive_to_end(self) -> bytes:
        """Return all bytes up to the stream's end."""
        self.drive(lambda: self.ended, "the end of the stream")
        taken = bytes(self.received)
        self.received.clear()
        return taken

    def finish(self) -> None:
        """Do what the core does before it closes: `Channel.finish`, until the peer has closed."""
        self.drive(self._finishes, "finish")

    def fill(self, data: bytes) -> int:
        """Write until the channel takes no more of `data`; return how many bytes it has taken.

        What was refused stays queued.
        """
        self.queue(data)
        until = time.monotonic() + self._patience
        settled = False
        while self._unsent and not settled and time.monotonic() < until:
            before = len(self._unsent)
            self.serve()
            # The library's own thread may yet make room; that is told, unless it was the last.
            settled = len(self._unsent) == before and not self.wait(_SETTLED)
        return len(data) - len(self._unsent)

    def keep_queued(self, size: int) -> None:
        """Forget of the queued bytes all but the first `size`."""
        self._unsent = self._unsent[:size]

    def drive(self, done: Callable[[], bool], what: str) -> None:
        """Serve the channel and wait for it, until `done`."""
        until = time.monotonic() + self._patience
        while True:
            progress = len(self.received), len(self._unsent)
            self.serve()
            if done():
                return
            now = time.monotonic()
            if (len(self.received), len(self._unsent)) != progress:
                until = now + self._patience
            assert now < until, (
                f"{what}: nothing has happened for {self._patience:g} s "
                f"({len(self.received)} bytes read, {len(self._unsent)} not written, "
                f"{self.channel.wants()})"
            )
            # A try at random might find something; but nothing would make the core try.
            told = self.wait(until - now)
            assert told, (
                f"{what}: neither fd nor wake nor wants().until has told of anything for "
                f"{self._patience:g} s ({self.channel.wants()})"
            )

    def serve(self) -> None:
        """Do what the core does when a channel is ready: tick, write, read."""
        self.turns += 1
        self.channel.tick(time.monotonic())
        self._write()
        self._read()

    def wait(self, seconds: float) -> bool:
        """Wait until the channel says that it is ready; return False if it does not in time."""
        wants = self.channel.wants()
        timeout = seconds
        if wants.until is not None:
            timeout = min(seconds, max(0.0, wants.until - time.monotonic()))
        with selectors.DefaultSelector() as selector:
            selector.register(self._wakeup, selectors.EVENT_READ)
            if wants.on is not Readiness.NONE:
                selector.register(self.channel.fileno(), _EVENTS[wants.on])
            ready = selector.select(timeout)
        self._wakeup.clear()
        return bool(ready) or timeout < seconds

    def count_turns(self, seconds: float) -> int:
        """Serve the channel for so long, and return how often it asked to be."""
        before = self.turns
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self.wait(left):
                self.serve()
        return self.turns - before

    def wake(self) -> None:
        """End a `wait`, from any thread."""
        self._wakeup.ring()

    def free(self) -> None:
        """Free what is the line's own; the channel is the test's."""
        self._wakeup.close()

    def _finishes(self) -> bool:
        finished = self.ended or self.channel.finish()
        self._read()
        return finished or self.ended

    def _write(self) -> None:
        while self._unsent:
            taken = self.channel.write(self._unsent)
            assert 0 <= taken <= len(self._unsent), f"write returned {taken}"
            self._unsent = self._unsent[taken:]
            if not taken:
                return

    def _read(self) -> None:
        while not self.ended:
            data = self.channel.read(READ_SIZE)
            if data is None:
                return
            self.received += data
            self.ended = not data
