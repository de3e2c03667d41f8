"""Contestants in turn, round by round, so that what the machine does hits all alike."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from typing import IO, TYPE_CHECKING, Any, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ncwire.bench.quantities import Batch
    from ncwire.bench.target import Target

_END = 10.0
_LONGEST_READ = 1 << 16
# -P: what lies in the working folder is not imported.
_WORKER = (sys.executable, "-P", "-m", "ncwire.bench.worker")


@dataclass(frozen=True)
class Entry:
    """A contestant's name, its class as "module:class", and the class's parameters.

    `yardstick` names the contestant that it is measured by.
    """

    name: str
    contestant: str
    parameters: dict[str, Any] = field(default_factory=dict, repr=False)
    """As JSON has them; never shown, for a password may be among them."""
    yardstick: str | None = None
    command: Sequence[str] = _WORKER
    """What starts its process, before the contestant's name."""
    path: str | None = None
    """Where its process imports from; by default where this one does."""
    largest: int | None = None
    """The largest reply that it is asked for: one that takes minutes holds up all others."""


class Event(Protocol):
    """One thing that all are measured at; hashable."""

    @property
    def request(self) -> str:
        """The worker's method."""

    def arguments(self) -> Mapping[str, Any]:
        """Return the method's arguments."""

    def admits(self, entry: Entry) -> bool:
        """Whether a contestant takes part."""


class ContestantError(Exception):
    """The contestant `name` failed: the text has its traceback, `reason` is one line of it."""

    def __init__(self, name: str, text: str, reason: str) -> None:
        super().__init__(f"{name}: {text}")
        self.name = name
        self.reason = reason


class Process:
    """A contestant's process, which makes its contestant when it is first asked for something."""

    def __init__(self, entry: Entry, target: Target) -> None:
        self._entry = entry
        path = os.pathsep.join(filter(None, sys.path)) if entry.path is None else entry.path
        self._process = subprocess.Popen(  # noqa: S603 - our own module, by the interpreter named
            [*entry.command, entry.contestant],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": path},
            bufsize=0,
            # Ctrl-C is for the process that has the terminal, which then ends this one.
            process_group=0,
        )
        self._said = b""
        self._asked = False
        self._send({"target": asdict(target), "parameters": entry.parameters})

    def ask(
        self, request: str, arguments: Mapping[str, object], within: float | None = None
    ) -> Any:
        """Return the worker's answer; after `within` seconds it counts as failed.

        Raises `ContestantError`, after which it may be asked for something else, unless its
        process is gone.
        """
        try:
            self._asked = True
            self._send([request, arguments])
            line = self._line(within)
            self._asked = False
        except TimeoutError:
            self._process.kill()
            raise self._failed(f"{request}: not done within {within:g} s") from None
        except OSError:
            line = b""
        if not line:
            raise self._failed(f"{request}: its process ended")
        answer = json.loads(line)
        if "error" in answer:
            raise self._failed(answer["error"], answer["reason"])
        return answer["result"]

    def end(self) -> None:
        """Have the session closed and the process end.

        It is killed if it does not, and at once if it has not answered what it was asked last.
        """
        if self._asked:
            self._process.kill()
        with suppress(ContestantError):
            self.ask("close", {}, _END)
        _opened(self._process.stdin).close()
        try:
            self._process.wait(_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        _opened(self._process.stdout).close()

    def _failed(self, text: str, reason: str = "") -> ContestantError:
        return ContestantError(self._entry.name, text, reason or text)

    def _send(self, message: object) -> None:
        view = memoryview(json.dumps(message).encode() + b"\n")
        pipe = _opened(self._process.stdin)
        while view:
            view = view[pipe.write(view) :]

    def _line(self, within: float | None) -> bytes:
        pipe = _opened(self._process.stdout)
        give_up = None if within is None else time.monotonic() + within
        while b"\n" not in self._said:
            left = None if give_up is None else max(0.0, give_up - time.monotonic())
            if not select.select([pipe], [], [], left)[0]:
                raise TimeoutError
            data = os.read(pipe.fileno(), _LONGEST_READ)
            if not data:
                return b""
            self._said += data
        line, _, self._said = self._said.partition(b"\n")
        return line


def _opened(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise AssertionError("both are pipes")
    return pipe


@contextmanager
def processes(entries: Sequence[Entry], target: Target) -> Iterator[dict[str, Process]]:
    """Start all contestants' processes, and end them after the block."""
    with ExitStack() as stack:
        started = {}
        for entry in entries:
            started[entry.name] = Process(entry, target)
            stack.callback(started[entry.name].end)
        yield started


EventT = TypeVar("EventT", bound=Event)
EventT_contra = TypeVar("EventT_contra", bound=Event, contravariant=True)


@dataclass
class Results(Generic[EventT]):
    """The batches of each event and contestant, one for each round."""

    entries: Sequence[Entry]
    batches: dict[EventT, dict[str, list[Batch]]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    """Why a contestant took part no more, in one line."""


class Watcher(Protocol[EventT_contra]):
    """Who is told how a contest goes on."""

    def begins(self, event: EventT_contra, entry: Entry) -> None:
        """Take note that a turn begins."""

    def ended(self) -> None:
        """Take note that the turn is over, well or badly."""

    def failed(self, error: ContestantError) -> None:
        """Take note that a contestant leaves; raising the error ends the contest."""


@dataclass
class Contest(Generic[EventT]):
    """All events: in each round every contestant has one turn, in an order that rotates.

    `results` grows as it goes on, and stays what it is when `run` is broken off.
    """

    entries: Sequence[Entry]
    events: Sequence[EventT]
    rounds: int
    within: float | None = None
    """How many seconds a turn may take; a contestant that takes longer has failed."""
    after_turn: Sequence[str] = ()
    """What is asked of a contestant when its turn is over, without arguments."""

    def __post_init__(self) -> None:
        self.results: Results[EventT] = Results(self.entries)

    def turns(self) -> int:
        """Return how many turns there are if none fails."""
        return self.rounds * sum(e.admits(entry) for e in self.events for entry in self.entries)

    def run(self, target: Target, watcher: Watcher[EventT]) -> Results[EventT]:
        """Measure all, and return the results. Raises what the watcher's `failed` does."""
        with processes(self.entries, target) as running:
            for event in self.events:
                those = [entry for entry in self.entries if event.admits(entry)]
                self.results.batches[event] = {}
                for turn in range(self.rounds):
                    first = turn % max(1, len(those))
                    for entry in (*those[first:], *those[:first]):
                        watcher.begins(event, entry)
                        if entry.name not in self.results.failures:
                            self._turn(event, entry, running[entry.name], watcher)
                        watcher.ended()
        return self.results

    def _turn(
        self, event: EventT, entry: Entry, process: Process, watcher: Watcher[EventT]
    ) -> None:
        try:
            batch = process.ask(event.request, event.arguments(), self.within)
            for request in self.after_turn:
                process.ask(request, {}, self.within)
        except ContestantError as error:
            self.results.failures[entry.name] = error.reason
            watcher.failed(error)
        else:
            self.results.batches[event].setdefault(entry.name, []).append(batch)
