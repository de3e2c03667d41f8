"""Contestants in turn, round by round, so that what the machine does hits all alike."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from suite.server import BENCHMARKS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from suite.target import Case, Target

Batch = dict[str, float]


@dataclass(frozen=True)
class Entry:
    """A contestant's name, its class as "module:class", and the class's parameters.

    `yardstick` names the contestant that it is measured by.
    """

    name: str
    contestant: str
    parameters: dict[str, Any] = field(default_factory=dict)
    yardstick: str | None = None
    python: str = sys.executable
    largest: int | None = None
    """The largest reply that it is asked for: one that takes minutes holds up all others."""

    def takes_part(self, case: Case) -> bool:
        """Whether it is to be run in this case."""
        return self.largest is None or case.size <= self.largest


class ContestantError(Exception):
    """A contestant failed: the text is its traceback."""


class Process:
    """A contestant's process, started when it is first asked for something."""

    def __init__(self, entry: Entry, target: Target) -> None:
        self._entry = entry
        self._process = subprocess.Popen(
            [
                entry.python, "-m", "suite.worker", entry.contestant,
                json.dumps(asdict(target)), json.dumps(entry.parameters),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(BENCHMARKS)},
            text=True,
        )  # fmt: skip

    def ask(self, request: str, **arguments: object) -> Any:
        """Return the worker's answer. Raises `ContestantError`."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps([request, arguments]) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        answer = json.loads(line) if line else {"error": "its process ended"}
        if "error" in answer:
            raise ContestantError(f"{self._entry.name}: {answer['error']}")
        return answer["result"]

    def end(self) -> None:
        """Have the session closed and the process end; kill it if it does not."""
        with suppress(ContestantError, OSError):
            self.ask("close")
        process = self._process
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def processes(entries: Sequence[Entry], target: Target) -> Iterator[dict[str, Process]]:
    """Start all contestants' processes, and end them after the block."""
    with ExitStack() as stack:
        started = {}
        for entry in entries:
            started[entry.name] = Process(entry, target)
            stack.callback(started[entry.name].end)
        yield started


@dataclass
class Results:
    """The batches of each case and contestant, one for each round."""

    entries: Sequence[Entry]
    batches: dict[Case, dict[str, list[Batch]]] = field(default_factory=dict)


def compete(
    entries: Sequence[Entry],
    cases: Sequence[Case],
    target: Target,
    *,
    rounds: int,
    seconds: float,
    least: int = 1,
) -> Results:
    """Run all cases: each round every contestant once, in an order that rotates."""
    results = Results(entries)
    with processes(entries, target) as running, _progress() as progress:
        turns = [(case, [e for e in entries if e.takes_part(case)]) for case in cases]
        task = progress.add_task("", total=rounds * sum(len(those) for _, those in turns))
        for case, those in turns:
            batches: dict[str, list[Batch]] = {entry.name: [] for entry in those}
            results.batches[case] = batches
            for turn in range(rounds):
                first = turn % len(those)
                for entry in (*those[first:], *those[:first]):
                    progress.update(task, description=f"{case}: {entry.name}")
                    batch = running[entry.name].ask(
                        "batch", case=asdict(case), seconds=seconds, least=least
                    )
                    batches[entry.name].append(batch)
                    progress.advance(task)
    return results


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description:44.44}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        transient=True,
    )
