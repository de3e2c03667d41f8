"""A run's record: what was measured, on what; as JSON, and read back for a comparison."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from ncwire.bench.measures import CONNECT, LATENCY, MEASURES, MEMORY, PIPELINED, THROUGHPUT
from ncwire.bench.quantities import Batch, Spread, median, ratios, spread
from ncwire.bench.target import CHUNKED, Case
from ncwire.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SCHEMA = "ncwire-bench/1"

DRIVER = "driver"
FLOOR = "floor"
PROGRAM = "program"

LEADING = {
    CONNECT: "p50",
    LATENCY: "p50",
    PIPELINED: "wall",
    THROUGHPUT: "p50",
    MEMORY: "session",
}
"""The figure of a batch that ratios are taken of: less is better."""


class RecordError(OptionError):
    """A file is no record of a run, or not one that this ncwire can read."""


@dataclass(frozen=True)
class Contestant:
    """Who took part: a driver, the floor beneath one, or a program."""

    name: str
    kind: str
    library: str = ""
    distribution: str = ""
    failure: str = ""
    """Why it went no further, in one line."""
    yardstick: str = ""
    """The contestant that it is measured by; "": the fastest driver over its transport."""
    transport: str = "ssh"
    """What carries NETCONF: one is as fast as another only where their servers are the same."""


@dataclass(frozen=True)
class Absence:
    """Who took no part, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Measured:
    """One event: each contestant's batches, one for each round."""

    measure: str
    size: int
    """Bytes of a reply's content."""
    batches: dict[str, list[Batch]]
    chunk: int = 0
    framing: str = CHUNKED
    """As with `Case`."""

    @property
    def leading(self) -> str:
        """The figure that ratios are taken of."""
        return LEADING[self.measure]

    def figure(self, name: str, key: str) -> float:
        """Return a contestant's median of the rounds."""
        return median(self.batches[name], key)

    def spread(self, name: str) -> Spread:
        """Return a contestant's leading figure with its extremes."""
        return spread([batch[self.leading] for batch in self.batches[name]])

    def fastest(self, among: Sequence[str]) -> str | None:
        """Return whose leading figure is the least; None where none was measured."""
        there = [name for name in among if self.batches.get(name)]
        return min(there, key=lambda name: self.figure(name, self.leading), default=None)

    def ratio(self, name: str, to: str) -> Spread | None:
        """Return a contestant's leading figure by another's, taken in each round.

        None where one of the two failed on the way, or has nothing to divide by.
        """
        ours, theirs = self.batches[name], self.batches[to]
        divisible = all(batch[self.leading] > 0 for batch in theirs)
        if len(ours) != len(theirs) or not divisible:
            return None
        return spread(ratios(ours, theirs, self.leading))

    def reply(self) -> str:
        """Return how large a reply is, in words, and how it was framed if in no usual way."""
        return str(Case(self.size, self.chunk, self.framing))


@dataclass(frozen=True)
class Record:
    """A whole run. `complete` is False where it was broken off."""

    made: str
    """When, in UTC (RFC 3339)."""
    server: dict[str, str]
    """`kind`: sshd, embedded or device; `about`: in words; for a device `operation`."""
    settings: dict[str, float]
    machine: dict[str, Any]
    contestants: list[Contestant]
    absent: list[Absence] = field(default_factory=list)
    measured: list[Measured] = field(default_factory=list)
    complete: bool = True

    def drivers(self) -> list[str]:
        """Return the names of the drivers."""
        return [each.name for each in self.contestants if each.kind == DRIVER]

    def rivals(self, name: str) -> list[str]:
        """Return the drivers over a contestant's transport, by which its ratios are taken."""
        over = {each.name: each.transport for each in self.contestants}
        return [each for each in self.drivers() if over[each] == over[name]]

    def failures(self) -> list[Contestant]:
        """Return who failed."""
        return [each for each in self.contestants if each.failure]

    def like(self, event: Measured) -> Measured | None:
        """Return what was measured here at the same event."""
        same = (event.measure, event.size, event.chunk, event.framing)
        if self.server["kind"] == "device":  # whose replies may be a little larger today
            alike = (each for each in self.measured if each.measure == event.measure)
        else:
            alike = (
                each
                for each in self.measured
                if (each.measure, each.size, each.chunk, each.framing) == same
            )
        return next(alike, None)

    def json(self) -> str:
        """Return the record as a document of `SCHEMA`, with each one's ratio to the fastest."""
        document = {"schema": SCHEMA, **asdict(self)}
        for event, each in zip(self.measured, document["measured"], strict=True):
            each["leading"] = event.leading
            each["fastest"] = event.fastest(self.drivers())
            each["ratios"] = {
                name: ratio._asdict()
                for name in event.batches
                if (fastest := event.fastest(self.rivals(name)))
                and (ratio := event.ratio(name, fastest)) is not None
            }
        return json.dumps(document, indent=1) + "\n"


def load(path: Path) -> Record:
    """Return the record that a file holds. Raises `RecordError`."""
    name = str(path)
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise RecordError(name, error.strerror or str(error)) from error
    except (ValueError, RecursionError) as error:
        raise RecordError(name, f"this is no JSON: {error}") from error
    schema = document.get("schema") if isinstance(document, dict) else None
    if schema != SCHEMA:
        said = f"its schema is {schema!r}" if schema is not None else "it names no schema"
        raise RecordError(
            name,
            f"no record of a run that this ncwire can read: {said}, not {SCHEMA!r}; "
            "make one with --save",
        )
    try:
        return _record(document)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RecordError(name, f"this record is damaged: {error!r}") from error


def _record(document: dict[str, Any]) -> Record:
    measured = [
        Measured(
            each["measure"],
            int(each["size"]),
            _batches(each["batches"], each["measure"]),
            int(each.get("chunk", 0)),
            str(each.get("framing", CHUNKED)),
        )
        for each in document["measured"]
    ]
    server = {name: str(value) for name, value in document["server"].items()}
    return Record(
        made=str(document["made"]),
        server={"kind": server["kind"], "about": server["about"], **server},
        settings=dict(document["settings"]),
        machine=dict(document["machine"]),
        contestants=[Contestant(**each) for each in document["contestants"]],
        absent=[Absence(**each) for each in document["absent"]],
        measured=measured,
        complete=bool(document["complete"]),
    )


def _batches(batches: dict[str, Any], measure: str) -> dict[str, list[Batch]]:
    if measure not in MEASURES:
        raise ValueError(f"nothing is measured as {measure!r}")
    found = {
        name: [{key: float(value) for key, value in batch.items()} for batch in rounds]
        for name, rounds in batches.items()
    }
    for name, rounds in found.items():
        if not rounds or any(LEADING[measure] not in batch for batch in rounds):
            raise ValueError(f"{measure}: the figures of {name!r} are not whole")
    return found
