"""`AsyncioHome`: connections that an asyncio event loop serves, with no thread of their own."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING

from ncwire._engine.home import Home
from ncwire._engine.poller import READ, WRITE

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from ncwire._engine.home import Member

_TURN = 0.002
"""Seconds that members are served for before all else in the event loop has its turn. The longest
service of one member comes on top of it: both together are to stay below 5 ms."""
_GAP = 0.0002
"""Seconds between two services from which on something else has had its turn in between."""


class AsyncioHome(Home):
    """Serves its members in the running event loop, whose thread makes it and alone frees it.

    An fd that is ready is served at once where that is the first for a while, and with others in
    turns of two milliseconds where it is not: an event loop calls back for all fds that are ready
    before anything else runs, and a thousand at once would hold it for tens of milliseconds.

    It ends with the event loop: `orphaned` is called then, on the thread that closes that. In a
    forked child it is closed, as the event loop is the parent's: its epoll is shared.

    Raises NotImplementedError where the event loop can watch no fds.
    """

    lends = False
    # The decoding of small messages takes far longer for each byte than that of large ones: about
    # two milliseconds for as many as these.
    read_size = 32 * 1024
    share = 32 * 1024

    def __init__(self, loop: asyncio.AbstractEventLoop, orphaned: Callable[[], None]) -> None:
        super().__init__(_Fds(loop, self._came))
        self.event_loop = loop
        self.ident = threading.get_ident()
        self._ready: dict[Member, None] = {}  # in the order in which they became so
        self._ticks = False  # whether `_tick` is going to be called
        self._timer: asyncio.TimerHandle | None = None
        self._began = self._left = 0.0
        try:
            loop.add_reader(self._rings, _Bell(self, orphaned).rung)
        except BaseException:
            self._closed = True
            self._wakeup.close()
            raise

    def wake(self, member: Member) -> None:
        """See `Home.wake`."""
        if self._closed:
            return
        self._woken.append(member)
        if threading.get_ident() == self.ident:
            self._tick_soon()
        else:
            self._signal()

    def call(self, function: Callable[[], object]) -> None:
        """Have a function called on the event loop's thread: here and now, if this is it.

        From any thread. Nothing is called once the event loop is closed.
        """
        if threading.get_ident() == self.ident:
            function()
        elif not self._closed:
            try:
                self.event_loop.call_soon_threadsafe(function)
            except RuntimeError:
                if not self.event_loop.is_closed():
                    raise

    def close(self) -> None:
        """See `Home.close`; on the event loop's thread."""
        if self._closed:
            return
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        if not self.event_loop.is_closed():
            self.event_loop.remove_reader(self._rings)
        self._free()

    def abandon_in_child(self) -> None:
        """Serve nothing any more in a forked child. The event loop is not touched."""
        self._forget_all()

    def _tick_soon(self) -> None:
        if not self._ticks:
            # In this order, so that an interrupt between the two makes one call too many.
            self.event_loop.call_soon(self._tick)
            self._ticks = True

    def _rung(self) -> None:
        self.ident = threading.get_ident()
        # First: who comes after the look into the queues rings anew.
        self._wakeup.clear()
        self._tick_soon()

    def _came(self, fd: int) -> None:
        member = self._by_fd.get(fd)
        if member is None or self._closed:
            return
        now = time.monotonic()
        if now - self._left > _GAP:
            self._began = now
        if self._ready or now - self._began > _TURN:
            self._ready[member] = None
            self._tick_soon()
            return
        self._serve(member, now)
        if self._again:
            self._tick_soon()
        if self._heap:
            self._set_timer()
        self._left = time.monotonic()

    def _tick(self) -> None:
        self._ticks = False
        if self._closed:
            return
        now = began = time.monotonic()
        ready = self._ready
        ready.update(dict.fromkeys(self._again))
        self._again.clear()
        ready.update(dict.fromkeys(self._take_woken()))
        ready.update(dict.fromkeys(self._overdue(now)))
        while ready:
            member = next(iter(ready))
            del ready[member]
            self._serve(member, now)
            now = time.monotonic()
            if now - began > _TURN:
                break
        if (ready or self._again or self._woken) and not self._closed:
            self._tick_soon()
        if self._heap:
            self._set_timer()
        self._began, self._left = began, time.monotonic()

    def discard(self, member: Member) -> None:
        """See `Home.discard`."""
        super().discard(member)
        self._ready.pop(member, None)

    def _set_timer(self) -> None:
        at = self._next_due()
        timer = self._timer
        if at is None or self._closed:
            return  # one that is left finds nothing that is due
        in_seconds = max(0.0, at - time.monotonic())
        when = self.event_loop.time() + in_seconds
        if timer is not None:
            if timer.when() <= when:
                return
            timer.cancel()
        self._timer = self.event_loop.call_later(in_seconds, self._timed)

    def _timed(self) -> None:
        self._timer = None
        self._tick_soon()


class _Bell:
    """What the event loop calls when the home's wakeup rings.

    The event loop alone refers to it, until it is closed: that is how its end is known here, for
    asyncio tells nobody (CPython 3.11 and uvloop 0.21 let go of all callbacks in `close`).
    """

    def __init__(self, home: AsyncioHome, orphaned: Callable[[], None]) -> None:
        self._home = home
        self._orphaned = orphaned

    def rung(self) -> None:
        self._home._rung()  # noqa: SLF001 - a part of it

    def __del__(self) -> None:
        if not self._home.closed and not sys.is_finalizing():
            self._orphaned()


class _Fds:
    """An event loop, as what watches fds."""

    def __init__(self, loop: asyncio.AbstractEventLoop, came: Callable[[int], None]) -> None:
        self._loop = loop
        self._came = came
        self._watched: dict[int, int] = {}

    def watch(self, fd: int, events: int) -> None:
        """See `Poller.watch`."""
        before = self._watched.get(fd, 0)
        self._watched[fd] = events
        try:
            self._change(fd, before, events)
        except OSError:
            # What the number stood for was closed, and forgotten by the kernel.
            self.forget(fd)
            self._watched[fd] = events
            self._change(fd, 0, events)

    def forget(self, fd: int) -> None:
        """See `Poller.forget`."""
        if self._watched.pop(fd, 0) and not self._loop.is_closed():
            self._loop.remove_reader(fd)
            self._loop.remove_writer(fd)

    def close(self) -> None:
        """Let go of all that is still watched."""
        for fd in list(self._watched):
            self.forget(fd)

    def _change(self, fd: int, before: int, events: int) -> None:
        loop = self._loop
        if events & READ and not before & READ:
            loop.add_reader(fd, self._came, fd)
        elif before & READ and not events & READ:
            loop.remove_reader(fd)
        if events & WRITE and not before & WRITE:
            loop.add_writer(fd, self._came, fd)
        elif before & WRITE and not events & WRITE:
            loop.remove_writer(fd)
