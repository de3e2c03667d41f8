"""Listeners with a driver."""

from __future__ import annotations

import queue

import pytest
from called_home import PATIENCE

from ncwire._plugins import registry
from ncwire.callhome import listen
from ncwire.driver import SSHDriver
from ncwire.testing.conformance.resources import Resources, left_since


@pytest.fixture(autouse=True)
def _driver_with_steps(driver: str) -> None:
    found = registry.load(driver)
    if found.transport == SSHDriver.transport and not issubclass(found, SSHDriver):
        pytest.skip(f"driver {driver!r} takes no connection by steps, as calling home needs")


@pytest.fixture
def leaves_nothing():
    """The test leaves no thread, fd or child process behind."""
    before = Resources.now()
    yield
    assert left_since(before, PATIENCE) == ""


@pytest.fixture
def opened(driver):
    """Listen with the driver; `refused` has the refusals."""
    listeners, refused = [], queue.Queue()

    def make(*devices, **more):
        more = {"port": 0, "driver": driver, "on_refused": refused.put} | more
        listeners.append(listen(devices, **more))
        return listeners[-1]

    make.refused = refused
    yield make
    for listener in listeners:
        listener.close()
