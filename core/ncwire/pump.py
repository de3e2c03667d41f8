"""The pump: one thread's wait for any number of members, without a polling interval.

A poller watches the members' fds, a socket pair wakes it from other threads, a heap holds the
times at which members want to be called.
"""

from __future__ import annotations

import heapq
import itertools
import socket
import threading
import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from ncwire.driver import Readiness, Wait
from ncwire.poller import READ, WRITE, best_poller

if TYPE_CHECKING:
    from collections.abc import Iterable

_READ = Readiness.READ
_EVENTS = {
    Readiness.NONE: 0,
    Readiness.READ: READ,
    Readiness.WRITE: WRITE,
    Readiness.READ | Readiness.WRITE: READ | WRITE,
}


class Member(ABC):
    """Something that a pump serves. Its methods are called on the pump's thread only."""

    @abstractmethod
    def fileno(self) -> int:
        """Return the fd to watch; the same one as long as the pump has the member."""

    @abstractmethod
    def wait(self) -> Wait:
        """Return what to wait for; asked after each `service`."""

    @abstractmethod
    def service(self, now: float) -> bool:
        """Do a bounded amount of work; return whether more can be done at once. Never raises.

        A member that is done calls `Pump.discard` from here, before it closes its fd.
        """


class Pump:
    """Serves its members until the last one is discarded, and as long as it is `kept`.

    `wake`, `stand_behind` and `release` may be called from any thread, before, during and after
    `run`.
    """

    def __init__(self, *, kept: bool = False) -> None:
        self._poller = best_poller(exclusive=not kept)
        self._receiver, self._sender = socket.socketpair()
        self._receiver.setblocking(False)
        self._sender.setblocking(False)
        self._wakeup = self._receiver.fileno()
        self._poller.watch(self._wakeup, READ)
        self._members: dict[Member, int] = {}
        self._by_fd: dict[int, Member] = {}
        self._due: dict[Member, float] = {}
        self._heap: list[tuple[float, int, Member]] = []
        self._serial = itertools.count()
        self._again: set[Member] = set()
        self._lock = threading.Lock()
        self._woken: set[Member] = set()
        self._signalled = False
        self._kept = kept
        self.lends = self._poller.exclusive
        """Whether other threads may wait for a member's fd, and be woken in the pump's place.

        A pump that is kept has many members and does all by itself.
        """
        self.ident: int | None = None
        """The thread that is in `run`, or was."""
        self._closed = False

    def wake(self, member: Member) -> None:
        """Have the member served soon; a first call also adds it to the pump."""
        with self._lock:
            if not self._closed:
                self._wake((member,))

    def stand_behind(self, member: Member) -> None:
        """Be woken for the member's fd after all that wait for it already: see `Poller`."""
        with self._lock:
            if self._closed or member not in self._members:
                return
            if not self._apply(member, self._members[member]):
                self._wake((member,))

    def release(self) -> None:
        """Let `run` end with the last member, if the pump was kept until now."""
        with self._lock:
            self._kept = False
            if not self._closed:
                self._wake(())

    def discard(self, member: Member) -> None:
        """Forget the member; on the pump's thread only."""
        with self._lock:
            if self._members.pop(member, None) is not None:
                self._by_fd.pop(member.fileno(), None)
                self._poller.forget(member.fileno())
        self._due.pop(member, None)
        self._again.discard(member)

    def run(self) -> None:
        """Serve until no member is left, then free the pump's own fds."""
        self.ident = threading.get_ident()
        try:
            self._again |= self._take_woken()
            while self._members or self._kept:
                now = time.monotonic()
                for member in self._ready(now):
                    self._serve(member, now)
        finally:
            self.close()

    def close(self) -> None:
        """Free the pump's own fds; idempotent. `run` has ended or was never called."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._poller.close()
            self._receiver.close()
            self._sender.close()

    def _wake(self, members: Iterable[Member]) -> None:
        self._woken.update(members)
        if not self._signalled:
            self._signalled = True
            self._sender.send(b"\0")

    def _ready(self, now: float) -> set[Member]:
        ready, self._again = self._again, set()
        for fd, _ in self._poller.wait(0 if ready else self._patience(now)):
            if fd == self._wakeup:
                ready |= self._take_woken()
            elif (member := self._by_fd.get(fd)) is not None:
                ready.add(member)
        if self._heap:
            now = time.monotonic()
            while self._heap and self._heap[0][0] <= now:
                at, _, member = heapq.heappop(self._heap)
                if self._due.get(member) == at:
                    del self._due[member]
                    ready.add(member)
        return ready

    def _patience(self, now: float) -> float | None:
        while self._heap:
            at, _, member = self._heap[0]
            if self._due.get(member) == at:
                return max(0.0, at - now)
            heapq.heappop(self._heap)
        return None

    def _take_woken(self) -> set[Member]:
        with self._lock:
            woken, self._woken = self._woken, set()
            if self._signalled:
                self._signalled = False
                self._receiver.recv(1)
            for member in woken:
                if member not in self._members:
                    self._members[member] = 0
        return woken

    def _serve(self, member: Member, now: float) -> None:
        if member not in self._members:
            return
        more = member.service(now)
        watched = self._members.get(member)
        if watched is None:
            return
        if more:
            self._again.add(member)
        wait = member.wait()
        # Hashing an enum's member is slow.
        events = READ if wait.on is _READ else _EVENTS[wait.on]
        if events != watched:
            with self._lock:
                self._members[member] = events
                if not self._apply(member, events):
                    self._again.add(member)
        if wait.until is None:
            self._due.pop(member, None)
        elif self._due.get(member) != wait.until:
            self._due[member] = wait.until
            heapq.heappush(self._heap, (wait.until, next(self._serial), member))

    def _apply(self, member: Member, events: int) -> bool:
        """Have the poller watch for these events; False when the fd is gone."""
        fd = member.fileno()
        if fd not in self._by_fd and not events:
            return True
        self._by_fd[fd] = member
        try:
            self._poller.watch(fd, events)
        except OSError:  # what it stands for has changed: see `Channel.fileno`
            return False
        return True
