"""What came out: tables with the ratio to each contestant's yardstick, and JSON."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from ncwire.bench import machine
from ncwire.bench.quantities import median, ratios, spread

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ncwire.bench.quantities import Batch
    from ncwire.bench.target import Case
    from suite.contest import Results

LARGE = 1_000_000


def console() -> Console:
    """Return where tables go, wide enough for them where nobody looks."""
    return Console(width=None if sys.stdout.isatty() else 200)


def case_table(results: Results, case: Case) -> Table:
    """Return the figures that say most about replies of this size."""
    return throughput_table(results, case) if case.size >= LARGE else latency_table(results, case)


def latency_table(results: Results, case: Case) -> Table:
    """Return what an rpc took, and by how much that is more than the yardstick's."""
    table = _table(
        str(case), "p50, µs", "p95, µs", "p99, µs", "rpc/s", "CPU/rpc, µs", "peak, MB", "of floor"
    )
    for name, batches, floor in _rows(results, case):
        table.add_row(
            name,
            *(f"{median(batches, quantile) * 1e6:.1f}" for quantile in ("p50", "p95", "p99")),
            f"{1 / median(batches, 'wall'):.0f}",
            f"{median(batches, 'cpu') * 1e6:.1f}",
            f"{median(batches, 'peak') / 1e6:.1f}",
            str(spread(ratios(batches, floor, "p50"))) if floor else "",
        )
    return table


def throughput_table(results: Results, case: Case) -> Table:
    """Return how fast replies came in, and which part of the yardstick's speed that is."""
    table = _table(
        str(case), "ms", "MB/s", "CPU, ms", "peak, MB", "growth / reply", "of floor's speed"
    )
    for name, batches, floor in _rows(results, case):
        table.add_row(
            name,
            f"{median(batches, 'p50') * 1e3:.1f}",
            f"{case.size / 1e6 / median(batches, 'p50'):.1f}",
            f"{median(batches, 'cpu') * 1e3:.1f}",
            f"{median(batches, 'peak') / 1e6:.0f}",
            f"{median(batches, 'growth') / case.size:.2f}",
            str(spread(ratios(floor, batches, "p50"))) if floor else "",
        )
    return table


def linearity_table(results: Results) -> Table:
    """Return the time for each MB by the size of the reply: constant is linear."""
    cases = [case for case in results.batches if case.size]
    smallest = min(cases, key=lambda case: case.size)
    sizes = sorted({case.size for case in cases})
    table = _table("ms for each MB", *(f"{size / 1e6:g} MB" for size in sizes))
    kinds = dict.fromkeys((case.framing, case.chunk) for case in cases)
    for framing, chunk in kinds:
        for entry in results.entries:
            cells = []
            for size in sizes:
                case = type(smallest)(size, chunk, framing)
                batches = results.batches.get(case, {}).get(entry.name)
                cells.append(f"{median(batches, 'p50') * 1e9 / size:.2f}" if batches else "")
            how = f"chunks of {chunk}" if chunk else framing
            table.add_row(f"{entry.name}, {how}", *cells)
    return table


def peers_table(results: Results, case: Case, ours: Sequence[str]) -> Table:
    """Return what an rpc took, and how many times faster each of ours is."""
    table = _table(
        str(case), "p50, ms", "rpc/s", "MB/s", "CPU/rpc, ms", "peak, MB",
        *(f"{name} is faster by" for name in ours),
    )  # fmt: skip
    of_case = results.batches[case]
    for name, batches, _ in _rows(results, case):
        table.add_row(
            name,
            f"{median(batches, 'p50') * 1e3:.3f}",
            f"{1 / median(batches, 'wall'):.1f}",
            f"{case.size / 1e6 / median(batches, 'p50'):.1f}" if case.size else "",
            f"{median(batches, 'cpu') * 1e3:.3f}",
            f"{median(batches, 'peak') / 1e6:.0f}",
            *(str(spread(ratios(batches, of_case[each], "wall"))) for each in ours),
        )
    return table


def save(path: Path, results: Results, command: Sequence[str]) -> None:
    """Write everything that was measured as JSON, and on what."""
    document = {
        "command": list(command),
        "machine": machine.described(),
        "entries": [
            {"name": entry.name, "yardstick": entry.yardstick, "parameters": entry.parameters}
            for entry in results.entries
        ],
        "cases": [
            {"case": asdict(case), "batches": batches} for case, batches in results.batches.items()
        ],
    }
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("")
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _rows(results: Results, case: Case) -> Iterator[tuple[str, list[Batch], list[Batch] | None]]:
    of_case = results.batches[case]
    for entry in results.entries:
        if entry.name in of_case:
            floor = None if entry.yardstick is None else of_case.get(entry.yardstick)
            yield entry.name, of_case[entry.name], floor
