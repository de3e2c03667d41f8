"""Which driver a session has, and why."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ncwire._plugins import registry
from ncwire._plugins.recommended import who_can, who_has
from ncwire.driver.ssh import SSHDriver
from ncwire.errors import DriverError, UnsupportedOption

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ncwire.driver import Backend, Feature
    from ncwire.driver.algorithms import Algorithms
    from ncwire.profiles import DeviceProfile

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DriverChoice:
    """The driver that was taken: its name, by what, and which others were passed over.

    `by` is "the argument", "profile 'junos'" with where that says so, "the environment's
    NCWIRE_DRIVER" or "the default". `passed_over` are those that a profile prefers, with the
    reason.
    """

    name: str
    by: str
    passed_over: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        text = f"{self.name} ({self.by})"
        if self.passed_over:
            text += "; passed over: " + "; ".join(
                f"{name} ({reason})" for name, reason in self.passed_over
            )
        return text


def choose(
    driver: str | type[Backend] | None,
    profile: DeviceProfile | None,
    needed: Mapping[str, Feature],
) -> tuple[type[Backend], DriverChoice]:
    """Return the driver's class, and how it was chosen.

    It is that of the argument, else the profile's, else NCWIRE_DRIVER's, else paramiko's. Of
    several that a profile names, the first is taken that is available and has all that is needed;
    `needed` are the parameters that were given, and the feature that each needs.

    Raises `DriverError`, and `UnsupportedOption` for one that lacks what is needed, which names
    the installed drivers that have it.
    """
    preferred = profile.driver if profile is not None and driver is None else ()
    if profile is None or not preferred:
        chosen = registry.choose(driver)
        check(chosen, profile, needed)
        choice = DriverChoice(chosen.name, _by(driver))
    else:
        chosen, choice = _preferred(preferred, profile, needed)
    _log.debug("driver %s", choice)
    return chosen, choice


def check_features(driver: type[Backend], needed: Mapping[str, Feature]) -> None:
    """Raise `UnsupportedOption` for the first parameter whose feature the driver has not."""
    for name, feature in needed.items():
        if feature not in driver.features:
            raise UnsupportedOption(driver.name, name, who_can(feature, driver.transport))


def _by(driver: str | type[Backend] | None) -> str:
    if driver is not None:
        return "the argument"
    if os.environ.get(registry.ENVIRONMENT):
        return f"the environment's {registry.ENVIRONMENT}"
    return "the default"


def _preferred(
    names: tuple[str, ...], profile: DeviceProfile, needed: Mapping[str, Feature]
) -> tuple[type[Backend], DriverChoice]:
    passed_over: list[tuple[str, str]] = []
    failures: list[DriverError | UnsupportedOption] = []
    for name in names:
        try:
            chosen = registry.load(name)
            check(chosen, profile, needed)
        except (DriverError, UnsupportedOption) as error:
            failures.append(error)
            passed_over.append((name, str(error)))
        else:
            return chosen, DriverChoice(name, _place(profile, "driver"), tuple(passed_over))
    if len(failures) == 1:
        raise failures[0]
    reasons = "; ".join(str(error) for error in failures)
    raise UnsupportedOption(" or ".join(names), _place(profile, "driver"), reasons)


def _place(profile: DeviceProfile, key: str) -> str:
    given = profile.values().get(key)
    return f"profile {profile.name if given is None else given.profile!r}"


def check(
    driver: type[Backend], profile: DeviceProfile | None, needed: Mapping[str, Feature]
) -> None:
    """Raise `UnsupportedOption` for the first thing needed, or required, that it has not."""
    check_features(driver, needed)
    if profile is None:
        return
    for feature in profile.requires.features:
        if feature not in driver.features:
            what = f"{feature.value}, which {_place(profile, 'requires.features')} requires"
            raise UnsupportedOption(driver.name, what, who_can(feature, driver.transport))
    _check_algorithms(driver, profile, profile.requires.algorithms)


def _check_algorithms(driver: type[Backend], profile: DeviceProfile, required: Algorithms) -> None:
    if driver.transport != "ssh":
        return  # they are SSH's
    for kind in required.__slots__:
        names = getattr(required, kind)
        if names and not _has(driver, kind, names):
            place = _place(profile, f"requires.{kind}")
            raise UnsupportedOption(
                driver.name,
                f"{' or '.join(names)}, of which {place} requires one",
                who_has(kind, names),
            )


def _has(driver: type[Backend], kind: str, names: tuple[str, ...]) -> bool:
    # What another kind of driver has cannot be seen, so it is taken to have none.
    return issubclass(driver, SSHDriver) and not {*names}.isdisjoint(
        getattr(driver.algorithms, kind)
    )
