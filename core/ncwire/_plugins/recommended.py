"""Which other drivers an error names, and for which hosts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncwire._plugins import registry
from ncwire._plugins.vulnerabilities import open_to_a_stranger

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ncwire._plugins.registry import DriverStatus
    from ncwire.driver import Feature

KNOWN_HOSTS_ONLY = "at a host whose key you know"
"""What is said of a driver by whose library a host that is accepted unseen can get at the memory
of the process."""


def who_can(feature: Feature, transport: str = "ssh") -> str:
    """Return a phrase that names the installed drivers of a transport which declare a feature."""
    return _phrase(
        (
            status
            for status in registry.survey()
            if feature.value in status.features and status.transport == transport
        ),
        "" if transport == "ssh" else f" over {transport}",
    )


def who_has(kind: str, names: Sequence[str]) -> str:
    """Return a phrase that names the installed drivers with any of these algorithms.

    `kind` is a field of `Algorithms`.
    """
    return _phrase(
        status
        for driver, status in registry.ssh_drivers()
        if not {*names}.isdisjoint(getattr(driver.algorithms, kind))
    )


def _phrase(able: Iterable[DriverStatus], over: str = "") -> str:
    for_all, for_known = [], []
    for status in able:
        if status.status != "ok":
            continue
        if open_to_a_stranger(status.libraries):
            for_known.append(f"{status.name} ({KNOWN_HOSTS_ONLY}; see: ncwire drivers)")
        else:
            for_all.append(status.name)
    named = ", ".join(for_all + for_known)
    return f"these drivers do: {named}" if named else f"no installed driver does{over}"
