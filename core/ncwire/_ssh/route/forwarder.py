"""The forwarder: the one thread that a session's route has, whatever it leads through."""

from __future__ import annotations

import logging
import threading
import time
from abc import abstractmethod
from typing import TYPE_CHECKING

from ncwire._engine.home import Member
from ncwire._engine.loop import Loop
from ncwire.driver import Forkable, Readiness, Wait, watch_forks
from ncwire.driver.forking import free_in_child
from ncwire.driver.threads import start_thread
from ncwire.errors import TransportError

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger(__name__)


class Part(Forkable):
    """Something of a route that a forwarder serves, and in the end frees."""

    @property
    @abstractmethod
    def is_open(self) -> bool:
        """Whether it has something to carry yet, for which an end in good order waits."""

    @abstractmethod
    def begin(self, loop: Loop, changed: Callable[[], None]) -> None:
        """Have the loop serve what is to be served; call `changed` when it is no more open."""

    @abstractmethod
    def stop(self, loop: Loop) -> None:
        """Have the loop serve nothing any more; on its thread."""

    @abstractmethod
    def free(self, *, abrupt: bool) -> None:
        """Free everything, in bounded time; `abrupt` when nothing is to be waited for."""


class Forwarder(Member, Forkable):
    """Serves the parts of a route on a thread of its own, from the first one to `end`.

    As a member of its own loop it watches nothing: it keeps the loop running, and ends it.
    Every method but a member's may be called from any thread.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._parts: list[Part] = []
        self._end_by: float | None = None
        self._abandoned = False
        self._loop = Loop()
        self._loop.wake(self)
        self._thread = threading.Thread(target=self._run, name="ncwire-forwarder", daemon=True)
        try:
            start_thread(self._thread)
        except BaseException:
            self._loop.close()
            raise
        watch_forks(self)

    def add(self, part: Part) -> None:
        """Serve a part, which is the forwarder's from here on.

        Raises `TransportError` when the end has begun; the part is freed then.
        """
        with self._lock:
            ending = self._end_by is not None or self._abandoned
            if not ending:
                self._parts.append(part)
        if ending:
            part.free(abrupt=True)
            raise TransportError("the route to the host is closed")
        part.begin(self._loop, self._wake)

    def end(self, linger: float, patience: float) -> None:
        """Free all parts, after up to `linger` seconds for what they have to carry yet.

        Waits up to `patience` seconds for that, the rest happens in the background. Idempotent.
        """
        if self._abandoned:
            return
        with self._lock:
            end_by = time.monotonic() + linger
            self._end_by = end_by if self._end_by is None else min(end_by, self._end_by)
        self._wake()
        if threading.current_thread() is not self._thread:
            self._thread.join(patience)

    def fileno(self) -> int:
        """Return no fd: see the class."""
        return -1

    def wait(self) -> Wait:
        """Return the time at which everything ends, if there is one."""
        return Wait(Readiness.NONE, self._end_by)

    def service(self, now: float) -> bool:
        """End the loop when it is time to, or when nothing is left to carry."""
        if self._end_by is None:
            return False
        with self._lock:
            parts = list(self._parts)
        if now < self._end_by and any(part.is_open for part in parts):
            return False
        for part in parts:
            part.stop(self._loop)
        self._loop.discard(self)
        return False

    def crashed(self, error: BaseException) -> None:
        """Do nothing: `_run` frees all parts in any case."""

    def abandon_in_child(self) -> None:
        """Leave the route to the parent; see `Forkable`."""
        self._abandoned = True
        free_in_child(self._lock)
        self._loop.abandon_in_child()

    def _run(self) -> None:
        try:
            self._loop.run()
        finally:
            if not self._abandoned:  # or forked on this very thread: they are the parent's to free
                self._free_parts()

    def _free_parts(self) -> None:
        abrupt = time.monotonic() >= (self._end_by or 0.0)
        # Farthest first: what is nearer carries the last words of what is farther.
        for part in reversed(self._parts):
            try:
                part.free(abrupt=abrupt)
            except BaseException:  # noqa: BLE001 - the other parts are to be freed all the same
                _log.exception("a part of a route could not be freed")

    def _wake(self) -> None:
        self._loop.wake(self)
