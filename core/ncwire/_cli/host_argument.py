"""HOST on the command line: where it has to be, and where there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ncwire.errors import OptionError

if TYPE_CHECKING:
    from ncwire.driver import Backend

LEFT_OUT: Final = "none with a driver over Unix sockets: --driver unix -O path=PATH"


def is_left_out_for(driver: type[Backend] | None) -> bool:
    """Return whether a driver connects to no host, so that HOST is left out."""
    return driver is not None and driver.transport == "unix"


def check(host: str | None, driver: type[Backend] | None) -> None:
    """Raise `OptionError` for a HOST that is missing, or that the driver has no use for."""
    if host is not None and is_left_out_for(driver):
        name = "" if driver is None else driver.name
        raise OptionError(
            "HOST",
            f"{host!r} is no device of the inventory, and driver {name!r} connects to no host: "
            "give the URL netconf+unix:///PATH in its place, or -O path=PATH without HOST",
        )
    if host is None and not is_left_out_for(driver):
        of_driver = "" if driver is None else f" by driver {driver.name!r}"
        raise OptionError(
            "HOST",
            f"needed{of_driver}: a device of the inventory, a name, an address or a URL; none "
            "with --driver unix -O path=PATH",
        )
