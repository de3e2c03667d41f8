"""`SharedHub`: the one hub of all hosts, there as long as one of them has a connection."""

from __future__ import annotations

import threading

from ncwire._session.hub import Hub
from ncwire.driver import Forkable, watch_forks
from ncwire.errors import OptionError


class SharedHub(Forkable):
    """A hub that is made for the first that joins, and closed when the last leaves.

    nornir tells a plugin neither where a run begins nor where it ends. For any thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._hub: Hub | None = None
        self._members = 0
        watch_forks(self)

    def join(self) -> Hub:
        """Return the hub; what joins must `leave`."""
        with self._lock:
            if self._hub is None:
                self._hub, self._members = Hub("ncwire-nornir"), 0
            self._members += 1
            return self._hub

    def leave(self, hub: Hub) -> None:
        """Let go of the hub that `join` returned."""
        with self._lock:
            if hub is not self._hub:
                return  # the parent's, in a forked child
            self._members -= 1
            if self._members:
                return
            self._hub = None
        # Without the lock: that waits for the hub's thread.
        hub.close()

    def abandon_in_child(self) -> None:
        """Begin anew in a forked child: the hub, and its members, are the parent's."""
        self._lock = threading.Lock()
        self._hub, self._members = None, 0


SHARED = SharedHub()
"""That of this process."""


class Place:
    """Where a connection is served: on the shared hub, on one of the user's, or by its own thread.

    `given` is the option `hub`: None or True, a `Hub`, or False. Raises `OptionError` for anything
    else. What was joined is left by `leave`, which is idempotent.
    """

    def __init__(self, given: object) -> None:
        self.hub: Hub | None
        self._joined: Hub | None = None
        if isinstance(given, Hub):
            self.hub = given
        elif given is False:
            self.hub = None
        elif given is None or given is True:
            self.hub = self._joined = SHARED.join()
        else:
            what = type(given).__name__
            raise OptionError("hub", f"must be true, false or a Hub, not {what}")

    def leave(self) -> None:
        """Let go of the shared hub, where the connection was on it."""
        joined, self._joined = self._joined, None
        if joined is not None:
            SHARED.leave(joined)
