"""A driver with options of its own, installed for a test: paramiko's, which notes what it got."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, ClassVar

from metadata import write_metadata
from ncwire.driver import DriverOption, OptionKind
from ncwire.errors import OptionError
from ncwire_paramiko import ParamikoDriver

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


class OptionedDriver(ParamikoDriver):
    """Connects as paramiko's driver does, and notes the options that it was given."""

    name = "optioned"
    contract = (1, 0)
    driver_options: ClassVar = (
        DriverOption(name="depth", kind=OptionKind.INTEGER, meaning="A depth.", default=3),
        DriverOption(
            name="mode", kind=OptionKind.TEXT, meaning="A mode.", default="a", choices=("a", "b")
        ),
        DriverOption(name="linger", kind=OptionKind.SECONDS, meaning="A time."),
        DriverOption(name="quick", kind=OptionKind.SWITCH, meaning="A switch."),
        DriverOption(name="path", kind=OptionKind.FILE, meaning="A file."),
        DriverOption(name="words", kind=OptionKind.TEXTS, meaning="Words."),
        DriverOption(name="context", kind=OptionKind.OBJECT, meaning="An object."),
        DriverOption(name="token", kind=OptionKind.TEXT, meaning="A secret.", secret=True),
    )
    told: ClassVar[list[dict[str, object]]] = []
    """What each instance was given, less what was not."""

    def configure(self, options):
        self.told.append({name: value for name, value in options.items() if value is not None})
        if options["depth"] == 13:
            raise OptionError("driver_options.depth", "13 does not go with this")


def install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """Register the driver by metadata in a folder, and return what it will be told."""
    point = f"{OptionedDriver.__module__}:{OptionedDriver.__qualname__}"
    write_metadata(folder, "wire_optioned", "1.0", "ncwire.drivers", optioned=point)
    monkeypatch.syspath_prepend(str(folder))
    importlib.invalidate_caches()
    OptionedDriver.told.clear()
    return OptionedDriver.told
