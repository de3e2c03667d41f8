"""The seeds of each target, and where they lie."""

from __future__ import annotations

from pathlib import Path

FUZZ = Path(__file__).parents[1]


def folder(target: str) -> Path:
    """Return where a target's seeds are; it need not exist."""
    return FUZZ / "corpus" / target


def seeds(target: str) -> dict[str, bytes]:
    """Return a target's seeds, by the names of their files."""
    files = sorted(path for path in folder(target).iterdir() if path.is_file())
    return {path.name: path.read_bytes() for path in files}
