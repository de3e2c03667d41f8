"""The tables of `ncwire bench`: a run's record, for reading."""

from __future__ import annotations

import textwrap
from functools import partial
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from ncwire._cli.terminal import printable
from ncwire.bench import comparison
from ncwire.bench.measures import CONNECT, LATENCY, MEASURES, MEMORY, PIPELINED, THROUGHPUT
from ncwire.bench.record import DRIVER
from ncwire.bench.target import KB, MB

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

    from ncwire.bench.record import Contestant, Measured, Record

    Cell = Callable[[Measured, str], str | Text]

_WIDTH = 96
_WIDEST = 1000
_RATIO = "ratio"
_CHANGE = "change"
_BENEATH = ("ncwire", "cryptography")
_MICRO = 1e6
_MILLI = 1e3

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
            "driver in the same round; in brackets the least and the greatest of the rounds."
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
    """Return the table, without what can be done without where the terminal is narrow."""
    columns: dict[str, Cell] = {**_COLUMNS[measure], _RATIO: partial(_ratio_and_extremes, record)}
    if earlier is not None:
        columns[_CHANGE] = partial(_change, earlier)
    anywhere = out.options.update_width(_WIDEST)  # a measure is cut to the width that there is
    table = _table(record, columns, events)
    for spare in (*_SPARE.get(measure, ()), _RATIO):
        if out.measure(table, options=anywhere).maximum <= out.width:
            break
        if spare == _RATIO:
            columns[_RATIO] = partial(_ratio, record)
        else:
            del columns[spare]
        table = _table(record, columns, events)
    return table


def _table(record: Record, columns: dict[str, Cell], events: list[Measured]) -> Table:
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


def _ratio_and_extremes(record: Record, event: Measured, name: str) -> Text:
    text = _ratio(record, event, name)
    fastest = event.fastest(record.drivers())
    ratio = None if fastest in (None, name) else event.ratio(name, str(fastest))
    if ratio is not None:
        text.append(f" ({ratio.least:.2f}-{ratio.greatest:.2f})")
    return text


def _ratio(record: Record, event: Measured, name: str) -> Text:
    fastest = event.fastest(record.drivers())
    ratio = None if fastest is None else event.ratio(name, fastest)
    if ratio is None:
        return Text("")
    return Text(f"{ratio.median:.2f}", "green" if name == fastest else "")


def _change(earlier: Record, event: Measured, name: str) -> str:
    return str(comparison.change(earlier, event, name) or "")


def _figure(key: str, scale: float, digits: int = 1) -> Cell:
    def cell(event: Measured, name: str) -> str:
        return f"{event.figure(name, key) * scale:.{digits}f}"

    return cell


def _memory(key: str, unit: float, digits: int = 0) -> Cell:
    def cell(event: Measured, name: str) -> str:
        bytes_ = event.figure(name, key)
        return f"{bytes_ / unit:.{digits}f}" if bytes_ else ""  # not known: see `consumption`

    return cell


def _rate(event: Measured, name: str) -> str:
    return f"{1 / event.figure(name, 'wall'):.0f}"


def _speed(event: Measured, name: str) -> str:
    return f"{event.size / MB / event.figure(name, 'p50'):.1f}"


def _cpu_of_100_mb(event: Measured, name: str) -> str:
    return f"{event.figure(name, 'cpu') * 100 * MB / event.size:.2f}"


_COLUMNS: dict[str, dict[str, Cell]] = {
    CONNECT: {"ms": _figure("p50", _MILLI), "CPU, ms": _figure("cpu", _MILLI)},
    LATENCY: {
        "p50, µs": _figure("p50", _MICRO, 0),
        "p95, µs": _figure("p95", _MICRO, 0),
        "p99, µs": _figure("p99", _MICRO, 0),
        "rpc/s": _rate,
        "CPU, µs": _figure("cpu", _MICRO, 0),
    },
    PIPELINED: {"rpc/s": _rate, "CPU, µs": _figure("cpu", _MICRO, 0)},
    THROUGHPUT: {
        "MB/s": _speed,
        "CPU, s/100 MB": _cpu_of_100_mb,
        "peak, MB": _memory("peak", MB),
    },
    MEMORY: {"kB": _memory("session", KB), "process, MB": _memory("process", MB)},
}

_SPARE = {LATENCY: ("p95, µs", "rpc/s"), THROUGHPUT: ("peak, MB",)}
"""What a narrow terminal has no room for, the first to go first; then the ratio's extremes."""
