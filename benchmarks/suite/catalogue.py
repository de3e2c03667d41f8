"""All contestants, by what they show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncwire._plugins import registry
from ncwire.bench import contestants
from ncwire.bench.contest import Entry
from ncwire.bench.contestants import FLOORS
from ncwire.bench.measures import SESSION
from ncwire.bench.record import DRIVER, FLOOR, PROGRAM, Contestant

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

KILO = 1024
CHANNEL = "ours.channel:DriverChannel"
CTR = {"cipher": "aes128-ctr", "mac": "hmac-sha2-256-etm@openssh.com"}


def contestant(entry: Entry) -> Contestant:
    """Return what a record tells of a contestant."""
    kind = DRIVER if entry.contestant in (SESSION, CHANNEL) else PROGRAM
    if entry.name.startswith("floor/"):
        kind = FLOOR
    return Contestant(entry.name, kind, yardstick=entry.yardstick or "")


def installed() -> list[str]:
    """Return the drivers that work here; a third party's are among them."""
    return [
        each.name for each in registry.survey() if (each.status, each.transport) == ("ok", "ssh")
    ]


def references() -> list[Entry]:
    """Return what is no yardstick: the ssh program, and the server without SSH."""
    return [
        Entry(contestants.SSH, contestants.PIPES, {"kind": "ssh"}),
        Entry("no SSH", contestants.PIPES, {"kind": "none"}),
    ]


def rpcs(drivers: Sequence[str]) -> list[Entry]:
    """Return each driver's whole rpcs, after the floor of its library."""
    return [
        *_beside_floors(drivers, ("ncwire", SESSION)),
        *references(),
    ]


def elsewhere(python: str, entries: Sequence[Entry]) -> list[Entry]:
    """Return these contestants as another environment has them, each measured by the one here.

    `python` is that environment's interpreter: one in which another state of ncwire is installed.
    """
    command = (python, "-P", "-m", "ncwire.bench.worker")
    return [
        Entry(
            f"{entry.name} elsewhere", entry.contestant, entry.parameters, entry.name, command, ""
        )
        for entry in entries
        if entry.contestant == SESSION
    ]


def layers(drivers: Sequence[str]) -> list[Entry]:
    """Return each driver's channel and whole rpcs, after the floor of its library."""
    channel = ("channel", CHANNEL)
    rpc = ("ncwire", SESSION)
    return [*_beside_floors(drivers, channel, rpc)]


def framings() -> list[Entry]:
    """Return what decodes replies that are in memory."""
    floor = Entry("floor/framing", "ours.framing:FloorFraming")
    return [
        floor,
        Entry("ncwire/_protocol/framing", "ours.framing:ProtocolOnly", yardstick=floor.name),
    ]


def floors(library: str) -> list[Entry]:
    """Return the floor of a library and what was tried in its place."""
    name, contestant = FLOORS[library]
    return [
        Entry(name, contestant),
        *(
            Entry(f"{name} {label}", contestant, parameters, yardstick=name)
            for label, parameters in _VARIANTS[library].items()
        ),
    ]


_VARIANTS: dict[str, dict[str, dict[str, object]]] = {
    "libssh2": {
        "blocking": {"mode": "block"},
        "read first": {"mode": "read first"},
        "reads of 32 kB": {"read": 32 * KILO},
        "reads of 64 kB": {"read": 64 * KILO},
        "reads of 1 MB": {"read": KILO * KILO},
        "window of 16 MB": {"window": 16 * KILO * KILO},
        "aes256-gcm": {"cipher": "aes256-gcm@openssh.com"},
        "aes128-ctr": CTR,
        "chacha20": {"cipher": "chacha20-poly1305@openssh.com"},
    },
    "paramiko": {
        "blocking": {"mode": "block"},
        "reads of 64 kB": {"read": 64 * KILO},
        "reads of 256 kB": {"read": 256 * KILO},
        "default window": {"window": 64 * 2**15},
        "default packets": {"packet": 2**15},
        "default window and packets": {"window": 64 * 2**15, "packet": 2**15},
        "buffered socket": {"sock": "buffered"},
        "buffered socket, blocking": {"sock": "buffered", "mode": "block"},
        "aes256-gcm": {"cipher": "aes256-gcm@openssh.com"},
        "aes128-ctr": CTR,
    },
}


def _beside_floors(drivers: Sequence[str], *kinds: tuple[str, str]) -> Iterator[Entry]:
    for driver in drivers:
        floor = FLOORS.get(driver)
        if floor is not None:
            yield Entry(*floor)
        for kind, contestant in kinds:
            yardstick = None if floor is None else floor[0]
            yield Entry(f"{kind}/{driver}", contestant, {"driver": driver}, yardstick)
