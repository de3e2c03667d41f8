"""How far a contest is: a bar on stderr, where that is a terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ncwire.errors.printable import printable

if TYPE_CHECKING:
    from ncwire.bench.contest import ContestantError, Entry
    from ncwire.bench.measures import BenchEvent


class TurnsProgress(Progress):
    """A bar that counts turns: what a contest tells of itself. The first failure ends it."""

    def __init__(self, turns: int) -> None:
        super().__init__(
            TextColumn("{task.description:36.36}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
            disable=not sys.stderr.isatty(),
        )
        self._task = self.add_task("", total=turns)

    def begins(self, event: BenchEvent, entry: Entry) -> None:
        """See `Watcher`."""
        what = f"{event.measure} {event.case}" if event.case else event.measure
        self.update(self._task, description=f"{what}: {printable(entry.name)}")

    def ended(self) -> None:
        """See `Watcher`."""
        self.advance(self._task)

    def failed(self, error: ContestantError) -> None:
        """Raise it."""
        raise error
