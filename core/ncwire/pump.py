"""The pump: one thread's wait for any number of members, without a polling interval.

A selector watches the members' fds, a socket pair wakes it from other threads, a heap holds the
times at which members want to be called. Nothing else in ncwire owns a selector.
"""

from __future__ import annotations

import heapq
import itertools
import selectors
import socket
import threading
import time
from abc import ABC, abstractmethod

from ncwire.driver import Readiness, Wait

_EVENTS = {
    Readiness.NONE: 0,
    Readiness.READ: selectors.EVENT_READ,
    Readiness.WRITE: selectors.EVENT_WRITE,
    Readiness.READ | Readiness.WRITE: selectors.EVENT_READ | selectors.EVENT_WRITE,
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
    """Serves its members until the last one is discarded.

    `add` and `wake` may be called from any thread, before, during and after `run`.
    """

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._receiver, self._sender = socket.socketpair()
        self._receiver.setblocking(False)
        self._sender.setblocking(False)
        self._selector.register(self._receiver, selectors.EVENT_READ)
        self._members: dict[Member, int] = {}
        self._due: dict[Member, float] = {}
        self._heap: list[tuple[float, int, Member]] = []
        self._serial = itertools.count()
        self._again: set[Member] = set()
        self._lock = threading.Lock()
        self._woken: set[Member] = set()
        self._closed = False

    def wake(self, member: Member) -> None:
        """Have the member served soon; a first call also adds it to the pump."""
        with self._lock:
            if self._closed:
                return
            first = not self._woken
            self._woken.add(member)
            if first:
                self._sender.send(b"\0")

    def discard(self, member: Member) -> None:
        """Forget the member; on the pump's thread only."""
        watched = self._members.pop(member, 0)
        if watched:
            self._selector.unregister(member.fileno())
        self._due.pop(member, None)
        self._again.discard(member)

    def run(self) -> None:
        """Serve until no member is left, then free the pump's own fds."""
        try:
            self._again |= self._take_woken()
            while self._members:
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
            self._selector.close()
            self._receiver.close()
            self._sender.close()

    def _ready(self, now: float) -> set[Member]:
        ready, self._again = self._again, set()
        for key, _ in self._selector.select(0 if ready else self._patience(now)):
            if key.data is None:
                ready |= self._take_woken()
            else:
                ready.add(key.data)
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
            if woken:
                self._receiver.recv(1)
        for member in woken:
            self._members.setdefault(member, 0)
        return woken

    def _serve(self, member: Member, now: float) -> None:
        if member not in self._members:
            return
        more = member.service(now)
        if member not in self._members:
            return
        if more:
            self._again.add(member)
        wait = member.wait()
        self._watch(member, _EVENTS[wait.on])
        if wait.until is None:
            self._due.pop(member, None)
        elif self._due.get(member) != wait.until:
            self._due[member] = wait.until
            heapq.heappush(self._heap, (wait.until, next(self._serial), member))

    def _watch(self, member: Member, events: int) -> None:
        watched = self._members[member]
        if events == watched:
            return
        if not watched:
            self._selector.register(member.fileno(), events, member)
        elif events:
            self._selector.modify(member.fileno(), events, member)
        else:
            self._selector.unregister(member.fileno())
        self._members[member] = events
