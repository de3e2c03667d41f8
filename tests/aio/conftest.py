"""Event loops of both kinds, of which nothing may be left."""

from __future__ import annotations

import asyncio
import gc
import threading
from pathlib import Path

import pytest
from aio_loops import loop_factory

from restarted_device import RestartedDevice
from waiting import eventually


def fds() -> set[str]:
    """Return what this process has open: fds that merely look alike are the same."""
    found = set()
    for each in Path("/proc/self/fd").iterdir():
        try:
            found.add(f"{each.name} {each.readlink()}")
        except FileNotFoundError:  # that of the listing itself
            continue
    return found


@pytest.fixture(params=["asyncio", "uvloop"])
def kind(request) -> str:
    return request.param


@pytest.fixture
def run(kind):
    """Run a coroutine in a new event loop; no fd and no thread is left of it."""
    factory = loop_factory(kind)

    def run(coroutine):
        with asyncio.Runner(loop_factory=factory) as runner:
            return runner.run(asyncio.wait_for(coroutine, 50))

    with asyncio.Runner(loop_factory=factory) as runner:  # what is made once in a process
        runner.run(asyncio.sleep(0))
    gc.collect()
    before, threads = fds(), set(threading.enumerate())
    yield run
    gc.collect()
    eventually(lambda: fds() <= before, lambda: f"left: {fds() - before}")
    eventually(
        lambda: set(threading.enumerate()) <= threads,
        lambda: f"left: {set(threading.enumerate()) - threads}",
    )


@pytest.fixture
def device(run, tmp_path):  # after `run`, which looks for what is left when this has stopped
    device = RestartedDevice(tmp_path / "s").start()
    yield device
    device.stop()
