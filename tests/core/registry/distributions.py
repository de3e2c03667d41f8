"""Drivers as real distributions: packages with metadata, on the path."""

from __future__ import annotations

from ncwire._plugins import registry
from ncwire.driver import CONTRACT

MAJOR, MINOR = CONTRACT

SOUND = """
from ncwire.driver import Driver, Feature

class {cls}(Driver):
    name = "{name}"
    contract = {contract}
    features = frozenset({{Feature.PASSWORD}})

    @classmethod
    def library(cls):
        return "wire 9.8"

    def connect(self, options, deadline):
        raise NotImplementedError

    def abort(self):
        pass
"""


def sound(name: str, contract: tuple[int, int] = CONTRACT) -> str:
    return SOUND.format(cls="TheDriver", name=name, contract=contract)


def status_of(name: str) -> registry.DriverStatus:
    (status,) = [status for status in registry.survey() if status.name == name]
    return status
