"""The contestants that there are: drivers, the floors beneath them, and the ssh program."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from ncwire._plugins import registry
from ncwire.bench import machine, servers
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
"""The floor of the SSH library that a driver stands on: its name, and its class."""

OTHER_FLOORS = {
    "tls": ("floor/tls", "ncwire.bench.floor.bare_tls:BareTLS"),
    "unix": ("floor/unix", "ncwire.bench.floor.bare_unix:BareUnix"),
}
"""The same for other drivers; their servers are other ones, too."""

BENEATH_SSH = "openssh"
"""The driver whose floor the ssh program is."""


def available(names: Sequence[str] | None) -> tuple[list[DriverStatus], list[Absence]]:
    """Return the drivers of these names, which must work; None: all that do, and the others.

    Raises the `DriverError` of a driver that was named, or of the last where none works.
    """
    if names is not None:
        for name in names:
            registry.load(name)
    statuses = [each for each in registry.survey() if names is None or each.name in names]
    working = [each for each in statuses if each.status == "ok"]
    if not working:
        registry.choose(statuses[-1].name if statuses else None)
    absent = [
        Absence(each.name, "; ".join(filter(None, (each.reason, each.remedy))))
        for each in statuses
        if each.status != "ok"
    ]
    return working, absent


def on_servers(drivers: Sequence[DriverStatus]) -> tuple[list[DriverStatus], list[Absence]]:
    """Return the drivers that there is a server of ours for, and the others."""
    there = [each for each in drivers if each.transport in servers.TRANSPORTS]
    absent = [
        Absence(each.name, f"there is no server here for its transport, {each.transport}")
        for each in drivers
        if each not in there
    ]
    return there, absent


def over_ssh(drivers: Sequence[DriverStatus]) -> tuple[list[DriverStatus], list[Absence]]:
    """Return the drivers over SSH, by which devices are reached, and the others."""
    there = [each for each in drivers if each.transport == "ssh"]
    absent = [
        Absence(each.name, f"its transport is {each.transport}; --drivers {each.name} takes it")
        for each in drivers
        if each not in there
    ]
    return there, absent


def sessions(
    drivers: Sequence[DriverStatus],
    device: Mapping[str, Any] | None = None,
    ways: Mapping[str, Mapping[str, Any]] | None = None,
) -> list[tuple[Entry, Contestant]]:
    """Return the drivers as contestants, on servers of ours or a device.

    `device` are the parameters of `ncwire.connect` for it; `ways` those for servers of ours, by
    the transport, for whom the run's target is none.
    """
    parcel = None if device is None else packed(device)
    found = []
    for each in drivers:
        parameters: dict[str, Any] = {"driver": each.name, "device": parcel}
        if ways and each.transport in ways:
            parameters["way"] = ways[each.transport]
        made = f"{each.distribution} {each.version}".strip()
        found.append(
            (
                Entry(each.name, SESSION, parameters),
                Contestant(each.name, DRIVER, each.library, made, transport=each.transport),
            )
        )
    return found


def references(
    drivers: Sequence[DriverStatus], ways: Mapping[str, Mapping[str, Any]] | None = None
) -> tuple[list[tuple[Entry, Contestant]], list[Absence]]:
    """Return the floors beneath these drivers, and the ssh program; and who is missing."""
    found: list[tuple[Entry, Contestant]] = []
    absent: list[Absence] = []
    working = {each.name: each for each in drivers}
    for driver, (name, contestant) in {**FLOORS, **OTHER_FLOORS}.items():
        if driver in working:
            transport = working[driver].transport
            way = dict((ways or {}).get(transport, {}))
            beneath = Contestant(name, FLOOR, working[driver].library, transport=transport)
            found.append((Entry(name, contestant, way), beneath))
        else:
            absent.append(Absence(name, f"the driver {driver} takes no part"))
    absent += [
        Absence(f"floor/{each.name}", "there is no bare loop over its library")
        for each in drivers
        if each.name not in {*FLOORS, *OTHER_FLOORS, BENEATH_SSH}
    ]
    if not any(each.transport == "ssh" for each in drivers):
        absent.append(Absence(SSH, "no driver over SSH takes part"))
    elif shutil.which("ssh") is None:
        absent.append(Absence(SSH, "OpenSSH's ssh is not installed"))
    else:
        program = Contestant(SSH, PROGRAM, machine.openssh().partition(",")[0])
        found.append((Entry(SSH, PIPES, {"kind": "ssh"}), program))
    return found, absent
