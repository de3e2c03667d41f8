"""`close` ends it at once, from anywhere, whatever is under way; nothing is left."""

from __future__ import annotations

import copy
import os
import pickle
import signal
import socket
import threading
import time

import pytest

from children import in_child, refusal
from ncwire import Hub, Persistent, SessionListener, Timeouts
from ncwire.errors import NoSessionError, SessionCloseError
from ncwire.persistent import Backoff, State
from restarted_device import AT_ONCE, BASE, persistent
from waiting import eventually

pytestmark = pytest.mark.usefixtures("nothing_left")

LATER = Backoff(first=1000, ceiling=1000, random=lambda: 1.0)
QUICK = 4.0
"""Seconds: less than any budget that would be waited out."""


def test_while_it_waits_for_the_next_attempt(device, hub, changes):
    device.stop()
    keeper = persistent(device, hub=hub, backoff=LATER, on_change=changes)
    changes.wait_for(State.WAITING)
    errors = []

    def wait():
        with pytest.raises(SessionCloseError) as caught:
            keeper.session(60)
        errors.append(caught.value)

    waiting = threading.Thread(target=wait)
    waiting.start()
    began = time.monotonic()
    keeper.close()
    keeper.close()
    waiting.join(20)
    assert time.monotonic() - began < QUICK
    assert errors == [keeper.cause]
    assert keeper.cause.closed_by == "us"
    assert changes.seen[-1].state is State.STOPPED


