"""When to send a keepalive, and when silence means that the peer is dead: sans-IO."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ncwire.driver.seconds import seconds_or_none, whole_number

if TYPE_CHECKING:
    from typing import Self

COUNT = 3
"""Keepalives that may go unanswered, as OpenSSH's ServerAliveCountMax has it by default."""


@dataclass(slots=True)
class Keepalive:
    """The policy of one session: `interval` seconds of silence call for a keepalive.

    A peer that answers none of `count` in a row is dead, interval * (count + 1) seconds after
    it was last heard. Only silence after a question counts: who was kept from asking, by a
    listener that took long or by a machine that slept, asks first. Times are on the clock of
    `time.monotonic`; source: ssh_config(5), ServerAliveInterval.
    """

    interval: float
    count: int = COUNT
    _asked: float = -math.inf
    _unanswered: int = 0

    @classmethod
    def every(cls, interval: float | None, count: int = COUNT) -> Self | None:
        """Return the policy for these parameters of `connect`; None when there is to be none.

        Raises `OptionError` for what is no number of seconds, or no count from 1 on.
        """
        if interval is not None:
            seconds_or_none("keepalive", interval)
        whole_number("keepalive_count", count, 1)
        return cls(interval, count) if interval else None

    def change(self, interval: float, count: int) -> None:
        """Go on with another interval and count; what was asked counts on."""
        self.interval, self.count = interval, count

    def due(self, heard: float) -> float:
        """Return when something has to be done, given when the peer was last heard."""
        return max(heard, self._asked) + self.interval

    def ask(self, now: float, heard: float) -> bool:
        """Return whether a keepalive is due, and take it for sent."""
        if now < self.due(heard) or self.is_dead(now, heard):
            return False
        self._unanswered = self._unanswered + 1 if heard <= self._asked else 1
        self._asked = now
        return True

    def is_dead(self, now: float, heard: float) -> bool:
        """Return whether the peer has been silent for too long."""
        silent = heard <= self._asked and self._unanswered >= self.count
        return silent and now >= self.due(heard)
