"""The loop: one thread's wait for any number of members, without a polling interval.

A poller watches the members' fds, a `Wakeup` ends its wait from other threads, a heap holds the
times at which members want to be called.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from ncwire._engine.home import Home
from ncwire._engine.poller import READ, best_poller

if TYPE_CHECKING:
    from ncwire._engine.home import Member


class Loop(Home):
    """Serves its members until the last one is discarded, and as long as it is `kept`.

    `release` may be called from any thread, as `wake` may. Should `run` itself fail, all members
    end with that.
    """

    def __init__(self, *, kept: bool = False) -> None:
        super().__init__(best_poller(exclusive=not kept))
        self._poller.watch(self._rings, READ)
        self._kept = kept
        self.lends = self._poller.exclusive

    def release(self) -> None:
        """Let `run` end with the last member, if the loop was kept until now."""
        self._kept = False
        self._signal()

    def run(self) -> None:
        """Serve until no member is left, then free the loop's own fds.

        Raises what goes wrong with the loop itself, its poller above all; each member has ended
        then, with that.
        """
        self.ident = threading.get_ident()  # then looks whether it is closed: see `close`
        try:
            self._again |= self._answer()
            while (self._members or self._kept) and not self._closed:
                now = time.monotonic()
                for member in self._ready(now):
                    self._serve(member, now)
        except BaseException as error:
            self._kept = False
            self._answer()
            for member in list(self._members):
                self._drop(member, error)
            raise
        finally:
            self._closed = True
            self._free()

    def close(self) -> None:
        """End `run`, wherever it is, and free the loop's own fds: see `Home.close`."""
        self._closed = True
        if self.ident is None:
            self._free()
        else:
            self._signal()

    def _answer(self) -> set[Member]:
        # First: who comes after the look into the queues rings anew.
        self._wakeup.clear()
        return self._take_woken()

    def _ready(self, now: float) -> set[Member]:
        ready, self._again = self._again, set()
        for fd, _ in self._poller.wait(0 if ready else self._patience(now)):
            if fd == self._rings:
                ready |= self._answer()
            elif (member := self._by_fd.get(fd)) is not None:
                ready.add(member)
        if self._heap:
            ready.update(self._overdue(time.monotonic()))
        return ready

    def _patience(self, now: float) -> float | None:
        at = self._next_due()
        return None if at is None else max(0.0, at - now)

    def abandon_in_child(self) -> None:
        """Serve nothing any more in a forked child, and close its copies of the loop's own fds.

        Nothing is unregistered: an epoll is shared, and what it watches is the parent's to say.
        """
        self._kept = False
        self._forget_all()
        self._free()
