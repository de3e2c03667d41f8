"""The line on which a key of a TOML file stands, which tomllib does not tell."""

from __future__ import annotations

import re
import tomllib
from typing import Any

Path = tuple[str, ...]

_PART = r"""[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*'"""
_KEY = rf"(?:{_PART})(?:\s*\.\s*(?:{_PART}))*"
_HEADER = re.compile(rf"\s*\[\s*({_KEY})\s*\]\s*(?:#.*)?")
_ASSIGNMENT = re.compile(rf"\s*({_KEY})\s*=")


class Lines:
    """The lines of a file's keys, as far as they can be told without parsing it.

    A key inside an inline table has the line of the table; what looks like a key inside a string
    of several lines can mislead, for those are not told apart.
    """

    def __init__(self, text: str) -> None:
        self._lines: dict[Path, int] = {}
        table: Path = ()
        for number, line in enumerate(text.splitlines(), start=1):
            if header := _HEADER.fullmatch(line):
                table = _path(header[1])
                self._note(table, number)
            elif assignment := _ASSIGNMENT.match(line):
                self._note((*table, *_path(assignment[1])), number)

    def of(self, path: Path) -> int | None:
        """Return the line of a key, or of the nearest table around it; None: not known."""
        for length in range(len(path), 0, -1):
            if path[:length] in self._lines:
                return self._lines[path[:length]]
        return None

    def _note(self, path: Path, number: int) -> None:
        # Of a dotted key each part is defined there, unless it was before.
        for length in range(1, len(path) + 1):
            self._lines.setdefault(path[:length], number)


def _path(key: str) -> Path:
    try:
        value: Any = tomllib.loads(f"{key} = 0")
    except tomllib.TOMLDecodeError:
        return ()
    parts: list[str] = []
    while isinstance(value, dict):
        ((part, value),) = value.items()
        parts.append(part)
    return tuple(parts)
