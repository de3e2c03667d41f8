"""`Cell`: one fault in one phase on one driver; `Result`: what was seen there."""

from __future__ import annotations

import dataclasses
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from ncwire.testing.faults.expectation import expectation
from ncwire.testing.faults.fault import Fault
from ncwire.testing.faults.phase import Phase

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ncwire.testing.faults.expectation import Expectation

COMMAND = "python -m ncwire.testing.faults"
RIGHT, WRONG, NOT_APPLICABLE = "right", "wrong", "n/a"


@dataclass(frozen=True, slots=True)
class Cell:
    """One fault in one phase, on the driver of that name."""

    driver: str
    phase: Phase
    fault: Fault
    by_await: bool = False
    """Whether the session is one of `ncwire.aio`."""

    @property
    def expected(self) -> Expectation:
        """What is right, whatever the driver."""
        return expectation(self.phase, self.fault)

    @property
    def command(self) -> str:
        """The command that tries this cell alone."""
        return (
            f"{COMMAND} --driver {self.driver} --phase {self.phase.value} "
            f"--fault {self.fault.value}{' --aio' if self.by_await else ''}"
        )

    def __str__(self) -> str:
        way = ", by await" if self.by_await else ""
        return f"{self.driver}{way}: {self.fault.value} at {self.phase.value}"


@dataclass(frozen=True, slots=True)
class Result:
    """What a cell came to: `verdict` is "right", "wrong" or "n/a".

    `seen` is the outcome, and its error's text; `problems` are what was wrong besides, `seconds`
    how long it took from the fault until the client was told. For "n/a", `seen` is the reason.
    """

    cell: Cell
    verdict: str
    seen: str
    seconds: float = 0.0
    problems: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return it as an object of JSON."""
        return {
            "driver": self.cell.driver,
            "phase": self.cell.phase.value,
            "fault": self.cell.fault.value,
            "by_await": self.cell.by_await,
            "verdict": self.verdict,
            "expected": str(self.cell.expected),
            "seen": self.seen,
            "seconds": round(self.seconds, 3),
            "problems": list(self.problems),
            "command": self.cell.command,
        }

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """Return what `as_json` was made of."""
        cell = Cell(
            document["driver"],
            Phase(document["phase"]),
            Fault(document["fault"]),
            document["by_await"],
        )
        seen, seconds = document["seen"], document["seconds"]
        return cls(cell, document["verdict"], seen, seconds, tuple(document["problems"]))

    def with_problem(self, problem: str) -> Self:
        """Return a result that is wrong for this reason, too."""
        return dataclasses.replace(self, verdict=WRONG, problems=(*self.problems, problem))


def cells(
    drivers: Iterable[str],
    phases: Iterable[Phase] = Phase,
    faults: Iterable[Fault] = Fault,
    *,
    by_await: bool = False,
) -> list[Cell]:
    """Return the cells of these drivers, phases and faults, a row after the other."""
    return [Cell(*each, by_await) for each in itertools.product(drivers, phases, faults)]
