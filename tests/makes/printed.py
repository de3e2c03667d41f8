"""Prints the matrix of makes after the tests: a pytest plugin.

It goes by the tests' ids in their reports, so that it does not matter in which process they ran.
"""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING

import pytest

from makes.rows import CHECKS, MAKES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

WIDTH = 80
_ID = re.compile(r"makes/test_makes\.py::test_(\w+)\[(\w+)-([\w.-]+)\]$")
_NOT_APPLICABLE = "not applicable: "
_LABEL = 17
_COLUMN = (WIDTH - _LABEL) // len(MAKES)

Cell = tuple[str, str, str]
"""Driver, check and make, by name."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    stats = terminalreporter.stats.values()
    cells = outcomes(
        report for reports in stats for report in reports if isinstance(report, pytest.TestReport)
    )
    if cells:
        terminalreporter.section("makes of server")
        for line in lines(cells):
            terminalreporter.line(line)


def outcomes(reports: Iterable[pytest.TestReport]) -> Mapping[Cell, str]:
    """Return the outcome of each cell: "ok", "FAILED", or else the reason why there is none."""
    cells: dict[Cell, str] = {}
    for report in reports:
        found = _ID.search(report.nodeid)
        if found is None or found[1] not in CHECKS:
            continue
        check, make, driver = found.groups()
        # Setup, call and teardown report each, and the worst of them counts.
        both = (cells.get((driver, check, make), "ok"), _outcome(report))
        cells[driver, check, make] = max(both, key=_gravity)
    return cells


def lines(cells: Mapping[Cell, str]) -> Iterable[str]:
    """Return the matrix of the outcomes, a table for each driver, in lines of `WIDTH` at most.

    The reasons stand below, by number.
    """
    reasons: dict[str, int] = {}
    for driver in dict.fromkeys(driver for driver, _, _ in cells):
        yield _line(driver, (make.label for make in MAKES.values()))
        for check, row in CHECKS.items():
            outcomes = (cells.get((driver, check, make), "not run") for make in MAKES)
            yield _line(row.label, (_shown(outcome, reasons) for outcome in outcomes))
        yield ""
    for reason, number in reasons.items():
        yield from textwrap.wrap(f"[{number}] {reason}", WIDTH, subsequent_indent="    ")


def _line(label: str, columns: Iterable[str]) -> str:
    padded = "".join(column.ljust(_COLUMN) for column in columns)
    return f"{label[: _LABEL - 1]:{_LABEL}}{padded}".rstrip()


def _shown(outcome: str, reasons: dict[str, int]) -> str:
    if outcome in {"ok", "FAILED", "not run"}:
        return outcome
    number = reasons.setdefault(outcome, len(reasons) + 1)
    kind = "n/a" if outcome.startswith(_NOT_APPLICABLE) else "skip"
    return f"{kind} [{number}]"


def _gravity(outcome: str) -> int:
    return {"ok": 0, "FAILED": 2}.get(outcome, 1)


def _outcome(report: pytest.TestReport) -> str:
    if report.skipped:
        return _reason(report)
    return "ok" if report.passed else "FAILED"


def _reason(report: pytest.TestReport) -> str:
    # Path, line and "Skipped: ..."; what pytest.skip was told is in the last.
    told = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return told.removeprefix("Skipped: ")
