"""The options of the driver's that count for all who call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ncwire._plugins.driver_options import PerDriver, settled
from ncwire._plugins.option_values import key_of
from ncwire.errors import OptionError

if TYPE_CHECKING:
    from ncwire.callhome.device import Device
    from ncwire.driver import Backend


class SharedOptions:
    """The options that are the listener's: given to it, or said alike by all devices.

    `telling_apart` are those that a device has for itself.
    """

    def __init__(
        self,
        driver: type[Backend],
        given: Mapping[str, object],
        telling_apart: frozenset[str] = frozenset(),
    ) -> None:
        self._driver = driver
        self._given = given_of(driver, given)
        self._telling_apart = telling_apart
        self._said_by = ""
        self._said: Mapping[str, object] | None = None

    @property
    def values(self) -> Mapping[str, object]:
        """All of them; a value of None is as if it were not given."""
        return {**(self._said or {}), **self._given}

    def less(self, device: Device) -> dict[str, object]:
        """Return what a device says of itself alone. Raises `OptionError` for a difference."""
        options = {} if device.driver_options is None else device.driver_options
        if not isinstance(options, Mapping):
            problem = f"must be a mapping of names to values, not {type(options).__name__}"
            raise OptionError("driver_options", problem)
        own = given_of(self._driver, options)
        apart = own.keys() & self._telling_apart
        said = own.keys() - apart - self._given.keys()
        theirs = settled(self._driver, {name: own[name] for name in said})
        if self._said is None:
            self._said, self._said_by = theirs, device.name
        for name, value in theirs.items():
            if value != self._said[name]:
                problem = (
                    f"is not that of {self._said_by}, and one is for all who call: what it is "
                    "for comes before it is known who calls. Give it to the listener"
                )
                raise OptionError(key_of(name), problem)
        return {name: own[name] for name in apart}


def given_of(driver: type[Backend], options: Mapping[str, object]) -> dict[str, object]:
    """Return those that are for the driver, and are given."""
    if isinstance(options, PerDriver):
        options = options.of(driver.name)
    return {name: value for name, value in options.items() if value is not None}
