"""The options that one driver alone has: as the command takes them, and as it shows them."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from ncwire._cli.failures import Exit
from ncwire._cli.terminal import console, printable
from ncwire._plugins import registry
from ncwire._plugins.driver_options import PerDriver, Stated, Written
from ncwire._plugins.option_values import key_of
from ncwire._ssh.options.defaults import DEFAULT_PORT
from ncwire.errors import DriverError, OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ncwire.driver import Backend, DriverOption

HIDDEN = "(not shown)"
_PLAIN = (str, int, float, list, tuple)


def add_to(group: argparse._ArgumentGroup | argparse.ArgumentParser) -> None:
    """Add the option by which they are given."""
    group.add_argument(
        "-O",
        dest="driver_option",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        type=_assignment,
        help="an option of the driver's own, see `ncwire drivers NAME`; may be repeated. Not for "
        "what is secret, for other users can read a command line",
    )


def given(arguments: argparse.Namespace) -> PerDriver:
    """Return what was given, for whichever driver is used; empty where that is nothing."""
    pairs: list[tuple[str, str]] = arguments.driver_option
    texts: dict[str, tuple[str, ...]] = {}
    for name, text in pairs:
        texts[name] = (*texts.get(name, ()), text)
    if not texts:
        return PerDriver()
    own = {name: Written(f"-O {name}", each) for name, each in texts.items()}
    return PerDriver({PerDriver.IN_USE: own})


def for_each(own: PerDriver, drivers: Sequence[str]) -> PerDriver:
    """Return what was given for one driver as what several get: each of it what it has.

    Raises `OptionError` for what none of them has.
    """
    known = {name: {each.name for each in registry.find(name).driver_options} for name in drivers}
    tables = PerDriver(own)
    given = tables.pop(PerDriver.IN_USE, {})
    for option, value in given.items():
        having = [name for name in drivers if option in known[name]]
        if not having:
            problem = f"none of the drivers has such an option: {', '.join(drivers)}"
            raise OptionError(key_of(option), problem)
        for name in having:
            tables[name] = {**tables.get(name, {}), option: value}
    return tables


def _assignment(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        # Nothing of it is shown, for it may be a secret.
        raise argparse.ArgumentTypeError("it must be KEY=VALUE, with the name of an option")
    return name, value


def show(driver: type[Backend], *, as_json: bool) -> int:
    """Print the options that a driver has, and what it says of itself. Returns the exit code."""
    declared = driver.driver_options
    if as_json:
        print(json.dumps(_as_json(driver), indent=2))
        return Exit.OK
    out = console()
    port = f", port {_port(driver)}" if driver.transport != "unix" else ""
    title = f"{driver.name}: NETCONF over {driver.transport}{port}"
    out.print(Text(printable(title), "bold"), soft_wrap=True)
    if not declared:
        out.print(Text("It has no options of its own."))
        return Exit.OK
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for heading in ("name", "kind", "default", "meaning"):
        table.add_column(heading, overflow="fold")
    for option in declared:
        kind = f"{option.kind.value}, secret" if option.secret else option.kind.value
        meaning = option.meaning
        if option.choices:
            meaning += f" One of {', '.join(option.choices)}."
        cells = (kind, _default(option), meaning)
        table.add_row(Text(option.name, "bold"), *(Text(printable(cell)) for cell in cells))
    out.print(table)
    return Exit.OK


def _as_json(driver: type[Backend]) -> dict[str, object]:
    return {
        "name": driver.name,
        "transport": driver.transport,
        "port": _port(driver),
        "options": [
            {
                "name": option.name,
                "kind": option.kind.value,
                "default": _plain(option.default),
                "choices": list(option.choices),
                "secret": option.secret,
                "meaning": option.meaning,
            }
            for option in driver.driver_options
        ],
    }


def _port(driver: type[Backend]) -> int:
    return int(DEFAULT_PORT) if driver.default_port is None else driver.default_port


def _default(option: DriverOption) -> str:
    return "" if option.default is None else json.dumps(_plain(option.default))


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, _PLAIN) else f"a {type(value).__name__}"


def showable(driver: str, name: str, value: object) -> object:
    """Return a value from a file, or a phrase in its place where it is, or may be, a secret.

    Which of its options are secret only the driver can tell, so it must be installed; it is
    imported.
    """
    try:
        declared = registry.find(driver).driver_options
    except DriverError:
        return HIDDEN
    if not any(option.name == name and not option.secret for option in declared):
        return HIDDEN
    match value:
        case Stated():
            return _plain(value.value)
        case Written(texts=(text,)):
            return text
        case Written(texts=texts):
            return list(texts)
    return _plain(value)