@pytest.fixture
def silent():
    """A server that accepts and says nothing; yields its socket."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        sock.settimeout(20)
        yield sock


def test_while_it_connects(silent, hub):
    keeper = Persistent("127.0.0.1", port=silent.getsockname()[1], hub=hub, hostkey_verify=False)
    accepted, _ = silent.accept()
    began = time.monotonic()
    keeper.close()
    assert time.monotonic() - began < QUICK
    with pytest.raises(SessionCloseError):
        keeper.session()
    accepted.close()


def test_while_on_session_is_at_work(device, hub):
    raised = []

    def prepare(session):
        with pytest.raises(SessionCloseError) as caught:
            session.rpc("<silence/>", 60)
        raised.append(caught.value)
        raise caught.value

    keeper = persistent(device, hub=hub, on_session=prepare)
    assert device.silent.acquire(timeout=20)
    began = time.monotonic()
    keeper.close()
    assert time.monotonic() - began < QUICK
    assert raised[0].closed_by == "us"
    assert keeper.status.sessions == 0


def test_in_on_session_itself(device, hub):
    ready = threading.Event()
    sessions, took = [], []

    def prepare(session):
        assert ready.wait(20)
        sessions.append(session)
        began = time.monotonic()
        keeper.close()
        took.append(time.monotonic() - began)

    keeper = persistent(device, hub=hub, on_session=prepare)
    ready.set()
    with pytest.raises(SessionCloseError):
        keeper.session(20)
    keeper.close()
    assert not sessions[0].connected
    assert took[0] < QUICK  # it does not wait for itself
    assert keeper.status.sessions == 0


@pytest.mark.parametrize("state", [State.CONNECTING, State.UP, State.WAITING])
def test_in_on_change(device, hub, state):
    ready, done = threading.Event(), threading.Event()
    seen, returned = [], []

    def changed(status):
        assert len(returned) == len(seen), "it is called while it is at work"
        seen.append(status.state)
        assert ready.wait(20)
        if status.state is state:
            keeper.close()
        returned.append(status)
        if status.state is State.STOPPED:
            done.set()

    keeper = persistent(device, hub=hub, on_change=changed)
    ready.set()
    if state is State.WAITING:
        keeper.session(20)
        device.hang_up()
    assert done.wait(20)
    keeper.close()
    assert seen[-2:] == [state, State.STOPPED]


class Closing(SessionListener):
    def __init__(self, keeper):
        self.keeper = keeper
        self.done = threading.Event()

    def callback(self, root, raw):
        self.keeper.close()
        self.done.set()

    def errback(self, ex):
        self.keeper.close()


def test_in_a_listener(device, hub):
    keeper = persistent(device, hub=hub)
    session = keeper.session(20)
    listener = Closing(keeper)
    session.add_listener(listener)
    began = time.monotonic()
    session.send(f'<rpc message-id="x" xmlns="{BASE}"><get/></rpc>')
    assert listener.done.wait(20)
    session.join(20)
    assert time.monotonic() - began < QUICK
    keeper.close()


def test_in_a_listeners_errback(device, hub):
    keeper = persistent(device, hub=hub)
    session = keeper.session(20)
    session.add_listener(Closing(keeper))
    began = time.monotonic()
    device.stop()
    session.join(20)
    with pytest.raises(SessionCloseError):
        keeper.session(60)
    assert time.monotonic() - began < QUICK
    keeper.close()


def test_in_a_signal_handler(device, hub):
    device.stop()
    keeper = persistent(device, hub=hub, backoff=LATER)
    before = signal.signal(signal.SIGALRM, lambda *_: keeper.close())
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(SessionCloseError):
            keeper.session(60)
    finally:
        signal.signal(signal.SIGALRM, before)
    keeper.close()


def test_a_function_that_does_not_return_is_not_waited_for_long(device):
    begun, go_on = threading.Event(), threading.Event()
    with persistent(device) as other:
        session = other.session(20)

        def make():
            begun.set()
            assert go_on.wait(60)
            return session

        keeper = Persistent.from_function(make)
        assert begun.wait(20)
        closing = threading.Thread(target=keeper.close)
        closing.start()
        with pytest.raises(SessionCloseError):
            keeper.session(60)
        closing.join(20)
        assert not closing.is_alive()
        go_on.set()
        session.join(20)
        assert not session.connected  # it came too late, and is nobody's


def test_the_end_of_its_hub_is_its_own(device):
    hub = Hub()
    keeper = persistent(device, hub=hub)
    session = keeper.session(20)
    hub.close()
    with pytest.raises(SessionCloseError, match="hub was closed") as caught:
        keeper.session(20)
    assert caught.value is session.cause
    assert keeper.status.state is State.STOPPED


def test_waiting_on_the_hubs_thread_is_refused(device, changes):
    told = []

    class Asking(SessionListener):
        def callback(self, root, raw):
            pass

        def errback(self, ex):
            told.append(refusal(lambda: keeper.session(60)))

    with Hub() as hub:
        keeper = persistent(device, hub=hub, backoff=LATER, on_change=changes)
        # Registered before the one that notes the end: there is no session, and none is to come.
        session = keeper.session(20)
        session.add_listener(Asking())
        device.stop()
        changes.wait_for(State.WAITING)
        session.join(20)
        keeper.close()
    kind, text, seconds = told[0]
    assert kind == "SessionError", text
    assert seconds < QUICK


def test_the_server_is_asked_to_end_the_session_at_the_end_of_a_block(device, hub):
    with persistent(device, hub=hub) as keeper:
        keeper.session(20)
    assert "<close-session" in device.received[-1]


def test_sessions_on_a_hub_share_a_few_threads(device, hub):
    if hub is None:
        return
    keepers = [persistent(device, hub=hub, backoff=AT_ONCE) for _ in range(60)]
    most = 0
    for keeper in keepers:
        keeper.session(30)
        own = [t for t in threading.enumerate() if t.name == "ncwire-connector"]
        most = max(most, len(own))
    assert most <= 8
    device.stop()
    eventually(lambda: not any(each.connected for each in keepers))
    with pytest.raises(NoSessionError):
        keepers[0].session(0)
    own = [t for t in threading.enumerate() if t.name == "ncwire-connector"]
    assert 1 <= len(own) <= 8
    device.start()
    for keeper in keepers:
        assert keeper.rpc("<get/>", 30).ok
    for keeper in keepers:
        keeper.close()


def test_those_of_a_hub_that_wait_cost_one_thread_together():
    def refused():
        raise ConnectionRefusedError("not there")

    def connecting():
        return [each for each in threading.enumerate() if each.name == "ncwire-connector"]

    with Hub() as hub:
        keepers = [Persistent.from_function(refused, hub=hub, backoff=LATER) for _ in range(100)]
        eventually(lambda: all(each.status.state is State.WAITING for each in keepers))
        eventually(lambda: len(connecting()) == 1)
        for keeper in keepers:
            keeper.close()
        eventually(lambda: not connecting())


def test_it_is_neither_copied_nor_pickled(device):
    with persistent(device) as keeper:
        for each in (keeper, keeper.notifications()):
            with pytest.raises(TypeError, match="cannot be copied or pickled"):
                pickle.dumps(each)
            with pytest.raises(TypeError, match="cannot be copied or pickled"):
                copy.copy(each)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("up", [True, False])
def test_a_forked_child_has_stopped_and_the_parents_lives_on(device, hub, changes, up):
    backoff = AT_ONCE if up else LATER
    keeper = persistent(
        device, hub=hub, backoff=backoff, on_change=changes, timeouts=Timeouts(close=60)
    )
    stream = keeper.notifications()
    session = keeper.session(20)
    if not up:
        device.stop()
        changes.wait_for(State.WAITING)

    def child():
        calls = {
            "session": lambda: keeper.session(60),
            "rpc": lambda: keeper.rpc("<get/>", 60),
            "get": lambda: stream.get(60),
            "late": lambda: keeper.notifications().get(60),
            "close": keeper.close,
        }
        before = len(changes.seen)
        told = {name: refusal(call) for name, call in calls.items()}
        return keeper.status.state.value, told, len(changes.seen) - before

    state, told, changed = in_child(child)
    assert state == "stopped"
    assert changed == 0
    for name, (kind, text, seconds) in told.items():
        assert (kind, name) == ("" if name == "close" else "SessionCloseError", name)
        assert "forked" in text or name == "close"
        assert seconds < QUICK
    if up:
        assert keeper.session(20) is session
        assert keeper.rpc("<get/>", 20).ok
    else:
        assert keeper.status.state is State.WAITING
    keeper.close()


EXIT = """
import sys, warnings
from ncwire import Persistent
from ncwire.persistent import Backoff
def show(message, category, *_):
    print(category.__name__, message)
warnings.showwarning = show
def made(name):
    def refused():
        raise ConnectionRefusedError("not there")
    return Persistent.from_function(refused, name=name, backoff=Backoff(first=1000, ceiling=1000))
kept = made("r1")
made("r2")
made("r3").close()
class Late:
    def __init__(self): self.keeper = kept
    def __del__(self): self.keeper.close()
late = Late()
"""


def test_what_is_open_at_exit_is_told_of_and_the_exit_is_quick(run_program):
    began = time.monotonic()
    out = run_program(EXIT, warnings="default")
    assert sorted(out.splitlines()) == [
        "ResourceWarning unclosed persistent session with r1",
        "ResourceWarning unclosed persistent session with r2",
    ]
    assert time.monotonic() - began < 20
