"""The scripts of docs/moving, each as it is with ncclient and with ncwire."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[3] / "docs" / "moving"

SCRIPTS = {
    "filter": "read, with a filter",
    "edit": "lock, edit, validate, commit, or discard",
    "notifications": "subscribe, and wait for a notification",
    "many": "many devices, with a pool of threads",
    "junos": "operations of Junos, and an error of the device's",
}
"""What each script does, by the beginning of its two files' names."""


@dataclass(frozen=True)
class Ported:
    """How many lines a script has, without empty ones, and how many are others in the port."""

    before: int
    after: int
    removed: int
    added: int


def lines(name: str, library: str) -> list[str]:
    text = (FOLDER / f"{name}_{library}.py").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line.strip()]


def ported(name: str) -> Ported:
    """Compare a script's two files line by line."""
    before, after = lines(name, "ncclient"), lines(name, "ncwire")
    compared = list(difflib.ndiff(before, after))
    removed = sum(line.startswith("- ") for line in compared)
    added = sum(line.startswith("+ ") for line in compared)
    return Ported(len(before), len(after), removed, added)
