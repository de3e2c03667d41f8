"""`ncwire drivers`: which drivers there are, and what ails those that cannot be used."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from ncwire import registry
from ncwire.cli.terminal import console, printable
from ncwire.ssh.algorithms import KINDS, MODERN, in_common

if TYPE_CHECKING:
    import argparse

    from ncwire.registry import DriverStatus

_STYLES = {"ok": "green", "unavailable": "yellow", "broken": "red"}


def add_to(
    subcommands: argparse._SubParsersAction[argparse.ArgumentParser],
) -> argparse.ArgumentParser:
    """Add the subcommand."""
    parser = subcommands.add_parser(
        "drivers",
        help="list the installed drivers",
        description="List the installed drivers, and how to mend those that cannot be used.",
    )
    parser.add_argument("--json", action="store_true", help="as JSON, for programs")
    parser.add_argument(
        "--algorithms",
        action="store_true",
        help="list the SSH algorithms of each driver, instead",
    )
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Print the table."""
    if arguments.algorithms:
        return _algorithms(as_json=arguments.json)
    statuses = registry.survey()
    if arguments.json:
        print(json.dumps([dataclasses.asdict(status) for status in statuses], indent=2))
        return 0
    if not statuses:
        print(f"No package registers a driver under {registry.GROUP}: is ncwire installed?")
        return 0
    out = console()
    out.print(_table(statuses))
    for status in statuses:
        if status.reason:
            out.print(Text(printable(f"\n{status.name}: {status.reason}")), soft_wrap=True)
    return 0


def _algorithms(*, as_json: bool) -> int:
    drivers = {status.name: driver.algorithms for driver, status in registry.ssh_drivers()}
    if as_json:
        lists = {name: dataclasses.asdict(has) for name, has in drivers.items()}
        print(json.dumps(lists, indent=2))
        return 0
    for name, has in drivers.items():
        offered = in_common(MODERN, has)
        for kind in KINDS:
            by_default = getattr(offered, kind)
            by_name = [each for each in getattr(has, kind) if each not in by_default]
            for what, names in (("offered", by_default), ("if allowed", by_name)):
                if names:
                    print(printable(f"{name} {kind}, {what}: {', '.join(names)}"))
    return 0


def _table(statuses: list[DriverStatus]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for heading in ("name", "version", "contract", "library", "status", "remedy"):
        table.add_column(heading, overflow="fold")
    for status in statuses:
        table.add_row(
            Text(printable(status.name), "bold"),
            Text(printable(f"{status.distribution} {status.version}")),
            Text(status.contract),
            Text(printable(status.library)),
            Text(status.status, _STYLES[status.status]),
            Text(printable(status.remedy)),
        )
    return table
