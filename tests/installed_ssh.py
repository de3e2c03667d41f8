"""The installed SSH drivers that can be used, for tests that all of them are to pass."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from ncwire._plugins import registry
from waiting import eventually

NAMES = [
    status.name
    for status in registry.survey()
    if (status.status, status.transport) == ("ok", "ssh")
]
QUICK = ("libssh2", "paramiko")
"""Those of the quick suite; the others start programs for each connection."""


def parameter(driver: str, value: Any = None) -> Any:
    """Return a parameter for this driver, the driver itself without a value."""
    marks = () if driver in QUICK else (pytest.mark.exhaustive,)
    return pytest.param(driver if value is None else value, marks=marks, id=value and str(value))


EACH = [parameter(name) for name in NAMES]


def join_ends() -> None:
    """Wait for the programs of the driver openssh, which end a moment after their sessions.

    A thread of that name sees to it, and may leave it to another to reap what is slow to die.
    """

    def ends() -> list[threading.Thread]:
        return [each for each in threading.enumerate() if each.name == "ncwire-openssh end"]

    eventually(lambda: not ends(), ends)
