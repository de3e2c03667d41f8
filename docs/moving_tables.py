"""The tables of the page on moving over from ncclient, from what the tests try."""

# ruff: noqa: INP001 - a module beside the pages, not part of a package

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import ModuleType

ROWS = Path(__file__).parents[1] / "tests" / "contrib" / "moving"
Table = tuple[Sequence[str], Sequence[int], list[Sequence[str]]]
"""Its header, the widths of its columns, and its rows."""

WAYS = ("ncclient", "the drop-in", "ncwire")
NO_DIFFERENCE = "\\-"


def scripts() -> Table:
    """How many lines of each script are others."""
    found = _rows("ported_scripts")
    rows = []
    for name, what in found.SCRIPTS.items():
        each = found.ported(name)
        lines = (each.before, each.after, each.removed, each.added)
        links = ", ".join(
            f":download:`{when} <moving/{name}_{library}.py>`"
            for when, library in (("before", "ncclient"), ("after", "ncwire"))
        )
        rows.append((what, *map(str, lines), links))
    header = ("Script", "Lines before", "After", "Taken out", "Put in", "Files")
    return header, (36, 12, 10, 12, 10, 20), rows


def operations() -> Table:
    """Every operation, and what is written in its place."""
    return ("ncclient", "ncwire"), (45, 55), list(_calls(_rows("moving_operations").OPERATIONS))


def operations_of_vendors() -> Table:
    """Every vendor's, too."""
    found = _rows("moving_operations").OF_VENDORS
    rows = [(f"``{each.vendor}``", *call) for each, call in zip(found, _calls(found), strict=True)]
    return ("Device", "ncclient", "ncwire"), (15, 35, 50), rows


def parameters() -> Table:
    """Every parameter of connecting."""
    found = _rows("moving_parameters")
    functions = {"": found.CONNECT, **found.OF_TRANSPORTS}
    rows = [
        (
            f"``{name}``" + (f" of ``{function}``" if function else ""),
            _named(named),
            verdict,
            why or NO_DIFFERENCE,
        )
        for function, listed in functions.items()
        for name, (named, verdict, why) in listed.items()
    ]
    return ("ncclient", "ncwire", "Verdict", "What to know"), (22, 23, 10, 45), rows


def errors() -> Table:
    """Every error."""
    rows = [
        (f"``{name}``", f"``{named}``" if named else NO_DIFFERENCE, why or NO_DIFFERENCE)
        for name, (named, why) in _rows("moving_parameters").ERRORS.items()
    ]
    return ("ncclient", "ncwire", "What to know"), (30, 25, 45), rows


def handlers() -> Table:
    """Every device handler."""
    rows = [
        (f"``{name}``", f"``profile='{name}'``", why or NO_DIFFERENCE)
        for name, why in _rows("moving_parameters").HANDLERS.items()
    ]
    return ("``device_params={'name': ...}``", "ncwire", "What differs"), (25, 25, 50), rows


def mistakes() -> Table:
    """Every mistake at connecting."""
    return (
        ("Mistake", *WAYS, "Why"),
        (24, 15, 15, 16, 30),
        _compared(_rows("moving_mistakes").MADE),
    )


def odd_peers() -> Table:
    """Every odd peer."""
    return ("Peer", *WAYS, "Why"), (22, 15, 15, 16, 32), _compared(_rows("moving_peers").MET)


def _compared(found: dict[str, tuple[str, str, str, str]]) -> list[Sequence[str]]:
    return [
        (name.replace("*", "\\*"), *outcomes, why or NO_DIFFERENCE)
        for name, (*outcomes, why) in found.items()
    ]


def _calls(found: Iterable[Any]) -> Iterator[tuple[str, str]]:
    """Yield each call on one line, a string that goes over several as one."""
    for each in found:
        yield f"``{_line(each.ncclient)}``", f"``{_line(each.ncwire)}``"


def _line(call: str) -> str:
    joined = "".join(part.strip() + " " for part in call.splitlines()).strip()
    joined = joined.replace('=f"', '="')
    return joined.replace('" f"', "").replace('" "', "").replace("{NC}", "urn:...:base:1.0")


def _named(named: str) -> str:
    group, _, option = named.rpartition(": ")
    if not named:
        return NO_DIFFERENCE
    return f"``{option}`` in ``{group}``" if group else f"``{option}``"


def _rows(module: str) -> ModuleType:
    sys.path.insert(0, str(ROWS))
    try:
        return importlib.import_module(module)
    finally:
        sys.path.remove(str(ROWS))
