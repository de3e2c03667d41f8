"""What the kit tells at a session's end: the result of each rule, and what was skipped and why."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ncwire._version import __version__
from ncwire.driver import CONTRACT
from ncwire.driver.rules import RULES

if TYPE_CHECKING:
    from typing import Self

    import pytest

    from ncwire.driver import Backend

Outcome = Literal["failed", "passed", "skipped", "exempt"]
_WORST_FIRST: tuple[Outcome, ...] = ("failed", "passed", "skipped", "exempt")
_WORDS = {"exempt": "does not apply"}
_MARKUP = {"failed": "red", "passed": "green", "skipped": "yellow", "exempt": "light"}


@dataclass(frozen=True, slots=True)
class Subject:
    """The driver that was tested, with its versions."""

    driver: str
    library: str
    contract: str
    kit: str
    """The version of the contract that the kit tests, and of the ncwire that it is from."""
    target: str

    @classmethod
    def of(cls, driver: type[Backend], target: str) -> Self:
        """Ask the driver."""
        return cls(
            driver.name,
            driver.library(),
            _dotted(driver.contract),
            f"{_dotted(CONTRACT)} of ncwire {__version__}",
            target,
        )

    def __str__(self) -> str:
        return (
            f"driver {self.driver} ({self.library}), written for contract {self.contract}; "
            f"tested for contract {self.kit}; target {self.target}"
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """One rule's result; `reason` says why it was skipped, or where it failed."""

    outcome: Outcome
    reason: str = ""


class Report:
    """Gathers the results of a session's tests."""

    def __init__(self, config: pytest.Config) -> None:
        self._file: str | None = config.getoption("--ncwire-report")
        self._runs: int = config.getoption("--ncwire-count")
        self._verdicts: dict[Subject, dict[str, Verdict]] = {}
        self._failed_in: dict[tuple[Subject, str], set[int]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take in the result of a test's setup, call or teardown."""
        noted = dict(report.user_properties)
        rule, subject = noted.get("ncwire_rule"), noted.get("ncwire_subject")
        verdict = _verdict(report, str(noted.get("ncwire_exempt", "")))
        if not isinstance(rule, str) or not isinstance(subject, dict) or verdict is None:
            return
        of = Subject(**subject)
        if verdict.outcome == "failed" and self._runs > 1:
            runs = self._failed_in.setdefault((of, rule), set())
            runs.add(int(str(noted["ncwire_run"])))
            verdict = Verdict(
                "failed", f"in {len(runs)} of {self._runs} runs, the last time: {verdict.reason}"
            )
        verdicts = self._verdicts.setdefault(of, {})
        worst = min(
            verdict, verdicts.get(rule, verdict), key=lambda each: _WORST_FIRST.index(each.outcome)
        )
        verdicts[rule] = worst

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the tables, and write them to the file that was asked for."""
        for subject, verdicts in self._verdicts.items():
            _print(terminalreporter, subject, verdicts)
        if self._file is not None:
            Path(self._file).write_text(self._as_json(), encoding="utf-8")

    def _as_json(self) -> str:
        tables = [
            dataclasses.asdict(subject)
            | {"rules": {rule: dataclasses.asdict(v) for rule, v in verdicts.items()}}
            for subject, verdicts in self._verdicts.items()
        ]
        return json.dumps(tables, indent=2)


def _verdict(report: pytest.TestReport, exempt: str) -> Verdict | None:
    if report.failed:
        return Verdict("failed", _first_line(report))
    if report.skipped:
        if exempt:
            return Verdict("exempt", exempt)
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
        return Verdict("skipped", reason.removeprefix("Skipped: "))
    return Verdict("passed") if report.when == "call" else None


def _first_line(report: pytest.TestReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash else str(report.longrepr)
    return text.strip().split("\n", 1)[0]


def _print(
    terminal: pytest.TerminalReporter, subject: Subject, verdicts: dict[str, Verdict]
) -> None:
    terminal.section(f"ncwire conformance: {subject.driver}")
    terminal.line(str(subject))
    width = max(map(len, verdicts))
    operation = ""
    for rule in RULES.values():
        verdict = verdicts.get(rule.id)
        if verdict is None:
            continue
        if rule.operation != operation:
            operation = rule.operation
            terminal.line("")
        word = _WORDS.get(verdict.outcome, verdict.outcome)
        terminal.write(f"  {rule.id:{width}}  ")
        terminal.write(word, **{_MARKUP[verdict.outcome]: True})
        terminal.line(f": {verdict.reason}" if verdict.reason else "")
    terminal.line("")
    for identity, verdict in verdicts.items():
        if verdict.outcome == "failed":
            terminal.line(f"  failed: {identity}: {RULES[identity].text}")
    for identity, verdict in verdicts.items():
        if verdict.outcome == "skipped":
            terminal.line(f"  skipped: {identity}: {verdict.reason}")
    counts = [sum(v.outcome == outcome for v in verdicts.values()) for outcome in _WORST_FIRST]
    terminal.line("{} failed, {} passed, {} skipped, {} do not apply".format(*counts))


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))
