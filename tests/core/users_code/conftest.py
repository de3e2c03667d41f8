"""A session and its peer, on a thread of its own and on a hub."""

from __future__ import annotations

import pytest
from callers import CLIENT

from ncwire import Hub, Session


@pytest.fixture(params=[False, True], ids=["of its own", "a hub's"])
def hub(request):
    hub = Hub() if request.param else None
    yield hub
    if hub is not None:
        hub.close()


@pytest.fixture
def pair(make_peer, hub):
    """Return two peers and their sessions, which a hub serves both or none."""
    both = []
    for _ in range(2):
        peer = make_peer()
        session = Session(CLIENT, hub=hub)
        peer.hello()
        session.open(peer.channel)
        peer.receive()
        both.append((peer, session))
    yield both
    for _, session in both:
        session.close()
