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
    from collections.abc import Mapping


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

    `is_cut` says that a line is not complete, as when a program was killed or the disk was full.
    """

    head: Mapping[str, Any]
    events: tuple[TraceEvent, ...] = field(repr=False)
    is_cut: bool = False
    _by_session: dict[str, list[TraceEvent]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        found: dict[str, list[TraceEvent]] = {}
        for each in self.events:
            found.setdefault(each.session, []).append(each)
        object.__setattr__(self, "_by_session", found)

    @property
    def sessions(self) -> tuple[str, ...]:
        """The names of the sessions, in the order in which they began."""
        return tuple(self._by_session)

    def of(self, session: str) -> tuple[TraceEvent, ...]:
        """Return the events of one session."""
        return tuple(self._by_session.get(session, ()))


def read_trace(path: str | os.PathLike[str]) -> Trace:
    """Return the trace in a file, which programs may have gone on with one after another.

    A line that is not complete is left out. Where a later program had the same process number, as
    in containers, a session of its that would have a name again is told apart: "1.1/2". Raises
    `TraceError` for a file that cannot be read, is no trace, or is of a later format; it says
    which line is wrong.
    """
    name = os.fspath(path)
    try:
        data = Path(path).read_bytes()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise TraceError(f"trace {name!r}: {why}") from error
    reading = _Reading(name)
    complete, _, rest = data.rpartition(b"\n")
    for number, line in enumerate(complete.split(b"\n"), start=1):
        if line.strip():
            reading.take(line, number)
    if reading.head is None:
        raise TraceError(f"trace {name!r}: it is no trace of ncwire's: no line says so")
    return Trace(reading.head, tuple(reading.events), reading.is_cut or bool(rest))


class _Reading:
    """What is known of a trace while it is read."""

    def __init__(self, name: str) -> None:
        self.head: dict[str, Any] | None = None
        self.events: list[TraceEvent] = []
        self.is_cut = False
        self._name = name
        self._base = 0.0
        self._begun: dict[str, int] = {}

    def take(self, data: bytes, number: int) -> None:
        where = f"trace {self._name!r}, line {number}"
        try:
            line = json.loads(data, parse_int=_whole)
        except (ValueError, RecursionError) as error:
            if self.head is None:
                what = f"{where}: no JSON: {error}"
                if number == 1:
                    what += "; traces are what --trace, NCWIRE_TRACE or a TraceWriter has written"
                raise TraceError(what) from error
            self.is_cut = True
            return
        if not isinstance(line, dict):
            raise TraceError(f"{where}: no JSON object")
        if line.get("event") == "trace":
            self._begin(line, where)
        elif self.head is not None:
            self.events.append(self._event(line, where))

    def _begin(self, line: dict[str, Any], where: str) -> None:
        if not isinstance(line.get("format"), int) or line["format"] > FORMAT:
            what = f"is of format {line.get('format')!r}, and this ncwire reads {FORMAT}"
            raise TraceError(f"{where}: {what}")
        at = _number(line, "time", where)
        if self.head is None:
            self.head, self._base = line, at
        elif self.events and at - self._base < self.events[-1].seconds:
            # The machine was started anew meanwhile, and its clock with it.
            self._base = at - self.events[-1].seconds

    def _event(self, line: dict[str, Any], where: str) -> TraceEvent:
        seconds = _number(line, "time", where) - self._base
        facts = {key: each for key, each in line.items() if key not in _OWN}
        texts = [line.get(key) for key in ("event", "session", "wall")]
        if not all(isinstance(each, str) for each in texts):
            raise TraceError(f"{where}: event, session or wall is missing")
        event, session, wall = map(str, texts)
        if event == "connect":
            self._begun[session] = self._begun.get(session, 0) + 1
        times = self._begun.get(session, 1)
        name = session if times == 1 else f"{session}/{times}"
        return TraceEvent(event, name, seconds, wall, facts)


def _whole(digits: str) -> int:
    if len(digits) > _DIGITS:
        raise ValueError(f"a number of {len(digits)} digits")
    return int(digits)


def _number(line: dict[str, Any], key: str, where: str) -> float:
    found = line.get(key)
    if not isinstance(found, int | float):
        raise TraceError(f"{where}: {key} is no number")
    return float(found)


_OWN = frozenset({"time", "wall", "session", "event"})
_DIGITS = 30
"""More are none of a trace's, and no float has hundreds."""
