"""What tests of persistent sessions by `await` share."""

from __future__ import annotations

import asyncio

import ncwire
from ncwire.persistent import Backoff
from restarted_device import AT_ONCE

LATER = Backoff(first=1000, ceiling=1000, random=lambda: 1.0)
"""The next attempt is one that no test waits for."""


class Changes:
    """Notes each status, and lets a task wait for a state."""

    def __init__(self):
        self.seen = []
        self._changed = asyncio.Event()

    def __call__(self, status):
        self.seen.append(status)
        self._changed.set()

    async def wait_for(self, state, times=1):
        """Return the status with which this state came so many times."""
        while True:
            found = [each for each in self.seen if each.state is state][times - 1 :]
            if found:
                return found[0]
            self._changed.clear()
            await self._changed.wait()


def persistent(device, **more):
    """Return a persistent session with the device that is quick to come back."""
    return ncwire.aio.Persistent(**device.target, **{"backoff": AT_ONCE, **more})


class Reached:
    """An `on_change` that lets a task wait for a state."""

    def __init__(self, state):
        self.state = state
        self.seen = []
        self.event = asyncio.Event()

    def __call__(self, status):
        self.seen.append(status.state)
        if status.state is self.state:
            self.event.set()
