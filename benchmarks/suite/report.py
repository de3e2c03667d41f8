"""The tables of `compare.py`: what `ncwire bench` has, beside the floors and to the digit."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ncwire.bench.measures import LATENCY, THROUGHPUT
from ncwire.bench.quantities import ratios, spread
from ncwire.bench.report import (
    MICRO,
    MILLI,
    figure,
    fitted,
    memory,
    rate,
    ratio,
    ratio_and_extremes,
    speed,
    speed_ratio,
    time_ratio,
)
from ncwire.bench.target import MB

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ncwire.bench.quantities import Spread
    from ncwire.bench.record import Measured, Record
    from ncwire.bench.report import Cell

TITLES = {
    LATENCY: "latency: one rpc after the other",
    THROUGHPUT: "throughput: one large reply after the other",
}


def console() -> Console:
    """Return where tables go, wide enough for them where there is no terminal."""
    return Console(width=None if sys.stdout.isatty() else 200)


def show(record: Record, out: Console) -> None:
    """Print a table for each measure, with the ratio to each contestant's yardstick."""
    for measure, events in _by_measure(record).items():
        heading, taken = _RATIOS[measure]
        floor = partial(_yardstick, record)
        columns = _COLUMNS[measure] | {heading: ratio_and_extremes(floor, taken)}
        brief = {heading: ratio(floor, taken)}
        table = fitted(record, events, columns, out, spare=_SPARE[measure], brief=brief)
        _print(out, measure, table)


def show_linearity(record: Record, out: Console) -> None:
    """Print the time for each MB by the size of the reply: constant is linear."""
    events = [event for event in record.measured if event.size]
    sizes = sorted({event.size for event in events})
    table = Table(title="ms for each MB", title_justify="left", title_style="bold")
    table.add_column("")
    for size in sizes:
        table.add_column(f"{size / MB:g} MB", justify="right")
    by_case = {(event.framing, event.chunk, event.size): event for event in events}
    for framing, chunk in dict.fromkeys((event.framing, event.chunk) for event in events):
        for each in record.contestants:
            found = [by_case.get((framing, chunk, size)) for size in sizes]
            cells = ["" if event is None else _for_each_mb(event, each.name) for event in found]
            how = f"chunks of {chunk}" if chunk else framing
            table.add_row(f"{each.name}, {how}", *cells)
    out.print(table)


def show_peers(record: Record, ours: Sequence[str], out: Console) -> None:
    """Print what an rpc took, and how many times as long as with each of ours."""
    for measure, events in _by_measure(record).items():
        columns: dict[str, Cell] = {
            "p50, ms": figure("p50", MILLI, 3),
            "rpc/s": rate,
            "MB/s": speed,
            "CPU, ms": figure("cpu", MILLI, 3),
            "peak, MB": memory("peak", MB),
        }
        brief: dict[str, Cell] = {}
        for name in ours:
            heading = f"by {name.removeprefix('ncwire/')}"
            to = partial(_one_of, name)
            columns[heading] = ratio_and_extremes(to, _whole_time)
            brief[heading] = ratio(to, _whole_time)
        spare = ("peak, MB", "CPU, ms", "rpc/s", "MB/s")
        _print(out, measure, fitted(record, events, columns, out, spare=spare, brief=brief))


def _print(out: Console, measure: str, table: Table) -> None:
    out.print(Text(TITLES[measure], "bold"))
    out.print(table)
    out.print()


def _by_measure(record: Record) -> dict[str, list[Measured]]:
    found = {
        measure: [event for event in record.measured if event.measure == measure]
        for measure in TITLES
    }
    return {measure: events for measure, events in found.items() if events}


def _yardstick(record: Record, event: Measured, name: str) -> str | None:
    (yardstick,) = (each.yardstick for each in record.contestants if each.name == name)
    return yardstick if yardstick in event.batches else None


def _one_of(ours: str, event: Measured, _name: str) -> str | None:
    return ours if ours in event.batches else None


def _whole_time(event: Measured, name: str, to: str) -> Spread | None:
    return spread(ratios(event.batches[name], event.batches[to], "wall"))


def _for_each_mb(event: Measured, name: str) -> str:
    if name not in event.batches:
        return ""
    return f"{event.figure(name, 'p50') * MILLI * MB / event.size:.2f}"


def _growth(event: Measured, name: str) -> str:
    return f"{event.figure(name, 'growth') / event.size:.2f}"


_COLUMNS: dict[str, dict[str, Cell]] = {
    LATENCY: {
        "p50, µs": figure("p50", MICRO),
        "p95, µs": figure("p95", MICRO),
        "p99, µs": figure("p99", MICRO),
        "rpc/s": rate,
        "CPU, µs": figure("cpu", MICRO),
        "peak, MB": memory("peak", MB, 1),
    },
    THROUGHPUT: {
        "ms": figure("p50", MILLI),
        "MB/s": speed,
        "CPU, ms": figure("cpu", MILLI),
        "peak, MB": memory("peak", MB),
        "growth/reply": _growth,
    },
}

_SPARE = {
    LATENCY: ("peak, MB", "rpc/s", "p99, µs"),
    THROUGHPUT: ("peak, MB", "ms", "growth/reply"),
}
"""What a narrow terminal has no room for, the first to go first; then the ratio's extremes."""

_RATIOS = {
    LATENCY: ("time, of floor", time_ratio),
    THROUGHPUT: ("speed, of floor", speed_ratio),
}
