"""Fuzz what ncwire reads of others: framing, hellos, host keys, certificates, files.

Usage: python fuzz/run.py [TARGET ...] [--seconds N] [--seed N]

The targets share the seconds. Where atheris is installed (pip install -e '.[fuzz]') it finds its
way by the code that an input reaches; else the seeds are changed at random. A finding is a file:
`python fuzz/run.py TARGET --input FILE` runs it again. Exits with 1 when there is one.
"""

from __future__ import annotations

import argparse
import logging
import os
import secrets
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

import targets
from engine import corpus, guided

if TYPE_CHECKING:
    from collections.abc import Sequence

_LEAST = 1


def main() -> int:
    arguments = _arguments()
    if arguments.input is not None:
        return again(arguments.targets, arguments.input)
    with_atheris = guided.has_atheris() and not arguments.plain
    jobs = min(arguments.jobs, len(arguments.targets))
    seconds = max(_LEAST, arguments.seconds * jobs // len(arguments.targets))
    seed = arguments.seed or secrets.randbelow((1 << 32) - 1) + 1
    arguments.findings.mkdir(parents=True, exist_ok=True)
    print(f"seed {seed}; {seconds} s for each target, {jobs} at a time, {_engine(with_atheris)}")
    orders = [
        guided.Order(each, seconds, seed, arguments.findings, arguments.keep, with_atheris)
        for each in arguments.targets
    ]
    with ThreadPoolExecutor(jobs) as pool:
        runs = list(pool.map(guided.run, orders))
    report(runs, seconds)
    return 1 if any(run.failed for run in runs) else 0


def again(names: Sequence[str], file: Path) -> int:
    """Run one input, with the traceback of what the target raises."""
    logging.disable()
    targets.load(names[0]).one(file.read_bytes())
    print(f"{names[0]}: nothing is wrong with {file}")
    return 0


def report(runs: Sequence[guided.Run], seconds: int) -> None:
    table = Table(title="Fuzzing", title_justify="left")
    for column in (
        "target",
        "executions",
        "each second",
        "edges",
        "features",
        "seeds",
        "findings",
    ):
        table.add_column(column, justify="left" if column == "target" else "right")
    for run in runs:
        table.add_row(
            run.target,
            f"{run.executions:,}",
            f"{run.executions / seconds:,.0f}",
            *("-" if each is None else f"{each:,}" for each in (run.edges, run.features)),
            str(len(corpus.seeds(run.target))),
            str(len(run.findings) or int(run.failed)),
        )
    total = sum(run.executions for run in runs)
    table.add_section()
    table.add_row("all", f"{total:,}", "", "", "", "", str(sum(run.failed for run in runs)))
    Console().print(table)
    for run in runs:
        if run.failed:
            print(f"\n--- {run.target}\n{run.words}")
            for path in run.findings:
                print(f"again: python fuzz/run.py {run.target} --input {path}")


def _engine(with_atheris: bool) -> str:  # noqa: FBT001 - said as it is
    return "by atheris" if with_atheris else "at random, without atheris: no coverage is known"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "targets", nargs="*", metavar="TARGET", help=f"all, or some of: {', '.join(targets.NAMES)}"
    )
    parser.add_argument("--seconds", type=int, default=60, help="for all targets together")
    parser.add_argument("--seed", type=int, help="to repeat a run, as far as timing lets it")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="targets at a time")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="where the corpus grows")
    parser.add_argument(
        "--findings", type=Path, metavar="FOLDER", default=corpus.FUZZ / "findings"
    )
    parser.add_argument("--input", type=Path, metavar="FILE", help="run the target on this alone")
    parser.add_argument("--plain", action="store_true", help="do without atheris")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.targets) - set(targets.NAMES))
    if unknown:
        parser.error(f"no such target: {', '.join(unknown)}")
    if arguments.input is not None and len(arguments.targets) != 1:
        parser.error("--input needs one target")
    arguments.targets = arguments.targets or list(targets.NAMES)
    return arguments


if __name__ == "__main__":
    sys.exit(main())
