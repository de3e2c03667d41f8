"""`ncwire drivers`: which there are, what ails them, and what is known of their libraries."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table
from rich.text import Text

from ncwire._algorithms.offer import KINDS, MODERN, in_common
from ncwire._cli import driver_option
from ncwire._cli.terminal import console, printable
from ncwire._plugins import registry, vulnerabilities
from ncwire.errors import OptionError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from ncwire._plugins.registry import DriverStatus
    from ncwire._plugins.vulnerabilities import Finding
    from ncwire.driver import Library

_STYLES = {"ok": "green", "unavailable": "yellow", "broken": "red"}


def add_to(
    subcommands: argparse._SubParsersAction[argparse.ArgumentParser],
) -> argparse.ArgumentParser:
    """Add the subcommand."""
    parser = subcommands.add_parser(
        "drivers",
        help="list the installed drivers, or the options of one",
        description=(
            "List the installed drivers, and how to mend those that cannot be used; or show the\n"
            "options that one driver alone has, which are given with -O, in a profile, or in an\n"
            "inventory."
        ),
    )
    parser.add_argument("name", metavar="NAME", nargs="?", help="a driver, to see its options")
    parser.add_argument("--json", action="store_true", help="as JSON, for programs")
    parser.add_argument(
        "--algorithms",
        action="store_true",
        help="list the SSH algorithms of each driver, instead",
    )
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Print the table."""
    if arguments.name is None:
        tell = _algorithms if arguments.algorithms else _drivers
        return tell(as_json=arguments.json)
    if arguments.algorithms:
        raise OptionError("--algorithms", "is for all drivers: not together with NAME")
    return driver_option.show(registry.find(arguments.name), as_json=arguments.json)


def _drivers(*, as_json: bool) -> int:
    statuses = registry.survey()
    if as_json:
        print(json.dumps([_as_json(status) for status in statuses], indent=2))
        return 0
    if not statuses:
        print(f"No package registers a driver under {registry.GROUP}: is ncwire installed?")
        return 0
    out = console()
    out.print(_table(statuses))
    for status in statuses:
        if status.reason:
            out.print(Text(printable(f"\n{status.name}: {status.reason}")), soft_wrap=True)
    for status in statuses:
        for library in status.libraries:
            found = vulnerabilities.findings([library])
            if found:
                _tell(out, status.name, library, found)
    return 0


def _as_json(status: DriverStatus) -> dict[str, Any]:
    found = vulnerabilities.findings(status.libraries)
    return dataclasses.asdict(status) | {
        "vulnerabilities": [
            {**dataclasses.asdict(each.vulnerability), "standing": each.standing} for each in found
        ],
        "vulnerabilities-reviewed": vulnerabilities.reviewed().isoformat(),
    }


def _tell(out: Console, driver: str, library: Library, found: Sequence[Finding]) -> None:
    origin = {True: ", bundled", False: ", system's", None: ""}[library.bundled]
    out.print(
        Text(
            printable(f"\n{driver}: known vulnerabilities of {library.name} ")
            + printable(f"{library.version}{origin} (reviewed {vulnerabilities.reviewed()})"),
            "bold",
        ),
        soft_wrap=True,
    )
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for heading in ("vulnerability", "unjudged", "accepted", "what a peer can do"):
        table.add_column(heading, overflow="fold")
    none = []
    for each in found:
        which = each.vulnerability
        if {which.unjudged, which.accepted} == {"not reachable"}:
            none.append(which.id)
            continue
        accepted = which.accepted if each.standing == "affected" else each.standing
        table.add_row(
            Text(which.id, "bold"),
            which.unjudged if each.standing != "mended" else "mended",
            Text(accepted, "red" if accepted == "open" else "green"),
            which.what,
        )
    if table.row_count:
        out.print(table)
    if none:
        out.print(Text(f"not reachable through ncwire: {', '.join(none)}"))
    for advice in _advice(library):
        out.print(Text(advice), soft_wrap=True)


def _advice(library: Library) -> Iterator[str]:
    if vulnerabilities.open_to_a_stranger([library]):
        yield _FOR_STRANGERS
        if library.name == "libssh2" and library.bundled:
            yield _THE_SYSTEMS


_FOR_STRANGERS = """
unjudged: before the host key was judged, when the peer may be anybody.
accepted: once the host key was accepted.
Take another driver for a host whose key is not yet known."""

_THE_SYSTEMS = f"""
To have the libssh2 of your distribution instead, with what that has mended
(1.11 or later, with its headers: libssh2-1-dev, libssh2-devel):
  {vulnerabilities.REMEDY}"""


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
