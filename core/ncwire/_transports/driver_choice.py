"""Which driver a session of a certain transport has."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ncwire._plugins import registry
from ncwire.errors import DriverError, OptionError
from ncwire.profiles.driver_choice import choose

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ncwire.driver import Backend, Feature
    from ncwire.profiles import DeviceProfile
    from ncwire.profiles.driver_choice import DriverChoice

SSH: Final = "ssh"
_CLASSES: Final = {SSH: "SSHSession", "tls": "TLSSession", "unix": "UnixSocketSession"}
"""The session of each transport that has one of its own."""


def candidate(
    driver: str | type[Backend] | None, profile: DeviceProfile | None
) -> type[Backend] | None:
    """Return the driver that `choose` would take, as far as that can be told; None for none.

    Of several that a profile names it is the first that can be used.
    """
    named = profile.driver if profile is not None and driver is None else ()
    for each in named or (driver,):
        try:
            return registry.choose(each)
        except DriverError:
            continue  # connecting tells of it
    return None


def choose_for(
    transport: str | None,
    default: str | None,
    driver: str | type[Backend] | None,
    profile: DeviceProfile | None,
    needed: Mapping[str, Feature],
) -> tuple[type[Backend], DriverChoice]:
    """Return the driver's class for a transport, and how it was chosen.

    It is the argument's; or else the first of the profile's, or else NCWIRE_DRIVER's, as far as
    they are of that transport; or else the default. `transport` None is any but SSH, and a
    `default` of None makes it an error if what is chosen is of another; but over SSH
    NCWIRE_DRIVER's does not count then, and the default is paramiko. Raises what `choose` does,
    and `OptionError` for a driver of another transport, naming the class that it is for.
    """
    by = None
    if driver is None and default is not None:
        preferred = () if profile is None else profile.driver
        fitting = tuple(name for name in preferred if _is_of(name, transport))
        if profile is not None and fitting:
            profile = profile if fitting == preferred else replace(profile, driver=fitting)
        elif (named := os.environ.get(registry.ENVIRONMENT)) and _is_of(named, transport):
            driver, by = named, f"the environment's {registry.ENVIRONMENT}"
        else:
            driver, by = default, "the default"
    elif driver is None and transport == SSH and not (profile is not None and profile.driver):
        named = os.environ.get(registry.ENVIRONMENT)
        # One that cannot be loaded is told.
        if named and registry.load(named).transport != SSH:
            driver, by = registry.DEFAULT, "the default"
    if driver is not None or profile is None or not profile.driver:
        # Before its features are asked for: what it lacks may be all that the other class has.
        _check(registry.choose(driver), transport)
    chosen, choice = choose(driver, profile, needed)
    _check(chosen, transport)
    return chosen, choice if by is None else replace(choice, by=by)


def _is_of(name: str, transport: str | None) -> bool:
    try:
        return registry.load(name).transport == transport
    except DriverError:
        return False


def _check(driver: type[Backend], transport: str | None) -> None:
    found = driver.transport
    if found == transport or (transport is None and found != SSH):
        return
    fits = _CLASSES.get(found, "DriverSession")
    raise OptionError(
        "driver",
        f"{driver.name!r} carries NETCONF over {found}: use {fits}, or ncwire.connect, which "
        "takes the one that fits",
    )
