"""What the tests of `LoopThread` share: what it leaves, and a coroutine that does not end."""

from __future__ import annotations

import asyncio
import gc
import threading
from pathlib import Path

from interrupting import folder_of
from ncwire.driver import Deadline
from waiting import eventually

PATIENCE = 20
NAME = "a driver's loop"
DRIVER = folder_of("ncwire.driver")


def soon(seconds=PATIENCE):
    return Deadline.after(seconds, "a step")


def threads():
    return [each for each in threading.enumerate() if each.name == NAME]


def fds():
    return len(list(Path("/proc/self/fd").iterdir()))


def all_ended(before):
    gc.collect()
    eventually(lambda: not threads() and fds() <= before, lambda: f"{threads()} {before} {fds()}")


async def thread():
    return threading.get_ident()


def in_thread(function):
    """Return what ends when a function has, in a thread of its own, and what it raised or gave."""
    results = []

    def run():
        try:
            results.append(function())
        except Exception as error:  # noqa: BLE001 - for the test
            results.append(error)

    running = threading.Thread(target=run)
    running.start()
    return running, results


class Held:
    """A coroutine that tells when it is in the middle, and how it has ended."""

    def __init__(self):
        self.begun, self.ended = threading.Event(), threading.Event()
        self.cancelled = False

    async def run(self):
        self.begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        finally:
            self.ended.set()
