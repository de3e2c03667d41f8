"""Which profile fits a device, judged by what it has said."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that shows to which family a device belongs."""

    profile: str
    where: str
    """"capability", "software" or "subsystem"."""
    pattern: re.Pattern[str]
    weight: int
    source: str


@dataclass(frozen=True, slots=True)
class Fit:
    """The profile that fits best, and what shows it; "default" where nothing shows another."""

    profile: str
    because: tuple[str, ...]


@cache
def evidence() -> tuple[Evidence, ...]:
    """Return all that is looked for, in the order of its file."""
    text = (resources.files("ncwire.probe") / "evidence.toml").read_text(encoding="utf-8")
    return tuple(
        Evidence(
            each["profile"],
            each["in"],
            re.compile(each["pattern"]),
            each["weight"],
            each["source"],
        )
        for each in tomllib.loads(text)["evidence"]
    )


def fitting(said: Mapping[str, Sequence[str]]) -> Fit:
    """Return the profile for which the most speaks; `said` has what was heard of each kind."""
    weights: dict[str, int] = {}
    because: dict[str, list[str]] = {}
    for each in evidence():
        found = next((text for text in said.get(each.where, ()) if each.pattern.match(text)), None)
        if found is not None:
            weights[each.profile] = weights.get(each.profile, 0) + each.weight
            because.setdefault(each.profile, []).append(f"{each.where} {found}")
    if not weights:
        return Fit(DEFAULT, ("nothing that was heard points to another",))
    best = max(weights, key=lambda profile: weights[profile])
    return Fit(best, tuple(because[best]))
