"""Deadlines: every wait of ncwire ends, and says which step ran out of time."""

from __future__ import annotations

import time
from dataclasses import dataclass

from ncwire.driver.seconds import seconds_left
from ncwire.errors import StepTimeoutError

SLICE = 0.25
"""Seconds to wait at once, where a signal may come: CPython calls its handler between two
bytecodes, so one that comes after the last of these before the wait, is called after the wait."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """A point in time by which a step must be done.

    `at` is on the clock of `time.monotonic`; `step` names what has to be done by then and
    `seconds` is the budget that it was given, both for the error.
    """

    at: float
    step: str
    seconds: float

    @classmethod
    def after(cls, seconds: float, step: str, within: Deadline | None = None) -> Deadline:
        """Give `step` so many seconds from now, and no longer than the deadline `within`.

        Raises `OptionError` for what is no number of seconds; none are left of one below 0.
        """
        at = time.monotonic() + seconds_left(step, seconds)
        if within is not None and within.at < at:
            return cls(within.at, f"{step} ({within.step})", within.seconds)
        return cls(at, step, seconds)

    def remaining(self) -> float:
        """Return the seconds left, more than 0; raise `StepTimeoutError` when none are."""
        left = self.at - time.monotonic()
        if left <= 0:
            raise self.error()
        return left

    def slice(self) -> float:
        """Return the seconds to wait at once, then to look again: what remains, but not for long.

        A caller's signal handler is called between two of these waits at the latest. Raises as
        `remaining` does.
        """
        return min(self.remaining(), SLICE)

    def error(self) -> StepTimeoutError:
        """Return, not raise, the error that this deadline's passing means."""
        return StepTimeoutError(self.step, self.seconds)
