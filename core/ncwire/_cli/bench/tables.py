"""The tables of `ncwire bench`: a run's record, for reading."""

from __future__ import annotations

import textwrap
from functools import partial
from typing import TYPE_CHECKING

from rich.text import Text

from ncwire._cli.terminal import printable
from ncwire.bench import comparison, report
from ncwire.bench.measures import CONNECT, LATENCY, MEASURES, MEMORY, PIPELINED, THROUGHPUT
from ncwire.bench.report import MICRO, MILLI, figure, memory, rate, speed
from ncwire.bench.target import KB, MB

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console
    from rich.table import Table

    from ncwire.bench.record import Measured, Record
    from ncwire.bench.report import Cell

_WIDTH = 96
_RATIO = "ratio"
_CHANGE = "change"
_BENEATH = ("ncwire", "cryptography")

TITLES = {
    CONNECT: "connect: one session after the other, from TCP to the end of the hellos",
    LATENCY: "latency: one rpc after the other",
    PIPELINED: "pipelined: {window:g} rpcs always in flight on one session",
    THROUGHPUT: "throughput: one large reply after the other",
    MEMORY: "memory: resident, for each of {sessions:g} sessions more in a process that has one",
}


def show(record: Record, earlier: Record | None, out: Console) -> None:
    """Print the whole record, with what has changed since an earlier run."""
    for paragraph in heading(record):
        _say(out, paragraph)
    for measure in MEASURES:
        events = [event for event in record.measured if event.measure == measure]
        if events:
            out.print()
            out.print(Text(TITLES[measure].format(**record.settings), "bold"), soft_wrap=True)
            out.print(_fitting(record, measure, events, earlier, out))
    out.print()
    for paragraph in foot(record, earlier):
        _say(out, paragraph)


def heading(record: Record) -> Iterator[str]:
    """Yield what is to be known before the figures are read."""
    yield f"Server: {record.server['about']}"
    settings = record.settings
    rounds = "1 round" if settings["rounds"] == 1 else f"{settings['rounds']:g} rounds"
    yield (
        f"{rounds}, {settings['seconds']:g} s for each turn; drivers take turns in an order "
        "that rotates."
    )


def foot(record: Record, earlier: Record | None) -> Iterator[str]:
    """Yield what the figures mean, who is missing, and on what they were measured."""
    if record.measured:
        yield (
            "Figures are medians of the rounds. ratio: time, or memory, by that of the best "
            "driver over the same transport in the same round; in brackets the least and the "
            "greatest of the rounds."
        )
    if earlier is not None:
        yield (
            f"change: since the run of {earlier.made}, of the figure that the ratio is taken of; "
            "*: no round of the one run is within the rounds of the other."
        )
        yield from (f"not the same: {each}" for each in comparison.differences(earlier, record))
    if not record.complete:
        yield "Broken off: this is what was measured until then."
    yield from (f"{each.name} failed: {each.failure}" for each in record.failures())
    yield from (f"{each.name} takes no part: {each.reason}" for each in record.absent)
    yield from (
        f"{each.name}: {', '.join(filter(None, (each.distribution, each.library)))}"
        for each in record.contestants
    )
    machine = record.machine
    libraries = machine["libraries"]
    beneath = [f"{name} {libraries[name]}" for name in _BENEATH if name in libraries]
    facts = [*beneath, machine["python"], machine["openssh"].partition(",")[0]]
    yield ", ".join(filter(None, [*facts, machine["kernel"], f"{machine['cores']} cores"]))


def _say(out: Console, paragraph: str) -> None:
    lines = textwrap.wrap(
        printable(paragraph),
        min(out.width, _WIDTH),
        break_long_words=False,
        break_on_hyphens=False,
    )
    out.print(Text("\n".join(lines)), soft_wrap=True)


def _fitting(
    record: Record, measure: str, events: list[Measured], earlier: Record | None, out: Console
) -> Table:
    def fastest(event: Measured, name: str) -> str | None:
        return event.fastest(record.rivals(name))

    columns = {**_COLUMNS[measure], _RATIO: report.ratio_and_extremes(fastest)}
    if earlier is not None:
        columns[_CHANGE] = partial(_change, earlier)
    brief = {_RATIO: report.ratio(fastest)}
    spare = _SPARE.get(measure, ())
    return report.fitted(record, events, columns, out, spare=spare, brief=brief)


def _change(earlier: Record, event: Measured, name: str) -> str:
    return str(comparison.change(earlier, event, name) or "")


def _cpu_of_100_mb(event: Measured, name: str) -> str:
    return f"{event.figure(name, 'cpu') * 100 * MB / event.size:.2f}"


_COLUMNS: dict[str, dict[str, Cell]] = {
    CONNECT: {"ms": figure("p50", MILLI), "CPU, ms": figure("cpu", MILLI)},
    LATENCY: {
        "p50, µs": figure("p50", MICRO, 0),
        "p95, µs": figure("p95", MICRO, 0),
        "p99, µs": figure("p99", MICRO, 0),
        "rpc/s": rate,
        "CPU, µs": figure("cpu", MICRO, 0),
    },
    PIPELINED: {"rpc/s": rate, "CPU, µs": figure("cpu", MICRO, 0)},
    THROUGHPUT: {
        "MB/s": speed,
        "CPU, s/100 MB": _cpu_of_100_mb,
        "peak, MB": memory("peak", MB),
    },
    MEMORY: {"kB": memory("session", KB), "process, MB": memory("process", MB)},
}

_SPARE = {LATENCY: ("p95, µs", "rpc/s"), THROUGHPUT: ("peak, MB",)}
"""What a narrow terminal has no room for, the first to go first; then the ratio's extremes."""
