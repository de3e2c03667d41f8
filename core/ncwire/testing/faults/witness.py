"""`Witness`: a session's listener and waiters, which count how often each is told."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING

from ncwire._session.listeners import SessionListener
from ncwire.errors import NcwireError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

    from ncwire import Reply, SSHSession
    from ncwire._session.listeners import Root

_EVENT = re.compile(r"<event>(\d+)</event>")


class Witness(SessionListener):
    """Hears of one session from before its connect, and waits on it in each way there is.

    The ways are an rpc's future, an rpc's functions, a reader of notifications, and listening.
    """

    def __init__(self, session: SSHSession) -> None:
        self.told = threading.Event()
        """Set once the listener knows that the session has ended."""
        self.events: list[int] = []
        """The notifications, by their numbers, in the order in which they came."""
        self._session = session
        self._ends: list[Exception] = []
        self._counts = {"listener": 0, "reader": 0}
        self._changed = threading.Condition()
        self._reader = session.notifications()
        threading.Thread(target=self._read, name="matrix reader", daemon=True).start()
        session.add_listener(self)

    def callback(self, root: Root, raw: str) -> None:
        """Note a notification."""
        del root
        if event := _EVENT.search(raw):
            with self._changed:
                self.events.append(int(event[1]))
                self._changed.notify_all()

    def errback(self, ex: Exception) -> None:
        """Note the end."""
        self._ends.append(ex)
        self._count("listener")
        self.told.set()

    def ask(self, operation: str) -> None:
        """Send two rpcs, one with a future and one with functions, and wait for both."""
        self._counts |= {"future": 0, "functions": 0}
        future: Future[Reply] = self._session.submit(operation)
        future.add_done_callback(self._counting("future"))
        self._session.request(operation, self._counting("functions"), self._counting("functions"))

    def has_heard(self, number: int, patience: float) -> bool:
        """Return whether it has heard so many notifications, or does within so many seconds."""
        with self._changed:
            wait = 0.0 if self.told.is_set() else patience
            return self._changed.wait_for(lambda: len(self.events) >= number, wait)

    def problems(self, patience: float) -> Iterator[str]:
        """Tell, once the session has ended, who was not told of it exactly once, as it was."""
        with self._changed:
            self._changed.wait_for(lambda: all(self._counts.values()), patience)
            counts = dict(self._counts)
        for who, times in counts.items():
            if times != 1:
                yield f"the {who} was told {times} times"
        if self._ends and self._ends[0] is not self._session.cause:
            yield f"the listener was told {self._ends[0]!r}, the cause is {self._session.cause!r}"
        if self.events != list(range(len(self.events))):
            yield f"notifications were lost or came twice: {self.events}"

    def _read(self) -> None:
        try:
            for _ in self._reader:
                pass
        except NcwireError:
            pass
        self._count("reader")

    def _counting(self, who: str) -> Callable[[object], None]:
        return lambda _: self._count(who)

    def _count(self, who: str) -> None:
        with self._changed:
            self._counts[who] += 1
            self._changed.notify_all()
