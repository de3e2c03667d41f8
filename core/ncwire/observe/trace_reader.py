"""Reading a trace that `TraceWriter` has written."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ncwire.errors import TraceError
from ncwire.observe.trace_writer import FORMAT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True, slots=True)
class TraceEvent:
    """A line of a trace.

    `event`: "connect", "step", "connected", "connect failed", "sent", "received", "rpc",
    "rpc ended", "keepalive" or "ended"; later versions may have others. `session` names the
    session within the file, `seconds` count from the file's first line, and `facts` are the rest.
    """

    event: str
    session: str
    seconds: float
    wall: str
    facts: Mapping[str, Any] = field(repr=False)

    @property
    def body(self) -> str | None:
        """The message with its secrets hidden; None where there is none, or it is not shown."""
        found = self.facts.get("body")
        return found if isinstance(found, str) else None


@dataclass(frozen=True, slots=True)
class Trace:
    """A trace: what wrote it, and its events in the order in which they were written.

    `is_cut` says that the last line is not complete, as when the program was killed.
    """

    head: Mapping[str, Any]
    events: tuple[TraceEvent, ...] = field(repr=False)
    is_cut: bool = False

    @property
    def sessions(self) -> tuple[str, ...]:
        """The names of the sessions, in the order in which they began."""
        return tuple(dict.fromkeys(each.session for each in self.events))

    def of(self, session: str) -> tuple[TraceEvent, ...]:
        """Return the events of one session."""
        return tuple(each for each in self.events if each.session == session)


def read_trace(path: str | os.PathLike[str]) -> Trace:
    """Return the trace in a file, which programs may have gone on with one after another.

    A last line that is not complete is left out. Raises `TraceError` for a file that cannot be
    read, is no trace, or is of a later format; it says which line is wrong.
    """
    name = os.fspath(path)
    try:
        data = Path(path).read_bytes()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise TraceError(f"trace {name!r}: {why}") from error
    complete, _, rest = data.rpartition(b"\n")
    head: dict[str, Any] | None = None
    events = []
    base = 0.0
    for number, line in _lines(complete, name):
        if line.get("event") == "trace":
            if not isinstance(line.get("format"), int) or line["format"] > FORMAT:
                what = f"is of format {line.get('format')!r}, and this ncwire reads {FORMAT}"
                raise TraceError(f"trace {name!r}, line {number}: {what}")
            if head is None:
                head, base = line, _number(line, "time", name, number)
            continue
        if head is None:
            break
        events.append(_event(line, base, name, number))
    if head is None:
        raise TraceError(f"trace {name!r}: it is no trace of ncwire's: no line says so")
    return Trace(head, tuple(events), bool(rest))


def _lines(data: bytes, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(data.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            read = json.loads(line)
        except (ValueError, RecursionError) as error:
            what = f"line {number}: no JSON: {error}"
            if number == 1:
                what += "; traces are what --trace, NCWIRE_TRACE or a TraceWriter has written"
            raise TraceError(f"trace {name!r}, {what}") from error
        if not isinstance(read, dict):
            raise TraceError(f"trace {name!r}, line {number}: no JSON object")
        yield number, read


def _event(line: dict[str, Any], base: float, name: str, number: int) -> TraceEvent:
    seconds = _number(line, "time", name, number) - base
    facts = {key: each for key, each in line.items() if key not in _OWN}
    texts = [line.get(key) for key in ("event", "session", "wall")]
    if not all(isinstance(each, str) for each in texts):
        raise TraceError(f"trace {name!r}, line {number}: event, session or wall is missing")
    event, session, wall = map(str, texts)
    return TraceEvent(event, session, seconds, wall, facts)


def _number(line: dict[str, Any], key: str, name: str, number: int) -> float:
    found = line.get(key)
    if not isinstance(found, int | float):
        raise TraceError(f"trace {name!r}, line {number}: {key} is no number")
    return float(found)


_OWN = frozenset({"time", "wall", "session", "event"})
