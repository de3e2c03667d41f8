"""The contestants that there are: drivers, the floors beneath them, and the ssh program."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from ncwire._plugins import registry
from ncwire.bench import machine
from ncwire.bench.contest import Entry
from ncwire.bench.handover import packed
from ncwire.bench.measures import SESSION
from ncwire.bench.record import DRIVER, FLOOR, PROGRAM, Absence, Contestant

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ncwire._plugins.registry import DriverStatus

PIPES = "ncwire.bench.floor.pipes:Pipes"
SSH = "ssh -s"

FLOORS = {
    "libssh2": ("floor/libssh2", "ncwire.bench.floor.bare_ssh2:BareSSH2"),
    "paramiko": ("floor/paramiko", "ncwire.bench.floor.bare_paramiko:BareParamiko"),
}
"""The floor of the library that a driver stands on: its name, and its class."""


def available(names: Sequence[str] | None) -> tuple[list[DriverStatus], list[Absence]]:
    """Return the drivers of these names, which must work; None: all that do, and the others.

    Raises the `DriverError` of a driver that was named, or of the last where none works.
    """
    if names is not None:
        for name in names:
            registry.load(name)
    statuses = [
        each
        for each in registry.survey()
        if (each.transport in {"ssh", ""} if names is None else each.name in names)
    ]
    working = [each for each in statuses if each.status == "ok"]
    if not working:
        registry.choose(statuses[-1].name if statuses else None)
    absent = [
        Absence(each.name, "; ".join(filter(None, (each.reason, each.remedy))))
        for each in statuses
        if each.status != "ok"
    ]
    return working, absent


def sessions(
    drivers: Sequence[DriverStatus], device: Mapping[str, Any] | None = None
) -> list[tuple[Entry, Contestant]]:
    """Return the drivers as contestants, on a server of ours or a device.

    `device` are the parameters of `ncwire.connect` for it.
    """
    parcel = None if device is None else packed(device)
    return [
        (
            Entry(each.name, SESSION, {"driver": each.name, "device": parcel}),
            Contestant(
                each.name, DRIVER, each.library, f"{each.distribution} {each.version}".strip()
            ),
        )
        for each in drivers
    ]


def references(
    drivers: Sequence[DriverStatus],
) -> tuple[list[tuple[Entry, Contestant]], list[Absence]]:
    """Return the floors beneath these drivers, and the ssh program; and who is missing."""
    found: list[tuple[Entry, Contestant]] = []
    absent: list[Absence] = []
    working = {each.name: each for each in drivers}
    for driver, (name, contestant) in FLOORS.items():
        if driver in working:
            beneath = Contestant(name, FLOOR, working[driver].library)
            found.append((Entry(name, contestant), beneath))
        else:
            absent.append(Absence(name, f"the driver {driver} takes no part"))
    absent += [
        Absence(f"floor/{each.name}", "there is no bare loop over its library")
        for each in drivers
        if each.name not in FLOORS
    ]
    if shutil.which("ssh") is None:
        absent.append(Absence(SSH, "OpenSSH's ssh is not installed"))
    else:
        program = Contestant(SSH, PROGRAM, machine.openssh().partition(",")[0])
        found.append((Entry(SSH, PIPES, {"kind": "ssh"}), program))
    return found, absent
