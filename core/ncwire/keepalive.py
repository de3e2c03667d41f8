"""When to send a keepalive, and when silence means that the peer is dead: sans-IO."""

from __future__ import annotations

from dataclasses import dataclass

COUNT = 3
"""Keepalives that may go unanswered, as OpenSSH's ServerAliveCountMax has it by default."""


@dataclass(slots=True)
class Keepalive:
    """The policy of one session: `interval` seconds of silence call for a keepalive.

    A peer that answers none is dead after interval * (count + 1) seconds of silence. Times are
    on the clock of `time.monotonic`; source: ssh_config(5), ServerAliveInterval.
    """

    interval: float
    count: int = COUNT
    _asked: float = 0.0

    def due(self, heard: float) -> float:
        """Return when something has to be done, given when the peer was last heard."""
        return min(max(heard, self._asked) + self.interval, self._dead(heard))

    def ask(self, now: float, heard: float) -> bool:
        """Return whether a keepalive is due, and take it for sent."""
        if now < max(heard, self._asked) + self.interval:
            return False
        self._asked = now
        return True

    def is_dead(self, now: float, heard: float) -> bool:
        """Return whether the peer has been silent for too long."""
        return now >= self._dead(heard)

    def _dead(self, heard: float) -> float:
        return heard + self.interval * (self.count + 1)
