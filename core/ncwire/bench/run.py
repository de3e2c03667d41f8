"""A run: the contest of some drivers, and its record."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

from ncwire.bench import machine
from ncwire.bench.contest import Contest
from ncwire.bench.record import Absence, Contestant, Measured, Record
from ncwire.bench.target import Case

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ncwire.bench.contest import Entry, Watcher
    from ncwire.bench.measures import BenchEvent
    from ncwire.bench.quantities import Batch
    from ncwire.bench.settings import Settings
    from ncwire.bench.target import Target

_PATIENCE = 120.0
"""How much longer than its time a turn may take: it connects, warms up, and ends an rpc."""


@dataclass
class Run:
    """What is to be measured, on whom and where. `record` tells at any time what was so far."""

    server: dict[str, str]
    taking_part: Sequence[tuple[Entry, Contestant]]
    absent: Sequence[Absence]
    events: Sequence[BenchEvent]
    settings: Settings
    after_turn: Sequence[str] = ()
    _done: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self._made = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        self._machine = machine.described()
        entries = [entry for entry, _ in self.taking_part]
        within = _PATIENCE + 3 * self.settings.seconds
        rounds = self.settings.rounds
        self._contest = Contest(entries, self.events, rounds, within, self.after_turn)

    def turns(self) -> int:
        """Return how many turns there are if none fails."""
        return self._contest.turns()

    def measure(self, target: Target, watcher: Watcher[BenchEvent]) -> None:
        """Measure all; who fails leaves, and the others go on."""
        self._contest.run(target, watcher)
        self._done = True

    def record(self) -> Record:
        """Return what was measured so far."""
        results = self._contest.results
        return Record(
            made=self._made,
            server=self.server,
            settings=asdict(self.settings),
            machine=self._machine,
            contestants=[
                replace(each, failure=results.failures.get(each.name, ""))
                for _, each in self.taking_part
            ],
            absent=list(self.absent),
            measured=[
                _measured(event, batches) for event, batches in results.batches.items() if batches
            ],
            complete=self._done,
        )


def _measured(event: BenchEvent, batches: dict[str, list[Batch]]) -> Measured:
    case = event.case or Case()
    return Measured(event.measure, event.size, {**batches}, case.chunk, case.framing)
