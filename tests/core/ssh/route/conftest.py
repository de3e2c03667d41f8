"""A route, and a tunnel that is one."""

from __future__ import annotations

import threading

import pytest
from routes import through
from scripted_driver import open_fds

from ncwire._ssh.route.route import Route
from ncwire.testing.memory import MemoryChannel


@pytest.fixture
def no_route_left():
    """The test leaves no thread and no fd."""
    threads, fds = threading.active_count(), open_fds()
    yield
    assert threading.active_count() == threads
    assert open_fds() == fds


@pytest.fixture
def route():
    each = Route(linger=5.0)
    yield each
    each.abort()


@pytest.fixture
def tunnel(route):
    """Our end of a tunnel, and the end of the host behind it; both block."""
    channel, peer = MemoryChannel.pair()
    ours = through(route, channel)
    ours.settimeout(10)
    peer.settimeout(10)
    with ours, peer:
        yield ours, peer
