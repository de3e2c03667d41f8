"""A hub that is closed stops all that make sessions for it, whatever they are at."""

from __future__ import annotations

import gc
import logging
import socket
import threading
import weakref

import pytest

from ncwire import Hub, Persistent
from ncwire.errors import SessionCloseError, TransportError
from ncwire.persistent import Backoff, State
from restarted_device import Changes, persistent

pytestmark = pytest.mark.usefixtures("nothing_left")

LATER = Backoff(first=1000, ceiling=1000, random=lambda: 1.0)


def test_one_that_waits_for_its_next_attempt_stops_at_once(device, changes):
    device.stop()
    hub = Hub()
    keeper = persistent(device, hub=hub, backoff=LATER, on_change=changes)
    events = keeper.notifications()
    changes.wait_for(State.WAITING)
    raised = []

    def wait():
        with pytest.raises(SessionCloseError, match="the hub was closed") as caught:
            keeper.session(60)
        raised.append(caught.value)

    waiting = threading.Thread(target=wait)
    waiting.start()
    hub.close()
    waiting.join(20)
    assert raised == [keeper.cause]
    assert changes.seen[-1].state is State.STOPPED
    assert list(events) == []


def test_an_attempt_under_way_is_broken_off(changes):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(20)
        port = silent.getsockname()[1]
        hub = Hub()
        keeper = Persistent(
            "127.0.0.1", port=port, hub=hub, hostkey_verify=False, on_change=changes
        )
        accepted, _ = silent.accept()
        with accepted:
            hub.close()
            accepted.settimeout(10)  # seconds: less than the handshake's budget
            while accepted.recv(4096):
                pass
    assert "the hub was closed" in str(keeper.cause)
    assert changes.seen[-1].state is State.STOPPED


def test_it_is_what_the_program_wanted_and_no_warning(device, caplog):
    caplog.set_level(logging.INFO, "ncwire.persistent")
    hub = Hub()
    persistent(device, hub=hub).session(20)
    hub.close()
    assert caplog.records == []


def test_none_is_made_on_a_hub_that_is_closed(device):
    hub = Hub()
    hub.close()
    with pytest.raises(TransportError, match="the hub is closed"):
        persistent(device, hub=hub)
    assert device.connections == 0


def test_one_that_was_closed_is_the_hubs_no_more(device):
    changes = Changes()
    of_the_keepers = weakref.ref(changes)
    with Hub() as hub:
        keeper = persistent(device, hub=hub, on_change=changes)
        keeper.session(20)
        keeper.close()
        hub.close()
        assert "the persistent session was closed" in str(keeper.cause)
    with Hub() as hub:
        keeper = persistent(device, hub=hub, on_change=changes)
        keeper.close()
        del keeper, changes
        gc.collect()
        assert of_the_keepers() is None


def test_who_would_make_another_session_is_stopped_before_the_sessions_end():
    told = []

    class Noted:
        def __init__(self, name):
            self.name = name

        def end(self, cause):
            told.append(self.name)

        def close(self):
            pass

    hub = Hub()
    hub.add(Noted("session"))
    hub.add_dependent(Noted("dependent"))
    hub.close()
    assert told == ["dependent", "session"]
