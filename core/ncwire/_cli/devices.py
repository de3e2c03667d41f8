"""`ncwire devices`: the devices of the inventory, and where each value came from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table
from rich.text import Text

from ncwire._cli import driver_option
from ncwire._cli.commands import inventory
from ncwire._cli.terminal import console, printable
from ncwire.errors import DriverError, UnsupportedOption
from ncwire.inventory import Inventory
from ncwire.inventory.schema import DRIVER_OPTIONS
from ncwire.inventory.values import shown

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from ncwire.inventory import Device, Setting

_DRIVER_OPTIONS = f"{DRIVER_OPTIONS}."
_HEADINGS = ("name", "host", "port", "username", "profile", "driver", "groups")


def add_to(
    subcommands: argparse._SubParsersAction[argparse.ArgumentParser],
) -> argparse.ArgumentParser:
    """Add the subcommand."""
    parser = subcommands.add_parser(
        "devices",
        help="list the devices of the inventory",
        description="List the devices of the inventory. Secrets are neither read nor shown.",
    )
    parser.add_argument("names", metavar="NAME", nargs="*", help="a device; default: all")
    inventory.add_to(parser)
    parser.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        help="show each value, where it came from, and the driver with the reason for it",
    )
    parser.add_argument("--json", action="store_true", help="all of it as JSON, for programs")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Print the table."""
    found = Inventory.load(arguments.inventory)
    devices = [found.device(name) for name in arguments.names] or list(found.devices.values())
    if arguments.json:
        listed = {"inventory": str(found.path), "devices": [_as_json(each) for each in devices]}
        print(json.dumps(listed, indent=2))
        return 0
    out = console()
    if not arguments.verbose:
        rows = [_row(device) for device in devices]
        if out.is_terminal:
            out.print(_table(rows))
        else:
            for row in rows:
                out.print(Text(printable("  ".join(cell or "-" for cell in row))), soft_wrap=True)
        return 0
    for device in devices:
        out.print(Text(printable(device.name), "bold"))
        for name, value, origin in _values(device):
            line = Text.assemble(
                f"  {name} = {printable(value)}  ", (f"({printable(origin)})", "dim")
            )
            out.print(line, soft_wrap=True)
    return 0


def _row(device: Device) -> tuple[str, ...]:
    values = {name: setting.text for name, setting in device.in_use().items()}
    values |= {"name": device.name, "groups": ", ".join(device.groups)}
    return tuple(values.get(heading, "") for heading in _HEADINGS)


def _table(rows: list[tuple[str, ...]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for heading in _HEADINGS:
        table.add_column(heading, overflow="fold")
    for name, *others in rows:
        table.add_row(Text(printable(name), "bold"), *(Text(printable(each)) for each in others))
    return table


def _values(device: Device) -> Iterator[tuple[str, str, str]]:
    """Yield name, value and origin of each setting, the driver that is taken last."""
    if device.groups:
        yield "groups", ", ".join(device.groups), f"devices.{device.name}"
    for name, setting in device.in_use().items():
        yield name, _text(name, setting), setting.origin
    yield "driver taken", *_driver(device)


def _text(name: str, setting: Setting) -> str:
    if setting.text or not name.startswith(_DRIVER_OPTIONS):
        return setting.text
    driver, _, option = name.removeprefix(_DRIVER_OPTIONS).rpartition(".")
    return shown(driver_option.showable(driver, option, setting.value))


def _driver(device: Device) -> tuple[str, str]:
    try:
        choice = device.driver()
    except (DriverError, UnsupportedOption) as error:
        return "none", str(error)
    passed_over = (f"{name} passed over: {reason}" for name, reason in choice.passed_over)
    return choice.name, "; ".join([choice.by, *passed_over])


def _as_json(device: Device) -> dict[str, Any]:
    driver, reason = _driver(device)
    return {
        "name": device.name,
        "groups": list(device.groups),
        "settings": {
            name: {"value": _text(name, setting), "origin": setting.origin}
            for name, setting in device.in_use().items()
        },
        "driver": {"name": driver, "reason": reason},
    }
