"""`AsyncioHome`: connections that an asyncio event loop serves, with no thread of their own."""

from __future__ import annotations

import sys
import threading
import time
from asyncio import _get_running_loop
from typing import TYPE_CHECKING

from ncwire._engine.home import Home
from ncwire._engine.poller import READ, best_poller
from ncwire._interrupts import interruption, raise_interruption

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from ncwire._engine.home import Member

_TURN = 0.001
"""Seconds that members are served for before all else in the event loop has its turn. The longest
service of one member comes on top of it: both together are to stay below 5 ms."""
_ENOUGH = 64
"""With so many members ready it is not asked which others are, until so many have been served."""


class AsyncioHome(Home):
    """Serves its members in the running event loop, whose thread makes it and alone frees it.

    The event loop watches one fd for all of them, that of a poller of the home's own. So it calls
    back once, however many are ready, and they are served in turns of a millisecond: an event loop
    calls back for all fds that are ready before anything else runs, and a thousand at once
    would hold it for tens of milliseconds.

    An interrupt in the middle of a turn ends the session that it has struck, and comes out of the
    event loop's callback: for asyncio to raise, or to hand to its exception handler.

    It ends with the event loop: `orphaned` is called then, on the thread that closes that. In a
    forked child it is closed, as the event loop is the parent's.

    Raises NotImplementedError where the event loop can watch no fds, or the platform has no poller
    that is an fd itself, as epoll and kqueue are.
    """

    lends = False
    # The decoding of small messages takes far longer for each byte than that of large ones: about
    # two milliseconds for as many as these.
    read_size = 16 * 1024
    share = 16 * 1024

    def __init__(self, loop: asyncio.AbstractEventLoop, orphaned: Callable[[], None]) -> None:
        super().__init__(best_poller())
        self.event_loop = loop
        self.ident = threading.get_ident()
        self._ready: dict[Member, None] = {}  # in the order in which they became so
        self._unseen = 0  # how many were served since the last look
        self._ticks = False  # whether `_tick` is going to be called
        self._timer: asyncio.TimerHandle | None = None
        try:
            self._poller.watch(self._rings, READ)
            loop.add_reader(self._poller.fileno(), _Bell(self, orphaned).rung)
        except BaseException:
            self._closed = True
            self._free()
            raise

    def wake(self, member: Member) -> None:
        """See `Home.wake`."""
        if self._closed:
            return
        self._woken.append(member)
        if self._is_here():
            self._tick_soon()
        else:
            self._signal()

    def call(self, function: Callable[[], object]) -> None:
        """Have a function called on the event loop's thread: here and now, if this is it.

        From any thread. Nothing is called once the event loop is closed.
        """
        if self._is_here():
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
            self.event_loop.remove_reader(self._poller.fileno())
        self._free()

    def abandon_in_child(self) -> None:
        """Serve nothing any more in a forked child. The event loop is not touched."""
        self._forget_all()
        self._ready.clear()
        self._free()

    def note_thread(self) -> None:
        """Take note that the calling thread runs the event loop, which may change threads."""
        self.ident = threading.get_ident()

    def _is_here(self) -> bool:
        # Not by the thread's number: another thread has that once the one that ran the event loop
        # has ended.
        return _get_running_loop() is self.event_loop

    def _tick_soon(self) -> None:
        if not self._ticks:
            # In this order, so that an interrupt between the two makes one call too many.
            self.event_loop.call_soon(self._tick)
            self._ticks = True

    def _rung(self) -> None:
        if not self._ticks:  # one turn at a time
            self._serve_in_turn()

    def _tick(self) -> None:
        self._ticks = False
        self._serve_in_turn()

    def _serve_in_turn(self) -> None:
        if self._closed:
            return
        self.note_thread()
        try:
            self._serve_ready()
        except BaseException:  # an interrupt: what is left is served all the same
            self._tick_soon()
            raise

    def _serve_ready(self) -> None:
        now = began = time.monotonic()
        ready = self._ready
        for each in self._again:
            ready[each] = None
        self._again.clear()
        if len(ready) < _ENOUGH or self._unseen >= _ENOUGH:
            self._look(now)
        while ready:
            member = next(iter(ready))
            self._serve(member, now)
            ready.pop(member, None)
            self._unseen += 1
            now = time.monotonic()
            if now - began > _TURN:
                break
            if not ready and self._again:  # all others have had their turn
                ready.update(dict.fromkeys(self._again))
                self._again.clear()
        if (ready or self._again or self._woken) and not self._closed:
            self._tick_soon()
        if self._heap:
            self._set_timer()

    def _look(self, now: float) -> None:
        """Take note of which members are ready."""
        self._unseen = 0
        ready = self._ready
        for fd, _ in self._poller.wait(0):
            if fd == self._rings:
                # First: who comes after the look into the queues rings anew.
                self._wakeup.clear()
            elif (member := self._by_fd.get(fd)) is not None:
                ready[member] = None
        if self._woken or self._outrun:
            for member in self._take_woken():
                ready[member] = None
        if self._heap:
            for member in self._overdue(now):
                ready[member] = None

    def discard(self, member: Member) -> None:
        """See `Home.discard`."""
        super().discard(member)
        self._ready.pop(member, None)

    def _drop(self, member: Member, error: BaseException) -> None:
        if interruption(error) is None:
            super()._drop(member, error)
            return
        self._end(member, error)
        raise_interruption(error)

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
    asyncio does not tell (CPython 3.11 and uvloop 0.21 let go of all callbacks in `close`).
    """

    def __init__(self, home: AsyncioHome, orphaned: Callable[[], None]) -> None:
        self._home = home
        self._orphaned = orphaned

    def rung(self) -> None:
        self._home._rung()  # noqa: SLF001 - a part of it

    def __del__(self) -> None:
        if not self._home.closed and not sys.is_finalizing():
            self._orphaned()
