"""`python -m ncwire.testing.faults`: run the fault matrix, or some of its cells."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ncwire._plugins import registry
from ncwire.errors import DriverError
from ncwire.testing.faults.cell import WRONG, cells
from ncwire.testing.faults.crew import JOBS, Crew
from ncwire.testing.faults.fault import Fault
from ncwire.testing.faults.phase import Phase
from ncwire.testing.faults.report import report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ncwire.testing.faults.cell import Cell, Result


def main(arguments: Sequence[str] | None = None) -> int:
    """Try the cells that are asked for; 0 when none is wrong, 1 when one is."""
    parser = _parser()
    options = parser.parse_args(arguments)
    for name in options.driver or ():
        try:
            registry.load(name)
        except DriverError as error:
            parser.error(str(error))
    chosen = cells(
        options.driver or _drivers(),
        options.phase or Phase,
        options.fault or Fault,
        by_await=options.aio,
    )
    results = _tried(chosen, options.jobs)
    sys.stdout.write(report(results))
    if options.json is not None:
        document = [result.as_json() for result in results]
        options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return int(any(result.verdict == WRONG for result in results))


def _tried(chosen: Sequence[Cell], jobs: int) -> list[Result]:
    shows = sys.stderr.isatty()
    results = []
    with Crew(jobs) as crew:
        for number, future in enumerate([crew.submit(cell) for cell in chosen], 1):
            results.append(future.result())
            if shows:
                sys.stderr.write(f"\r{number} of {len(chosen)} cells")
    if shows:
        sys.stderr.write("\r\033[K")
    return results


def _drivers() -> list[str]:
    return [
        status.name
        for status in registry.survey()
        if (status.status, status.transport) == ("ok", "ssh")
    ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ncwire.testing.faults",
        description="Try each fault in each phase of a session, and judge what the client is "
        "told. Each option may be repeated; one that is left out means all.",
        epilog="Ends with status 0 when no cell is wrong, 1 when one is, 2 for a wrong option.",
    )
    parser.add_argument(
        "--driver", action="append", choices=registry.names(), metavar="NAME", help="a driver"
    )
    parser.add_argument(
        "--phase", action="append", type=Phase, metavar="PHASE", help=_listed(Phase)
    )
    parser.add_argument(
        "--fault", action="append", type=Fault, metavar="FAULT", help=_listed(Fault)
    )
    parser.add_argument(
        "--jobs", type=int, default=JOBS, metavar="N", help=f"processes at a time ({JOBS})"
    )
    parser.add_argument("--aio", action="store_true", help="with sessions of ncwire.aio")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all results to a file")
    return parser


def _listed(values: type[Phase | Fault]) -> str:
    return ", ".join(each.value for each in values)


if __name__ == "__main__":
    sys.exit(main())
