"""`Connectors`: a few threads that do the connecting of any number of persistent sessions."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
import weakref
from typing import TYPE_CHECKING, Final, Protocol

from ncwire._users_code import log_error
from ncwire.driver import Forkable, watch_forks
from ncwire.driver.forking import free_in_child
from ncwire.driver.threads import start_thread

if TYPE_CHECKING:
    from ncwire._session.hub import Hub

_log = logging.getLogger(__name__)

ON_A_HUB: Final = 8
"""How many sessions of one hub connect at a time; the others stand in line."""


class Member(Protocol):
    """What is connected: one that has something to do at a certain time."""

    def attempt(self) -> None:
        """Connect, as long as that takes."""


class Connectors(Forkable):
    """Calls each member's `attempt` when that is due, on `limit` threads at most.

    Never twice at the same time: what becomes due for a member that is at work waits for that.

    A thread is started when none is free to watch for what is due next, and ends when another
    watches already or no member is left: so waiting sessions cost one thread together.
    """

    def __init__(self, limit: int, name: str) -> None:
        self._limit = limit
        self._name = name
        # Re-entrant, for a signal handler may come in the middle, and close a member.
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._members: set[Member] = set()
        self._at_work: set[Member] = set()
        self._due: dict[Member, float] = {}
        self._queue: list[tuple[float, int, Member]] = []  # as in `_due`, and what was due before
        self._numbers = itertools.count()
        self._threads: set[threading.Thread] = set()
        self._watcher: threading.Thread | None = None
        watch_forks(self)

    def join(self, member: Member) -> None:
        """Take a member in. Raises RuntimeError where the system has no thread for it."""
        with self._lock:
            self._members.add(member)
            if not self._threads:
                self._start()

    def leave(self, member: Member) -> None:
        """Let go of a member: nothing is due for it any more. Idempotent."""
        with self._lock:
            self._members.discard(member)
            self._due.pop(member, None)
            self._tidy()
            self._changed.notify_all()

    def schedule(self, member: Member, at: float) -> None:
        """Have the member attempt at this time of `time.monotonic`, in place of an earlier one."""
        with self._lock:
            if member not in self._members:
                return
            self._due[member] = at
            if member not in self._at_work:
                self._line_up(member, at)
                self._watch()

    def wait_for_the_last(self, until: float) -> bool:
        """Wait for the threads, if no member is left, until this time; return whether none is.

        On one of its threads it does not wait.
        """
        with self._lock:
            threads = set() if self._members else self._threads - {threading.current_thread()}
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))
        return not any(thread.is_alive() for thread in threads)

    def abandon_in_child(self) -> None:
        """Be without members and threads in a forked child: the fork's own to call."""
        self._members, self._due, self._queue, self._at_work = set(), {}, [], set()
        self._threads, self._watcher = set(), None
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)

    def _line_up(self, member: Member, at: float) -> None:
        heapq.heappush(self._queue, (at, next(self._numbers), member))
        self._tidy()
        self._changed.notify_all()

    def _tidy(self) -> None:
        """Drop what is due no more, once it is most of the queue: each keeps a member alive."""
        if len(self._queue) > 2 * len(self._due) + 8:
            self._queue = [each for each in self._queue if self._due.get(each[2]) == each[0]]
            heapq.heapify(self._queue)

    def _watch(self) -> None:
        """Have a thread that watches for what is due, unless all are at work."""
        if self._watcher is None and self._queue and len(self._threads) < self._limit:
            try:
                self._start()
            except RuntimeError:  # no thread to be had: those that are there do it when they can
                if not self._threads:
                    raise

    def _start(self) -> None:
        thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        try:
            self._threads.add(thread)
            self._watcher = thread
            start_thread(thread)
        except BaseException:
            # One that an interrupt has left unstarted; if it does run, it sees that none watches.
            self._watcher = None
            self._threads.discard(thread)
            raise

    def _run(self) -> None:
        this = threading.current_thread()
        while (member := self._next(this)) is not None:
            try:
                member.attempt()
            except BaseException as error:  # noqa: BLE001 - the thread is that of others, too
                log_error(_log, error, "connecting failed in a way of its own")
            self._done(member)
            member = None  # or it would be kept while this thread watches

    def _done(self, member: Member) -> None:
        with self._lock:
            self._at_work.discard(member)
            at = self._due.get(member)
            if at is not None:
                self._line_up(member, at)

    def _next(self, this: threading.Thread) -> Member | None:
        """Return whose turn it is, waiting for that; None when this thread is to end."""
        with self._lock:
            if self._watcher not in {None, this}:
                self._threads.discard(this)
                return None
            self._watcher = this
            while self._members:
                while self._queue and self._due.get(self._queue[0][2]) != self._queue[0][0]:
                    heapq.heappop(self._queue)
                left = self._queue[0][0] - time.monotonic() if self._queue else None
                if left is not None and left <= 0:
                    member = heapq.heappop(self._queue)[2]
                    del self._due[member]
                    self._at_work.add(member)
                    self._watcher = None
                    self._watch()
                    return member
                self._changed.wait(left)
            self._watcher = None
            self._queue.clear()
            self._threads.discard(this)
            return None


class _Shared(Forkable):
    """The connectors of each hub, as long as it has members."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._of_hubs: weakref.WeakKeyDictionary[Hub, Connectors] = weakref.WeakKeyDictionary()
        watch_forks(self)

    def of(self, hub: Hub) -> Connectors:
        """Return those of a hub."""
        with self._lock:
            found = self._of_hubs.get(hub)
            if found is None:
                found = self._of_hubs[hub] = Connectors(ON_A_HUB, "ncwire-connector")
            return found

    def abandon_in_child(self) -> None:
        """Begin anew in a forked child, where the hubs are closed."""
        free_in_child(self._lock)
        self._of_hubs = weakref.WeakKeyDictionary()


_shared = _Shared()


def connectors(hub: Hub | None) -> Connectors:
    """Return those of a hub; without one, a thread of its own."""
    return Connectors(1, "ncwire-connector") if hub is None else _shared.of(hub)
