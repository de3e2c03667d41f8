"""What comes out of rounds: medians, quantiles, and ratios taken round by round."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Batch = dict[str, float]
"""What one contestant measured in one turn, by name."""


class Spread(NamedTuple):
    """The median of the rounds, and their extremes."""

    median: float
    least: float
    greatest: float

    def __str__(self) -> str:
        return f"{self.median:.2f}  ({self.least:.2f} to {self.greatest:.2f})"

    def overlaps(self, other: Spread) -> bool:
        """Whether a value may have been in both."""
        return self.least <= other.greatest and other.least <= self.greatest


def spread(values: Sequence[float]) -> Spread:
    """Return the median and the extremes of some values, at least one."""
    return Spread(statistics.median(values), min(values), max(values))


def median(batches: Sequence[Mapping[str, float]], name: str) -> float:
    """Return the median of the rounds."""
    return statistics.median(batch[name] for batch in batches)


def ratios(
    ours: Sequence[Mapping[str, float]], theirs: Sequence[Mapping[str, float]], name: str
) -> list[float]:
    """Return ours by theirs, round by round: what is close in time is compared."""
    return [mine[name] / other[name] for mine, other in zip(ours, theirs, strict=True)]


def quantile(ordered: Sequence[float], part: float) -> float:
    """Return the value below which that part (0 to 1) of the others is; they are in order."""
    return ordered[min(int(len(ordered) * part), len(ordered) - 1)]
