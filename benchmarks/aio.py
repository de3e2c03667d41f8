"""What sessions by await cost, beside the sync ones. See README.rst.

Usage: python benchmarks/aio.py latency|holds [--drivers NAME ...] [--rounds N] [--seconds S]
                                              [--json FILE]

latency: one empty rpc after the other on each driver, awaited and not, in turns.
holds: the longest turn of the event loop, with a reply of 100 MB on each driver, 100,000
notifications, and 1,000 sessions that have their replies at one moment.
`sessions.py` has the crowd of 1,000, beside the hub's.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from awaiting import holds, latency, ways
from many.server import allow_files
from ncwire.bench import machine, servers
from suite import report

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZE = 100_000_000
NOTIFICATIONS = 100_000
SESSIONS = 1_000
GOAL = 1.3


def main() -> None:
    arguments = parsed()
    allow_files()
    chosen = {
        name: transport
        for name, transport in ways.drivers().items()
        if not arguments.drivers or name in arguments.drivers
    }
    with servers.running(None, set(chosen.values())) as server:
        found = {name: ways.way(server, name, transport) for name, transport in chosen.items()}
        if arguments.what == "latency":
            figures = {
                name: latency.measure(way, arguments.rounds, arguments.seconds)
                for name, way in found.items()
            }
            table = latencies(figures)
        else:
            figures = dict(held(found, arguments))
            table = turns(figures)
    report.console().print(table)
    if arguments.json is not None:
        document = {"command": sys.argv, "machine": machine.described(), "figures": figures}
        arguments.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def held(
    found: dict[str, dict[str, Any]], arguments: argparse.Namespace
) -> Iterator[tuple[str, Any]]:
    count = int(NOTIFICATIONS * arguments.share)
    yield f"{count} notifications", holds.run(holds.notifications, count)
    count = int(SESSIONS * arguments.share)
    yield f"{count} sessions at once", holds.run(holds.all_at_once, count)
    size = int(SIZE * arguments.share)
    for name, way in found.items():
        yield f"{size / 1e6:g} MB over {name}", holds.run(holds.large_reply, way, size)


def latencies(figures: dict[str, dict[str, list[float]]]) -> Table:
    table = Table(title=f"an empty rpc, median of all rounds, in µs; goal: {GOAL} x sync")
    table.add_column("driver")
    for name in next(iter(figures.values())):
        table.add_column(name, justify="right")
    for driver, times in figures.items():
        sync = statistics.median(times["sync"])
        cells = [
            f"{statistics.median(each) * 1e6:.0f}"
            + ("" if name == "sync" else f" ({statistics.median(each) / sync:.2f} x)")
            for name, each in times.items()
        ]
        table.add_row(driver, *cells)
    return table


def turns(figures: dict[str, dict[str, dict[str, float]]]) -> Table:
    table = Table(title="the longest turn of the event loop, in ms: CPU time, wall time")
    table.add_column("with")
    for name in next(iter(figures.values())):
        table.add_column(name, justify="right")
    for case, by_loop in figures.items():
        cells = [f"{each['cpu'] * 1e3:.1f}, {each['wall'] * 1e3:.1f}" for each in by_loop.values()]
        table.add_row(case, *cells)
    return table


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["latency", "holds"])
    parser.add_argument("--drivers", nargs="+", metavar="NAME", default=[])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument(
        "--share", type=float, default=1.0, help="of the size of the cases of holds (1)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE")
    return parser.parse_args()


if __name__ == "__main__":
    main()
