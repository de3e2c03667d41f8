"""What to do when client and server have no algorithm in common: which driver could, and how."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from ncwire._algorithms.names import ASSIGNED
from ncwire._algorithms.offer import KINDS, MODERN, in_common
from ncwire._plugins import registry
from ncwire._plugins.recommended import KNOWN_HOSTS_ONLY
from ncwire._plugins.vulnerabilities import open_to_a_stranger
from ncwire.driver.algorithms import Algorithms
from ncwire.driver.kexinit import is_aead

if TYPE_CHECKING:
    from ncwire.errors import NoCommonAlgorithmError


def advise(error: NoCommonAlgorithmError) -> str:
    """Return which drivers could talk to the server, and with which `algorithms`.

    The drivers that can be used are asked, and those that only lack their library. "" when it
    is not known what the server offers.
    """
    if error.theirs is None:
        return ""
    ways = []
    for driver, status in registry.ssh_drivers():
        allow = to_allow(driver.algorithms, error.theirs)
        if allow is None or (allow == Algorithms() and _is_default(error.ours, driver.algorithms)):
            continue  # what has just failed is no advice
        way = f"driver {status.name} could, with {_told(allow)}"
        if open_to_a_stranger(status.libraries):
            way += f", {KNOWN_HOSTS_ONLY} (see: ncwire drivers)"
        if status.remedy:
            # What its library will be, and with which holes, shows when it is there.
            way += f" (not usable yet: {status.remedy}; then see: ncwire drivers)"
        ways.append(way)
    if ways:
        return "; ".join(ways)
    return "no installed driver could"


def to_allow(has: Algorithms, theirs: Algorithms) -> Algorithms | None:
    """Return what to allow for a driver that `has` these, the least of it; None if it cannot."""
    has = dataclasses.replace(has, compression=has.compression or ("none",))
    possible = in_common(theirs, has)
    default = in_common(MODERN, possible)
    needed: dict[str, tuple[str, ...]] = {}
    for kind in KINDS:
        if getattr(default, kind):
            continue
        if kind == "macs" and _is_aead_agreed(default, needed):
            continue
        names = getattr(possible, kind)
        if not names:
            return None
        strongest = next((name for name in getattr(ASSIGNED, kind) if name in names), names[0])
        needed[kind] = (strongest,)
    return Algorithms(**needed)


def _is_aead_agreed(default: Algorithms, needed: dict[str, tuple[str, ...]]) -> bool:
    return is_aead((default.ciphers or needed["ciphers"])[0])


def _is_default(ours: Algorithms, has: Algorithms) -> bool:
    default = in_common(MODERN, has)
    # The order of host keys depends on the keys on file.
    return all(set(getattr(ours, kind)) >= set(getattr(default, kind)) for kind in KINDS)


def _told(allow: Algorithms) -> str:
    lists = ", ".join(f"{kind}={names!r}" for kind in KINDS if (names := getattr(allow, kind)))
    if not lists:
        return "the default algorithms"
    return f"algorithms=AlgorithmPolicy(allow=Algorithms({lists}))"
