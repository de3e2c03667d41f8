"""`ncwire profiles [NAME]`: which device profiles there are, and what one says."""

from __future__ import annotations

import enum
import json
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from ncwire import profiles
from ncwire._cli import connection_options, driver_option
from ncwire._cli.terminal import console, printable
from ncwire.profiles.profile import DRIVER_OPTIONS

if TYPE_CHECKING:
    import argparse

    from ncwire.profiles import DeviceProfile, ProfileStatus, Setting

_DEFAULT = "ncwire's default"


def add_to(
    subcommands: argparse._SubParsersAction[argparse.ArgumentParser],
) -> argparse.ArgumentParser:
    """Add the subcommand."""
    parser = subcommands.add_parser(
        "profiles",
        help="list the device profiles, or show one",
        description=(
            "List the device profiles, or show what one says: every option that it or a profile "
            "which it extends gives, where that stands, and who says so."
        ),
    )
    parser.add_argument(
        "name", metavar="NAME", nargs="?", help="a profile, or the path of a TOML file"
    )
    parser.add_argument(
        "--all", action="store_true", help="show the options that are left as they are, too"
    )
    parser.add_argument("--json", action="store_true", help="as JSON, for programs")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Print the list, or the profile."""
    if arguments.name is None:
        return _list(as_json=arguments.json)
    profile = connection_options.profile_of(arguments.name)
    settings = [each for each in profile.settings() if arguments.all or each.given is not None]
    if arguments.json:
        print(json.dumps(_as_json(profile, settings), indent=2))
    else:
        _show(profile, settings)
    return 0


def _list(*, as_json: bool) -> int:
    statuses = profiles.survey()
    if as_json:
        print(json.dumps([_status_as_json(status) for status in statuses], indent=2))
        return 0
    table = _table("name", "from", "what it is for")
    for status in statuses:
        style = "bold" if status.profile else "red"
        description = status.profile.description if status.profile else status.status
        table.add_row(
            Text(printable(status.name), style),
            Text(printable(status.distribution)),
            Text(printable(description)),
        )
    out = console()
    out.print(table)
    for status in statuses:
        if status.reason:
            line = f"\n{status.name} of {status.distribution}: {status.reason}"
            out.print(Text(printable(line)), soft_wrap=True)
    return 0


def _show(profile: DeviceProfile, settings: list[Setting]) -> None:
    out = console()
    title = f"{profile.name}: {profile.description}" if profile.description else profile.name
    out.print(Text(printable(title), "bold"), soft_wrap=True)
    if not settings:
        out.print(Text("It leaves everything as it is."))
    for setting in settings:
        if setting.key == "description":
            continue
        out.print(
            Text.assemble((setting.key, "bold"), f" = {_written(_value(setting))}"),
            soft_wrap=True,
        )
        out.print(Text(f"    {_origin(setting)}", "dim"), soft_wrap=True)


def _origin(setting: Setting) -> str:
    given = setting.given
    if given is None:
        return _DEFAULT
    text = f"by {given.profile}, in {given.file}"
    return printable(f"{text}; source: {given.source}" if given.source else text)


def _value(setting: Setting) -> object:
    if not setting.key.startswith(DRIVER_OPTIONS):
        return setting.value
    driver, _, name = setting.key.removeprefix(DRIVER_OPTIONS).rpartition(".")
    return driver_option.showable(driver, name, setting.value)


def _written(value: object) -> str:
    """Return a value as it would stand in TOML; what is open is an empty list or string."""
    return printable(json.dumps(_plain(value), ensure_ascii=False))


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        pairs = [each for each in value if isinstance(each, tuple)]
        return dict(pairs) if pairs else [_plain(each) for each in value]
    return value.value if isinstance(value, enum.Enum) else value


def _as_json(profile: DeviceProfile, settings: list[Setting]) -> dict[str, object]:
    return {
        "name": profile.name,
        "file": profile.file,
        "options": {
            setting.key: {
                "value": _plain(_value(setting)),
                "profile": setting.given.profile if setting.given else None,
                "file": setting.given.file if setting.given else None,
                "source": setting.given.source if setting.given else None,
            }
            for setting in settings
        },
    }


def _status_as_json(status: ProfileStatus) -> dict[str, str]:
    return {
        "name": status.name,
        "distribution": status.distribution,
        "status": status.status,
        "description": status.profile.description if status.profile else "",
        "reason": status.reason,
    }


def _table(*headings: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table
