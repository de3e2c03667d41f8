"""The sessions of a soak, which all its threads share."""

from __future__ import annotations

import itertools
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import ncwire
from ncwire.bench.target import CHUNKED, END_OF_MESSAGE
from ncwire.testing import FaultProxy

if TYPE_CHECKING:
    import random

    from ncwire.bench.target import Target
    from soaking.watch import Watch

TIMEOUTS = ncwire.Timeouts(
    connect=20, handshake=20, auth=20, channel=20, hello=20, rpc=15, close=3, overall=40
)
_CLOSING = TIMEOUTS.close + 1.0
_BASES = {CHUNKED: "1.1", END_OF_MESSAGE: "1.0"}


class Held:
    """One session, its proxy, and what has been done to it."""

    def __init__(self, proxy: FaultProxy, name: str) -> None:
        self.proxy = proxy
        self.name = name
        self.disturbed = False
        """Whether it may end, for something was done to it that ends a session."""
        self._session: ncwire.SSHSession | None = None

    @property
    def session(self) -> ncwire.SSHSession:
        """The session, which has been connected."""
        assert self._session is not None
        return self._session

    def connect(self, target: Target, driver: str, framing: str, hub: ncwire.Hub | None) -> None:
        """Connect through the proxy; raises what `ncwire.connect` does."""
        self._session = ncwire.connect(
            "127.0.0.1",
            port=self.proxy.port,
            username=target.user,
            key_filename=target.key,
            hostkey_b64=Path(target.known_hosts).read_text(encoding="ascii").split()[2],
            allow_agent=False,
            look_for_keys=False,
            driver=driver,
            hub=hub,
            timeouts=TIMEOUTS,
            capabilities=[f"urn:ietf:params:netconf:base:{_BASES[framing]}"],
        )


class Pool:
    """Sessions on hubs and off, up to so many; for any thread."""

    def __init__(self, target: Target, driver: str, watch: Watch, size: int) -> None:
        self.target = target
        self.driver = driver
        self.watch = watch
        self.size = size
        self._guard = threading.Lock()
        self._held: list[Held] = []
        self._numbers = itertools.count(1)
        self._hub: ncwire.Hub | None = None

    def held(self) -> list[Held]:
        """Return all sessions."""
        with self._guard:
            return list(self._held)

    def pick(self, chance: random.Random) -> Held | None:
        """Return one of the sessions; None if there is none."""
        held = self.held()
        return chance.choice(held) if held else None

    def new(self) -> Held:
        """Return a session that is still to be connected."""
        proxy = FaultProxy((self.target.host, self.target.port))
        return Held(proxy, f"session {next(self._numbers)}")

    def add(self, held: Held) -> None:
        """Share a session that is connected."""
        with self._guard:
            self._held.append(held)

    def hub(self) -> ncwire.Hub:
        """Return the hub of the moment."""
        with self._guard:
            if self._hub is None or self._hub.closed:
                self._hub = ncwire.Hub()
            return self._hub

    def close_hub(self) -> None:
        """Close the hub of the moment, with the sessions that it has."""
        with self._guard:
            hub, self._hub = self._hub, None
            for held in self._held:
                held.disturbed = True
        if hub is not None:
            with self.watch.call("close a hub", _CLOSING + TIMEOUTS.close):
                hub.close()

    def discard(self, held: Held) -> None:
        """Close a session, wherever it stands, and its proxy."""
        held.disturbed = True
        with self._guard:
            if held in self._held:
                self._held.remove(held)
        with self.watch.call("close", _CLOSING):
            held.session.close()
        self.check_ended(held)
        held.proxy.close()

    def check_ended(self, held: Held) -> None:
        """See that a session that was closed has ended, with a cause."""
        session = held.session
        if session.connected or session.cause is None:
            self.watch.violated(f"{held.name} is closed and has not ended: {session!r}")

    def close(self) -> None:
        """Close everything."""
        for held in self.held():
            self.discard(held)
        self.close_hub()
