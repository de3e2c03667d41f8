"""A contest of cases, with a progress bar; the first failure ends it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ncwire.bench.contest import Contest, ContestantError, Entry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ncwire.bench.quantities import Batch
    from ncwire.bench.target import Case, Target


@dataclass
class Results:
    """The batches of each case and contestant, one for each round."""

    entries: Sequence[Entry]
    batches: dict[Case, dict[str, list[Batch]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Rpcs:
    """Rpcs of one case: a worker's `batch`."""

    case: Case
    seconds: float
    request: str = "batch"

    def arguments(self) -> dict[str, Any]:
        return {"case": asdict(self.case), "seconds": self.seconds}

    def admits(self, entry: Entry) -> bool:
        return entry.largest is None or self.case.size <= entry.largest


def compete(
    entries: Sequence[Entry],
    cases: Sequence[Case],
    target: Target,
    *,
    rounds: int,
    seconds: float,
) -> Results:
    """Run all cases: each round every contestant once. Raises `ContestantError`."""
    contest = Contest(entries, [Rpcs(case, seconds) for case in cases], rounds)
    with _Progress(contest.turns()) as progress:
        measured = contest.run(target, progress)
    return Results(entries, {event.case: measured.batches[event] for event in contest.events})


class _Progress(Progress):
    def __init__(self, turns: int) -> None:
        super().__init__(
            TextColumn("{task.description:44.44}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            transient=True,
        )
        self._task = self.add_task("", total=turns)

    def begins(self, event: Rpcs, entry: Entry) -> None:
        self.update(self._task, description=f"{event.case}: {entry.name}")

    def ended(self) -> None:
        self.advance(self._task)

    def failed(self, error: ContestantError) -> None:
        raise error
