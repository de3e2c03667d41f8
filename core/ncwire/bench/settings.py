"""How long and how often things are measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """How long and how often."""

    rounds: int
    seconds: float
    """Of each turn."""
    connections: int
    """The most that are opened in one turn."""
    sessions: int
    """How many are opened at a time to see what memory each takes."""
    window: int
    """How many rpcs are in flight where many are."""
