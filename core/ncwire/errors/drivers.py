"""Errors of a driver, and of what it cannot do."""

from __future__ import annotations

from ncwire.errors.base import NcwireError


class DriverError(NcwireError):
    """A driver cannot be used; `name`, `reason` and `remedy` say which, why and what to do."""

    def __init__(self, name: str, reason: str, remedy: str) -> None:
        super().__init__(f"driver {name!r}: {reason}; {remedy}")
        self.name = name
        self.reason = reason
        self.remedy = remedy


class DriverNotFoundError(DriverError):
    """No installed package registers a driver of that name."""


class DriverImportError(DriverError):
    """The driver's package is installed, and importing it failed."""


class DriverUnavailable(DriverError):  # noqa: N818 - the contract's own name for it
    """The driver is sound, but something that it needs is not installed."""


class ContractMismatch(DriverError):  # noqa: N818 - the contract's own name for it
    """The driver was written for another version of the contract."""


class InvalidDriverError(DriverError):
    """What the entry point names is no driver, or breaks the contract."""


class UnsupportedOption(NcwireError):  # noqa: N818 - the contract's own name for it
    """The driver cannot honour a parameter; raised before any packet is sent."""

    def __init__(self, driver: str, option: str, remedy: str = "") -> None:
        text = f"driver {driver!r} does not support {option}"
        super().__init__(f"{text}; {remedy}" if remedy else text)
        self.driver = driver
        self.option = option
        self.remedy = remedy
