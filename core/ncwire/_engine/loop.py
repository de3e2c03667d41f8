"""The loop: one thread's wait for any number of members, without a polling interval.

A poller watches the members' fds, a `Wakeup` ends its wait from other threads, a heap holds the
times at which members want to be called.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from abc import ABC, abstractmethod
from collections import deque

from ncwire._engine.poller import READ, WRITE, best_poller
from ncwire._users_code import call_users, log_error
from ncwire.driver import Readiness, Wait, Wakeup

logger = logging.getLogger(__name__)

_READ = Readiness.READ
_EVENTS = {
    Readiness.NONE: 0,
    Readiness.READ: READ,
    Readiness.WRITE: WRITE,
    Readiness.READ | Readiness.WRITE: READ | WRITE,
}


class Member(ABC):
    """Something that a loop serves. Its methods are called on the loop's thread only."""

    @abstractmethod
    def fileno(self) -> int:
        """Return the fd to watch; the same one as long as the loop has the member."""

    @abstractmethod
    def wait(self) -> Wait:
        """Return what to wait for; asked after each `service`."""

    @abstractmethod
    def service(self, now: float) -> bool:
        """Do a bounded amount of work; return whether more can be done at once.

        A member that is done calls `Loop.discard` from here, before it closes its fd.
        """

    @abstractmethod
    def crashed(self, error: BaseException) -> None:
        """End, for `service` or the loop itself has raised this; the loop has let go of it."""


class Loop:
    """Serves its members until the last one is discarded, and as long as it is `kept`.

    `wake`, `stand_behind` and `release` may be called from any thread, before, during and after
    `run`. They take no lock, which a thread that is interrupted, or kept by a signal handler,
    would keep from all members: what they leave in a queue is the loop's thread's to do, which
    alone touches the poller and the members.

    What a member raises ends that member. Should `run` itself fail, all end with that.
    """

    def __init__(self, *, kept: bool = False) -> None:
        self._poller = best_poller(exclusive=not kept)
        self._wakeup = Wakeup()
        self._signal = self._wakeup.ring
        self._rings = self._wakeup.fileno()
        self._poller.watch(self._rings, READ)
        self._members: dict[Member, int] = {}
        self._by_fd: dict[int, Member] = {}
        self._due: dict[Member, float] = {}
        self._heap: list[tuple[float, int, Member]] = []
        self._serial = itertools.count()
        self._again: set[Member] = set()
        self._woken: deque[Member] = deque()
        self._outrun: deque[Member] = deque()  # whose fd is to be watched for anew
        self._kept = kept
        self.lends = self._poller.exclusive
        """Whether other threads may wait for a member's fd, and be woken in the loop's place.

        A loop that is kept has many members and does all by itself.
        """
        self.ident: int | None = None
        """The thread that is in `run`, or was."""
        self._closed = False

    def wake(self, member: Member) -> None:
        """Have the member served soon; a first call also adds it to the loop."""
        if not self._closed:
            self._woken.append(member)
            self._signal()

    def stand_behind(self, member: Member) -> None:
        """Be woken for the member's fd after all that wait for it already: see `Poller`."""
        if not self._closed:
            self._outrun.append(member)
            self._signal()

    def release(self) -> None:
        """Let `run` end with the last member, if the loop was kept until now."""
        self._kept = False
        self._signal()

    def discard(self, member: Member) -> None:
        """Forget the member; on the loop's thread only."""
        if self._members.pop(member, None) is not None:
            fd = member.fileno()
            if self._by_fd.get(fd) is member:  # the number may be another's by now
                del self._by_fd[fd]
                self._poller.forget(fd)
        self._due.pop(member, None)
        self._again.discard(member)

    def run(self) -> None:
        """Serve until no member is left, then free the loop's own fds.

        Raises what goes wrong with the loop itself, its poller above all; each member has ended
        then, with that.
        """
        self.ident = threading.get_ident()  # then looks whether it is closed: see `close`
        try:
            self._again |= self._take_woken()
            while (self._members or self._kept) and not self._closed:
                now = time.monotonic()
                for member in self._ready(now):
                    self._serve(member, now)
        except BaseException as error:
            self._kept = False
            self._take_woken()
            for member in list(self._members):
                self._drop(member, error)
            raise
        finally:
            self._closed = True
            self._free()

    @property
    def closed(self) -> bool:
        """Whether `run` has ended, and serves no member any more."""
        return self._closed

    def close(self) -> None:
        """End `run`, wherever it is, and free the loop's own fds; idempotent.

        For where it is not known whether the thread has begun, as when an interrupt comes out of
        its start. Its members have ended.
        """
        self._closed = True
        if self.ident is None:
            self._free()
        else:
            self._signal()

    def _free(self) -> None:
        self._poller.close()
        self._wakeup.close()

    def _ready(self, now: float) -> set[Member]:
        ready, self._again = self._again, set()
        for fd, _ in self._poller.wait(0 if ready else self._patience(now)):
            if fd == self._rings:
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
        # First: who comes after the look into the queues rings anew.
        self._wakeup.clear()
        woken: set[Member] = set()
        while self._woken:
            woken.add(self._woken.popleft())
        for member in woken:
            if member not in self._members:
                self._members[member] = 0
        while self._outrun:
            member = self._outrun.popleft()
            if member in self._members:
                self._members[member] = 0  # so that it is watched for anew
                woken.add(member)
        return woken

    def _serve(self, member: Member, now: float) -> None:
        if member not in self._members:
            return
        try:
            more = member.service(now)
        except BaseException as error:  # noqa: BLE001 - not to be the end of the others
            self._drop(member, error)
            return
        watched = self._members.get(member)
        if watched is None:
            return
        if more:
            self._again.add(member)
        wait = member.wait()
        # Hashing an enum's member is slow.
        events = READ if wait.on is _READ else _EVENTS[wait.on]
        if events != watched:
            self._members[member] = events
            if not self._apply(member, events):
                self._again.add(member)
        if wait.until is None:
            self._due.pop(member, None)
        elif self._due.get(member) != wait.until:
            self._due[member] = wait.until
            heapq.heappush(self._heap, (wait.until, next(self._serial), member))

    def _drop(self, member: Member, error: BaseException) -> None:
        log_error(logger, error, "serving a session failed, which ends it")
        self.discard(member)
        if (failed := call_users(member.crashed, error)) is not None:
            log_error(logger, failed, "ending a session failed")

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

    def abandon_in_child(self) -> None:
        """Serve nothing any more in a forked child, and close its copies of the loop's own fds.

        Nothing is unregistered: an epoll is shared, and what it watches is the parent's to say.
        """
        self._kept = False
        for kept in (self._members, self._by_fd, self._due, self._again, self._heap):
            kept.clear()
        self._woken.clear()
        self._outrun.clear()
        self._closed = True
        self._free()
