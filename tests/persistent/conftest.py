"""What tests of persistent sessions share."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from ncwire import Hub
from restarted_device import Changes, RestartedDevice
from waiting import eventually


@pytest.fixture
def device(tmp_path):
    device = RestartedDevice(tmp_path / "s").start()
    yield device
    device.stop()


@pytest.fixture
def changes():
    return Changes()


@pytest.fixture(params=["of its own", "on a hub"])
def hub(request):
    if request.param == "of its own":
        yield None
        return
    with Hub() as hub:
        yield hub


@pytest.fixture
def nothing_left():
    """After the test there is no thread and no fd more than before it."""

    def fds():
        return len(list(Path("/proc/self/fd").iterdir()))

    threads, before = set(threading.enumerate()), fds()
    yield
    eventually(
        lambda: set(threading.enumerate()) <= threads,
        lambda: [each.name for each in set(threading.enumerate()) - threads],
    )
    eventually(lambda: fds() <= before, lambda: f"{fds()} fds, and {before} before")
