"""`Home`: what serves connections, be it a session's thread, a hub's, or an asyncio event loop."""

from __future__ import annotations

import heapq
import itertools
import logging
from abc import ABC, abstractmethod
from collections import deque
from typing import TYPE_CHECKING

from ncwire._engine.poller import READ, WRITE
from ncwire._users_code import call_users, log_error
from ncwire.driver import Readiness, Wait, Wakeup

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ncwire._engine.poller import Poller

logger = logging.getLogger(__name__)

_READ = Readiness.READ
_EVENTS = {
    Readiness.NONE: 0,
    Readiness.READ: READ,
    Readiness.WRITE: WRITE,
    Readiness.READ | Readiness.WRITE: READ | WRITE,
}


class Member(ABC):
    """Something that a home serves. Its methods are called on the home's thread only."""

    @abstractmethod
    def fileno(self) -> int:
        """Return the fd to watch; the same one as long as the home has the member."""

    @abstractmethod
    def wait(self) -> Wait:
        """Return what to wait for; asked after each `service`."""

    @abstractmethod
    def service(self, now: float) -> bool:
        """Do a bounded amount of work; return whether more can be done at once.

        A member that is done calls `Home.discard` from here, before it closes its fd.
        """

    @abstractmethod
    def crashed(self, error: BaseException) -> None:
        """End, for `service` or the home itself has raised this; the home has let go of it."""


class Home(ABC):
    """Serves its members on one thread; how it waits for them is a subclass's.

    `wake` and `stand_behind` may be called from any thread, before, during and after the time in
    which it serves. They take no lock, which a thread that is interrupted, or kept by a signal
    handler, would keep from all members: what they leave in a queue is for the home's thread,
    which alone touches the poller and the members.

    What a member raises ends that member.
    """

    lends: bool
    """Whether other threads may wait for a member's fd, and be woken in the home's place.

    One that has many members does all by itself.
    """
    read_size = 256 * 1024
    """How many bytes a member reads at once."""
    share = 256 * 1024
    """How many a flooding peer may have read before the other members have their turn."""

    def __init__(self, poller: Poller) -> None:
        self._poller = poller
        self._wakeup = Wakeup()
        self._signal = self._wakeup.ring
        self._rings = self._wakeup.fileno()
        self._members: dict[Member, int] = {}
        self._by_fd: dict[int, Member] = {}
        self._due: dict[Member, float] = {}
        self._heap: list[tuple[float, int, Member]] = []
        self._serial = itertools.count()
        self._again: set[Member] = set()
        self._woken: deque[Member] = deque()
        self._outrun: deque[Member] = deque()  # whose fd is to be watched for anew
        self.ident: int | None = None
        """The thread that serves, or did."""
        self._closed = False

    def wake(self, member: Member) -> None:
        """Have the member served soon; a first call also adds it to the home."""
        if not self._closed:
            self._woken.append(member)
            self._signal()

    def stand_behind(self, member: Member) -> None:
        """Be woken for the member's fd after all that wait for it already: see `Poller`."""
        if not self._closed:
            self._outrun.append(member)
            self._signal()

    def discard(self, member: Member) -> None:
        """Forget the member; on the home's thread only."""
        if self._members.pop(member, None) is not None:
            fd = member.fileno()
            if self._by_fd.get(fd) is member:  # the number may be another's by now
                del self._by_fd[fd]
                self._poller.forget(fd)
        self._due.pop(member, None)
        self._again.discard(member)

    @property
    def closed(self) -> bool:
        """Whether it serves no member any more."""
        return self._closed

    @abstractmethod
    def close(self) -> None:
        """Serve nothing any more, and free the home's own fds; idempotent. Its members have ended.

        For where it is not known whether the thread has begun, as when an interrupt comes out of
        its start.
        """

    @abstractmethod
    def abandon_in_child(self) -> None:
        """Serve nothing any more in a forked child, and reach nothing of the parent's."""

    def _free(self) -> None:
        self._poller.close()
        self._wakeup.close()

    def _overdue(self, now: float) -> Iterator[Member]:
        while self._heap and self._heap[0][0] <= now:
            at, _, member = heapq.heappop(self._heap)
            if self._due.get(member) == at:
                del self._due[member]
                yield member

    def _next_due(self) -> float | None:
        while self._heap:
            at, _, member = self._heap[0]
            if self._due.get(member) == at:
                return at
            heapq.heappop(self._heap)
        return None

    def _take_woken(self) -> set[Member]:
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
        self._end(member, error)

    def _end(self, member: Member, error: BaseException) -> None:
        self.discard(member)
        if (failed := call_users(member.crashed, error)) is not None:
            log_error(logger, failed, "ending a session failed")

    def _apply(self, member: Member, events: int) -> bool:
        """Have the member's fd watched for these events; False when the fd is gone."""
        fd = member.fileno()
        if fd not in self._by_fd and not events:
            return True
        self._by_fd[fd] = member
        try:
            self._poller.watch(fd, events)
        except OSError:  # what it stands for has changed: see `Channel.fileno`
            return False
        return True

    def _forget_all(self) -> None:
        """Serve nothing any more in a forked child; what is watched is the parent's to say."""
        for kept in (self._members, self._by_fd, self._due, self._again, self._heap):
            kept.clear()
        self._woken.clear()
        self._outrun.clear()
        self._closed = True
