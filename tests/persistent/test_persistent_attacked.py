"""What a program, a hub or a function does to a persistent session in the worst moment."""

from __future__ import annotations

import threading
import time

import pytest

import ncwire
from ncwire import Hub, Persistent, SessionListener
from ncwire.errors import SessionCloseError, SessionError
from ncwire.persistent import Backoff, State
from restarted_device import AT_ONCE, BASE, persistent
from waiting import eventually

pytestmark = pytest.mark.usefixtures("nothing_left")

LATER = Backoff(first=1000, ceiling=1000, random=lambda: 1.0)
QUICK = 4.0
"""Seconds: less than any budget that would be waited out."""


def test_an_attempt_that_is_due_while_one_is_at_work_waits_for_its_end(device):
    """On a hub another thread is free for it; both would have shared what `close` breaks off."""
    sessions, raised, overlapped = [], [], []
    begun = threading.Event()

    def prepare(session):
        sessions.append(session)
        if len(sessions) == 2:
            begun.set()
            with pytest.raises(SessionCloseError) as caught:
                session.rpc("<silence/>", 60)
            raised.append(caught.value)

    def changed(status):
        if len(sessions) != 1:
            return
        if status.state is State.UP:
            device.hang_up()
            sessions[0].join(20)
        elif status.state is State.WAITING:
            # The next attempt is due by now, and this is still within the first.
            overlapped.append(begun.wait(0.5))

    with Hub() as hub:
        keeper = persistent(device, hub=hub, on_session=prepare, on_change=changed)
        assert begun.wait(20)
        assert device.silent.acquire(timeout=20)
        eventually(lambda: keeper.status.attempts == 2)
        began = time.monotonic()
        keeper.close()
        assert time.monotonic() - began < QUICK
        assert not sessions[1].connected
        assert raised[0].closed_by == "us"
        assert overlapped == [False]


def test_a_hub_that_is_closed_while_none_is_there_ends_it(device, changes):
    device.stop()
    hub = Hub()
    keeper = persistent(device, hub=hub, backoff=LATER, on_change=changes)
    changes.wait_for(State.WAITING)
    hub.close()
    with pytest.raises(SessionCloseError, match="the hub was closed"):
        keeper.session(30)
    assert keeper.status.attempts == 1


def test_waiting_on_a_sessions_own_thread_is_refused(device):
    """Else it waits for itself: its end is noted by the listener after this one."""
    told = []

    class Asking(SessionListener):
        def callback(self, root, raw):
            pass

        def errback(self, ex):
            began = time.monotonic()
            with pytest.raises(SessionError, match="thread that serves sessions"):
                keeper.rpc("<get/>", 60)
            told.append(time.monotonic() - began)

    def prepare(session):
        if not first:
            session.add_listener(Asking())  # before ours
            first.append(session)

    first = []
    with persistent(device, on_session=prepare) as keeper:
        session = keeper.session(20)
        session.add_listener(Asking())  # after ours
        device.hang_up()
        eventually(lambda: len(told) == 2)
        assert max(told) < QUICK
        assert keeper.rpc("<get/>", 20).ok


def test_a_function_that_returns_one_never_connected_ends_it():
    keeper = Persistent.from_function(lambda: ncwire.Session([BASE]), backoff=AT_ONCE)
    with pytest.raises(TypeError, match="this one is not connected"):
        keeper.session(20)
    assert keeper.status.sessions == 0
    keeper.close()


def test_a_function_that_returns_dead_ones_is_asked_again(device):
    made = []

    def make():
        session = ncwire.connect(**device.target)
        made.append(session)
        if len(made) < 4:
            session.close()
        return session

    with Persistent.from_function(make, backoff=AT_ONCE) as keeper:
        assert keeper.session(20) is made[3]
        assert (keeper.status.sessions, keeper.status.attempts) == (1, 4)
