"""Drivers over the memory driver whose channel is another: what the broken ones are made of."""

from __future__ import annotations

from ncwire.testing.memory import MemoryChannel, MemoryDriver

A_WHILE = 0.25
"""Seconds that only a peer who takes nothing has a write blocked for."""


class Broken(MemoryDriver):
    """The memory driver, with another channel."""

    contract = (1, 0)
    channel: type[MemoryChannel] = MemoryChannel

    def connect(self, options, deadline):
        return self.channel(super().connect(options, deadline).native)


def drivers_of(module):
    """Return for each broken channel of a module, given by its `vars()`, a driver with it."""
    return {
        f"{channel.__name__}Driver": over(channel)
        for channel in module.values()
        if isinstance(channel, type) and "breaks" in vars(channel)
    }


def over(channel):
    """Return the class of a driver with that channel, in the channel's module."""
    members = {
        "channel": channel,
        "contract": (1, 0),
        "__doc__": channel.__doc__,
        "__module__": channel.__module__,
        "breaks": channel.breaks,
    }
    return type(channel.__name__ + "Driver", (Broken,), members)
