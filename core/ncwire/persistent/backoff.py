"""`Backoff`: how long to wait before the next attempt."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ncwire.driver.seconds import LONGEST, positive_seconds, seconds_or_none, shown
from ncwire.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """How long to wait between attempts, in seconds: exponential, with full jitter.

    After `n` failures since a session last held, the wait is anything from 0 to
    `first * factor ** n` seconds, `ceiling` at most, all alike likely: so a thousand sessions that
    were lost together do not come back together (M. Brooker, "Exponential Backoff and Jitter",
    2015). A session that has lasted for `reset_after` seconds counts as having held: what comes
    after it begins anew at `first`.

    `random` returns a number from 0 up to 1, as `random.random` does; one that always returns 1
    makes a wait without jitter. It is called from any thread; what it raises stops the session.
    Raises `OptionError`.
    """

    first: float = 1.0
    factor: float = 2.0
    ceiling: float = 60.0
    reset_after: float = 30.0
    random: Callable[[], float] = field(default=random.random, repr=False)

    def __post_init__(self) -> None:
        positive_seconds("backoff.first", self.first)
        positive_seconds("backoff.ceiling", self.ceiling)
        seconds_or_none("backoff.reset_after", self.reset_after)
        if self.ceiling < self.first:
            raise OptionError("backoff.ceiling", f"{self.ceiling:g} is less than backoff.first")
        factor: object = self.factor
        if not isinstance(factor, int | float) or not 1 <= factor <= LONGEST:
            raise OptionError(
                "backoff.factor", f"{shown(factor)} is no number from 1 to a million"
            )
        if not callable(self.random):
            raise OptionError("backoff.random", "must be callable, and return a number below 1")

    def longest(self, failures: int) -> float:
        """Return the longest wait after so many failures, in seconds."""
        try:
            return min(self.ceiling, self.first * float(self.factor) ** failures)
        except OverflowError:
            return self.ceiling

    def jitter(self) -> float:
        """Return which part of the longest wait is waited, from 0 to 1: a new one with each call.

        Raises what `random` does.
        """
        # Whatever the source returns: a wait is none of less than nothing, and has its ceiling.
        return min(1.0, max(0.0, float(self.random())))
