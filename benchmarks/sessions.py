"""Many sessions in one process: what they cost, idle and busy. See README.rst.

Usage: python benchmarks/sessions.py [--sessions N] [--rounds N] [--seconds S] [--apart]
                                     [--driver NAME] [--only NAME ...] [--json FILE]

For each contestant: what connecting takes, resident memory for each session, CPU while all are
idle; rpc/s and CPU for each rpc with all sessions answering; and how long rpcs of the others
take while one session receives replies of 100 MB, at a fixed rate over all.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from awaiting.ways import loops
from many import server
from ncwire.bench import machine
from ncwire.bench.contest import ContestantError, Entry, Process, processes
from ncwire.bench.quantities import spread
from suite import report

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ncwire.bench.target import Target

Figures = dict[str, list[float]]
FLOOR = "floor/libssh2"


def main() -> None:
    arguments = parsed()
    entries = [
        e for e in catalogue(arguments.driver) if not arguments.only or e.name in arguments.only
    ]
    try:
        with server.running(arguments.sshd_config) as target:
            figures = measure(arguments, entries, target)
    except ContestantError as error:
        raise SystemExit(str(error)) from None
    report.console().print(table(arguments, figures))
    if arguments.json is not None:
        document = {"command": sys.argv, "machine": machine.described(), "figures": figures}
        arguments.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def catalogue(driver: str) -> list[Entry]:
    crowd = "many.ncwire_crowd:NcwireCrowd"
    kinds = {
        "hub": {"hub": True},
        "futures": {"hub": True, "futures": True},
        "threads": {"hub": False},
    }
    ours = [
        Entry(f"{kind}/{driver}", crowd, {"driver": driver, **options}, FLOOR)
        for kind, options in kinds.items()
    ]
    crowd = "many.aio_crowd:AioCrowd"
    awaited = [
        Entry(f"{loop}/{driver}", crowd, {"driver": driver, "loop": loop}, FLOOR)
        for loop in loops()
    ]
    return [Entry(FLOOR, "many.bare_epoll:BareEpoll"), *ours, *awaited]


def measure(
    arguments: argparse.Namespace, entries: Sequence[Entry], target: Target
) -> dict[str, Figures]:
    figures: dict[str, Figures] = {entry.name: {} for entry in entries}
    groups = [[entry] for entry in entries] if arguments.apart else [list(entries)]
    with progress() as bar:
        for group in groups:
            with processes(group, target) as running:
                run(arguments, group, running, figures, bar)
    return figures


def run(
    arguments: argparse.Namespace,
    entries: Sequence[Entry],
    running: dict[str, Process],
    figures: dict[str, Figures],
    bar: Progress,
) -> None:
    """Connect all, then in each round every contestant once, in an order that rotates."""
    task = bar.add_task("", total=len(entries) * (1 + 3 * arguments.rounds))

    def step(entry: Entry, what: str, request: str, **options: object) -> None:
        bar.update(task, description=f"{entry.name}: {what}")
        prefix = "" if request in ("connect", "idle") else f"{what}, "
        for name, value in running[entry.name].ask(request, options).items():
            figures[entry.name].setdefault(prefix + name, []).append(value)
        bar.advance(task)

    for entry in entries:
        step(entry, "connecting", "connect", count=arguments.sessions)
    for turn in range(arguments.rounds):
        first = turn % len(entries)
        for entry in (*entries[first:], *entries[:first]):
            seconds = arguments.seconds
            step(entry, "idle", "idle", seconds=seconds)
            step(entry, "busy", "exchange", seconds=seconds)
            step(
                entry, "streaming", "exchange",
                seconds=seconds, rate=arguments.rate, streamed=arguments.streamed,
            )  # fmt: skip


COLUMNS: dict[str, Callable[[Figures], str]] = {
    "connect, ms": lambda f: f"{mid(f, 'connect') * 1e3:.1f}",
    "CPU, ms": lambda f: f"{mid(f, 'connect_cpu') * 1e3:.1f}",
    "kB/session": lambda f: f"{mid(f, 'memory') / 1e3:.1f}",
    "threads": lambda f: f"{mid(f, 'threads'):.0f}",
    "idle CPU, %": lambda f: f"{mid(f, 'idle') * 100:.2f}",
    "rpc/s": lambda f: f"{mid(f, 'busy, rate'):.0f}",
    "CPU/rpc, µs": lambda f: f"{mid(f, 'busy, cpu') * 1e6:.1f}",
    "p50, ms": lambda f: f"{mid(f, 'streaming, p50') * 1e3:.2f}",
    "p99, ms": lambda f: f"{mid(f, 'streaming, p99') * 1e3:.2f}",
}


def table(arguments: argparse.Namespace, figures: dict[str, Figures]) -> Table:
    floor = figures.get(FLOOR)
    result = Table(
        title=f"{arguments.sessions} sessions; p50 and p99 of the others while one receives "
        f"replies of {arguments.streamed / 1e6:g} MB, at {arguments.rate:g} rpc/s",
        title_justify="left",
    )
    result.add_column("")
    for column in (*COLUMNS, "rate of floor", "CPU of floor"):
        result.add_column(column, justify="right")
    for name, each in figures.items():
        ratios = [ratio(each, floor, of) for of in ("busy, rate", "busy, cpu")]
        result.add_row(name, *(cell(each) for cell in COLUMNS.values()), *ratios)
    return result


def mid(figures: Figures, name: str) -> float:
    return statistics.median(figures[name])


def ratio(figures: Figures, floor: Figures | None, name: str) -> str:
    if floor is None or floor is figures:
        return ""
    pairs = zip(figures[name], floor[name], strict=True)
    return str(spread([mine / theirs for mine, theirs in pairs]))


def progress() -> Progress:
    return Progress(
        TextColumn("{task.description:32.32}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        transient=True,
    )


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    parser.add_argument("--rate", type=float, default=200.0, help="rpc/s while one streams")
    parser.add_argument("--streamed", type=int, default=100_000_000, metavar="BYTES")
    parser.add_argument("--driver", default="libssh2")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="contestants to run")
    parser.add_argument(
        "--apart", action="store_true", help="one contestant's sessions after the other's"
    )
    parser.add_argument("--sshd-config", default="", metavar="LINE")
    parser.add_argument("--json", type=Path, metavar="FILE")
    return parser.parse_args()


if __name__ == "__main__":
    main()
