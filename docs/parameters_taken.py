"""Which driver takes which parameter of `ncwire.connect`, as ncwire's own checks have it."""

# ruff: noqa: INP001 - a module beside the pages, not part of a package

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import TYPE_CHECKING

from ncwire import connect
from ncwire._ssh.options.defaults import DEFAULT_PORT
from ncwire._transports.connect import without_ssh
from ncwire._transports.settling import fitted
from ncwire.driver import ConnectOptions, SSHDriver
from ncwire.errors import OptionError, UnsupportedOption

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ncwire.driver import Driver, Feature

_OF_ANY_SESSION = frozenset(
    {"profile", "driver", "capabilities", "limits", "hub", "observers", "require_session_id"}
)


def rows(
    drivers: Sequence[type[Driver]], parameters_by_feature: Mapping[Feature, Sequence[str]]
) -> Iterator[tuple[str, list[bool]]]:
    """Yield each parameter but `host`, with whether each of the drivers takes it."""
    needed = {name: feature for feature, names in parameters_by_feature.items() for name in names}
    needed["sock_fd"] = needed["sock"]
    for each in inspect.signature(connect).parameters.values():
        if each.name != "host":
            feature = needed.get(each.name)
            yield (
                each.name,
                [
                    (feature is None or feature in driver.features) and _takes(driver, each)
                    for driver in drivers
                ],
            )


def _takes(driver: type[Driver], parameter: inspect.Parameter) -> bool:
    if driver.transport == SSHDriver.transport or parameter.name in _OF_ANY_SESSION:
        return True
    default = parameter.default
    options = ConnectOptions(host="host", port=DEFAULT_PORT, username="")
    if parameter.name == "port":
        options = replace(options, port=1)
    elif parameter.name == "username":
        options = replace(options, username="user")
    try:
        given = not default if isinstance(default, bool) else object()
        without_ssh(driver, {parameter.name: given})
        fitted(options, driver, None)
    except (OptionError, UnsupportedOption):
        return False
    return True
