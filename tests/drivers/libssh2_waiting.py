"""Waiting at either end of a channel of the libssh2 driver's."""

from __future__ import annotations

import select

from ncwire.driver import Channel, ChannelRequest

NETCONF = ChannelRequest("netconf")


def wait_readable(channel: Channel) -> None:
    poll = select.poll()
    poll.register(channel.fileno(), select.POLLIN)
    assert poll.poll(10_000)
