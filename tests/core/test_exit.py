"""The end of the interpreter: what is open then is told of, and closing it is quick."""

from __future__ import annotations

import threading

import pytest

from ncwire import Hub

PREPARE = """
import atexit, os, sys, threading, time, weakref
from ncwire import Hub, Session, SSHSession
from ncwire.testing.memory import MemoryChannel
CLIENT = ["urn:ietf:params:netconf:base:1.0"]
HELLO = ('<hello xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><capabilities><capability>'
         'urn:ietf:params:netconf:base:1.0</capability></capabilities>'
         '<session-id>7</session-id></hello>]]>]]>').encode()
peers = []
def opened(hub=None, name="r1", **more):
    channel, peer = MemoryChannel.pair()
    os.set_inheritable(os.dup(peer.fileno()), False)  # the peer stays, whatever is collected
    peer.sendall(HELLO)
    session = Session(CLIENT, name=name, hub=hub)
    session.open(channel, **more)
    peer.detach()
    return session
"""


def test_a_session_that_is_open_at_exit_is_told_of(run_program):
    out = run_program(
        PREPARE
        + """
import warnings
def show(message, category, *_):
    print(category.__name__, message)
warnings.showwarning = show
opened(name="r1")
hub = Hub()
kept = opened(hub, name="r2")
opened(hub, name="r3").close()
opened(name="r4").close()
""",
        warnings="default",
    )
    assert sorted(out.splitlines()) == [
        "ResourceWarning unclosed session 'r1'",
        "ResourceWarning unclosed session 'r2'",
    ]


def test_that_it_is_told_of_ends_nothing_else_where_warnings_are_errors(run_program):
    told = run_program(PREPARE + "opened(name='r1'); opened(name='r2')", stderr=True)
    assert "unclosed session 'r1'" in told
    assert "unclosed session 'r2'" in told


WRAPPED = """
class Device:
    def __init__(self, session):
        self.session = session
    def __del__(self):
        began = time.monotonic()
        assert sys.is_finalizing()
        self.session.close_session()
        self.session.close()
        assert not self.session.connected and self.session.cause.closed_by == "us"
        assert time.monotonic() - began < 2
        os.write(1, b"closed\\n")
hub = Hub() if sys.argv[1] == "hub" else None
devices = [Device(opened(hub)) for _ in range(3)]
"""


@pytest.mark.parametrize("home", ["own", "hub"])
def test_a_wrapper_that_closes_in_its_del(run_program, home):
    out = run_program(PREPARE + WRAPPED, home, warnings="ignore")
    assert out == "closed\n" * 3


CLOSES_THE_HUB = """
class Owner:
    def __init__(self): self.hub = Hub(); self.session = opened(self.hub)
    def __del__(self):
        began = time.monotonic()
        self.hub.close()
        assert self.hub.closed and not self.session.connected
        assert time.monotonic() - began < 2
        os.write(1, b"closed\\n")
owner = Owner()
"""


def test_a_hub_that_is_closed_in_a_del(run_program):
    assert run_program(PREPARE + CLOSES_THE_HUB, warnings="ignore") == "closed\n"


BY_HANDLERS = """
hub = Hub() if sys.argv[1] == "hub" else None
class Owner: pass
owner = Owner()
one, two = opened(hub), opened(hub)
weakref.finalize(owner, one.close)
atexit.register(two.close)
if hub: atexit.register(hub.close)
"""


@pytest.mark.parametrize("home", ["own", "hub"])
def test_what_exit_handlers_close_is_not_told_of(run_program, home):
    run_program(PREPARE + BY_HANDLERS, home)


def test_a_hub_that_is_dropped_with_no_session_is_told_of_and_its_thread_ends():
    hubs = [Hub(name="forgotten")]
    with pytest.warns(ResourceWarning, match="unclosed hub 'forgotten'"):
        hubs.clear()
    for thread in threading.enumerate():
        if thread.name == "forgotten":
            thread.join(20)
            assert not thread.is_alive()
