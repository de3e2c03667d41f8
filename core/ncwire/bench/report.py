"""Tables of what was measured: rows of contestants, columns of figures, fitted to the width."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from ncwire.bench.measures import LATENCY, PIPELINED, THROUGHPUT
from ncwire.bench.record import DRIVER
from ncwire.bench.target import MB
from ncwire.errors.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rich.console import Console

    from ncwire.bench.quantities import Spread
    from ncwire.bench.record import Contestant, Measured, Record

    Cell = Callable[[Measured, str], str | Text]
    """What a column has of an event for the contestant of that name."""
    Yardstick = Callable[[Measured, str], str | None]
    """Whom a contestant is measured by at an event, if anybody."""
    Ratio = Callable[[Measured, str, str], Spread | None]
    """A contestant's ratio to another, as far as there is one."""

MILLI = 1e3
MICRO = 1e6
_WIDEST = 1000


def fitted(
    record: Record,
    events: Sequence[Measured],
    columns: Mapping[str, Cell],
    out: Console,
    *,
    spare: Sequence[str] = (),
    brief: Mapping[str, Cell] | None = None,
) -> Table:
    """Return the table of events of one measure, as wide as `out` or less, and no figure cut.

    Where it has too little room, columns are left out: those that are `spare`, the first to go
    first. Then a column has what `brief` says in place of what it has.
    """
    left = dict(columns)
    anywhere = out.options.update_width(_WIDEST)  # a measure is cut to the width that there is
    table = _table(record, left, events)
    for name in (*spare, *(brief or {})):
        if out.measure(table, options=anywhere).maximum <= out.width:
            break
        if brief is not None and name in brief:
            left[name] = brief[name]
        else:
            left.pop(name, None)
        table = _table(record, left, events)
    return table


def figure(key: str, scale: float, digits: int = 1) -> Cell:
    """Return a column of a figure's medians."""

    def cell(event: Measured, name: str) -> str:
        return f"{event.figure(name, key) * scale:.{digits}f}"

    return cell


def memory(key: str, unit: float, digits: int = 0) -> Cell:
    """Return a column of bytes, in a larger unit; empty where it is not known."""

    def cell(event: Measured, name: str) -> str:
        found = event.figure(name, key)
        return f"{found / unit:.{digits}f}" if found else ""

    return cell


def rate(event: Measured, name: str) -> str:
    """Return rpcs a second."""
    return f"{1 / event.figure(name, 'wall'):.0f}"


def speed(event: Measured, name: str) -> str:
    """Return MB of content a second; nothing for an empty reply."""
    return f"{event.size / MB / event.figure(name, 'p50'):.1f}" if event.size else ""


def time_ratio(event: Measured, name: str, to: str) -> Spread | None:
    """Return the leading figure by another contestant's, as `Measured.ratio` does."""
    return event.ratio(name, to)


def speed_ratio(event: Measured, name: str, to: str) -> Spread | None:
    """Return the inverse: above 1 is faster."""
    return event.ratio(to, name)


def ratio(to: Yardstick, taken: Ratio = time_ratio) -> Cell:
    """Return a column of ratios to the contestant that `to` names, as they are `taken`."""

    def cell(event: Measured, name: str) -> Text:
        yardstick = to(event, name)
        spread = None if yardstick is None else taken(event, name, yardstick)
        if spread is None:
            return Text("")
        return Text(f"{spread.median:.2f}", "green" if name == yardstick else "")

    return cell


def ratio_and_extremes(to: Yardstick, taken: Ratio = time_ratio) -> Cell:
    """Return a column of ratios, with the least and the greatest of the rounds."""
    alone = ratio(to, taken)

    def cell(event: Measured, name: str) -> Text:
        text = Text.assemble(alone(event, name))
        yardstick = to(event, name)
        spread = None if yardstick in (None, name) else taken(event, name, str(yardstick))
        if spread is not None:
            text.append(f" ({spread.least:.2f}-{spread.greatest:.2f})")
        return text

    return cell


def _table(record: Record, columns: Mapping[str, Cell], events: Sequence[Measured]) -> Table:
    by_reply = events[0].measure in (LATENCY, PIPELINED, THROUGHPUT)
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for heading in ("reply", "") if by_reply else ("",):
        table.add_column(heading, no_wrap=True)
    for heading in columns:
        table.add_column(heading, justify="right", no_wrap=True)
    for event in events:
        rows = [each for each in record.contestants if each.name in event.batches]
        for number, each in enumerate(rows):
            reply = [event.reply() if not number else ""] if by_reply else []
            last = number == len(rows) - 1
            table.add_row(
                *reply,
                _name(each),
                *(cell(event, each.name) for cell in columns.values()),
                end_section=last and event is not events[-1],
            )
    return table


def _name(contestant: Contestant) -> Text:
    style = "bold" if contestant.kind == DRIVER else "dim"
    return Text(printable(contestant.name), style)
