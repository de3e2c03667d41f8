"""What has changed between two runs, and whether that is more than the rounds differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ncwire.bench.record import RecordError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ncwire.bench.record import Measured, Record


@dataclass(frozen=True)
class Change:
    """The leading figure's median by the earlier one: above 1, it takes more than it did."""

    ratio: float
    beyond: bool
    """Whether each round of the one run is beyond all rounds of the other."""

    def __str__(self) -> str:
        percent = 100 * (self.ratio - 1)
        return f"{percent:+.0f} %{' *' if self.beyond else '  '}"


def change(earlier: Record, event: Measured, name: str) -> Change | None:
    """Return what has changed for a contestant; None where the earlier run has no such row."""
    before = earlier.like(event)
    if before is None or not before.batches.get(name):
        return None
    old, new = before.spread(name), event.spread(name)
    if old.median <= 0:
        return None
    return Change(new.median / old.median, beyond=not new.overlaps(old))


def check(earlier: Record, server: Mapping[str, str]) -> None:
    """Raise `RecordError` where the earlier run had another server, so that it tells nothing."""
    then = earlier.server
    same = ("kind", "operation") if then["kind"] != "device" else ("kind", "about", "operation")
    if all(then.get(key) == server.get(key) for key in same):
        return
    raise RecordError(
        "--compare", f"that run was against another server, or had another rpc: {then['about']}"
    )


def differences(earlier: Record, now: Record) -> Iterator[str]:
    """Yield in words what differs besides, so that it may be the cause of a change."""
    for key in ("kernel", "cores", "python", "openssh"):
        old, new = earlier.machine.get(key), now.machine.get(key)
        if old != new:
            yield f"{key}: {old} then, {new} now"
    then, today = (record.machine.get("libraries", {}) for record in (earlier, now))
    for name in sorted({*then, *today}):
        if then.get(name) != today.get(name):
            yield f"{name}: {then.get(name, 'none')} then, {today.get(name, 'none')} now"
    distributions = {each.name: each.distribution for each in earlier.contestants}
    for each in now.contestants:
        old = distributions.get(each.name, each.distribution)
        if old != each.distribution and not each.distribution.startswith("ncwire "):
            yield f"{each.name}: {old} then, {each.distribution} now"
