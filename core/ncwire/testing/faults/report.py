"""The fault matrix for a terminal of 80 columns."""

from __future__ import annotations

import textwrap
from collections import Counter
from typing import TYPE_CHECKING

from ncwire.testing.faults.cell import NOT_APPLICABLE, RIGHT, WRONG
from ncwire.testing.faults.fault import Fault
from ncwire.testing.faults.phase import Phase

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ncwire.testing.faults.cell import Result

WIDTH = 80
_MARKS = {RIGHT: "ok", WRONG: "WRONG", NOT_APPLICABLE: "-"}
_FIRST = max(len(phase.value) for phase in Phase) + 1
_COLUMN = 6


def report(results: Sequence[Result]) -> str:
    """Return a table for each driver, then what is wrong, then why cells are not applicable."""
    drivers = dict.fromkeys(result.cell.driver for result in results)
    parts = [_table(driver, results) for driver in drivers]
    parts += [failure(result) for result in results if result.verdict == WRONG]
    parts += [*_reasons(results), _counts(results)]
    return "\n\n".join(parts) + "\n"


def failure(result: Result) -> str:
    """Return what was wrong in a cell, and how to try it again."""
    lines = [f"{result.cell}: expected {result.cell.expected}", f"seen: {result.seen}"]
    lines += [f"problem: {problem}" for problem in result.problems]
    wrapped = [each for line in lines for each in _wrapped(line)]
    # The command stays on one line, to be copied.
    return "\n".join(["WRONG", *wrapped, f"  {result.cell.command}"])


def _table(driver: str, results: Iterable[Result]) -> str:
    marks = {
        (result.cell.phase, result.cell.fault): _MARKS[result.verdict]
        for result in results
        if result.cell.driver == driver
    }
    faults = [fault for fault in Fault if any(each is fault for _, each in marks)]
    lines = [driver]
    # A fault's name is too long for its column: the first half stands above the second.
    halves = [fault.value.partition("-") for fault in faults]
    lines.append(" " * _FIRST + "".join(f"{first[:5]:<{_COLUMN}}" for first, _, _ in halves))
    lines.append(" " * _FIRST + "".join(f"{last[-5:]:<{_COLUMN}}" for _, _, last in halves))
    for phase in Phase:
        row = [marks.get((phase, fault), "") for fault in faults]
        if any(row):
            lines.append(f"{phase.value:<{_FIRST}}" + "".join(f"{m:<{_COLUMN}}" for m in row))
    return "\n".join(line.rstrip() for line in lines)


def _reasons(results: Iterable[Result]) -> Iterable[str]:
    reasons: dict[str, list[str]] = {}
    for result in results:
        if result.verdict == NOT_APPLICABLE:
            reasons.setdefault(result.seen, []).append(str(result.cell))
    for reason, found in reasons.items():
        yield "\n".join([f"not applicable, {len(found)} cells:", *_wrapped(reason)])


def _counts(results: Sequence[Result]) -> str:
    found = Counter(result.verdict for result in results)
    return (
        f"{len(results)} cells: {found[RIGHT]} right, {found[WRONG]} wrong, "
        f"{found[NOT_APPLICABLE]} not applicable"
    )


def _wrapped(text: str) -> list[str]:
    indented = "  ", "    "
    return [
        each
        for line in text.splitlines()
        for each in textwrap.wrap(
            line, WIDTH, initial_indent=indented[0], subsequent_indent=indented[1]
        )
    ]
