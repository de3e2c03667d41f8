"""Sessions of devices that call, on a hub: no thread for each, and the end of either."""

from __future__ import annotations

import queue
import re
import threading

import pytest
from calling_home import PATIENCE, device, ended, refusal, running

import ncwire
from ncwire.callhome import listen
from ncwire.errors import OptionError, SessionCloseError, TransportError

pytestmark = [pytest.mark.usefixtures("home", "no_call_left")]


@pytest.fixture
def hub(no_call_left):
    with ncwire.Hub("the-hub") as hub:
        yield hub


def answer(sock):
    """Answer one rpc, as a device does."""
    received = b""
    while b"<get/>" not in received or not received.endswith(b"]]>]]>"):
        received += sock.recv(1 << 16)
    message_id = re.findall(rb'message-id="([^"]*)"', received)[-1]
    sock.sendall(
        b'<rpc-reply xmlns="urn:ietf:params:xml:ns:netconf:base:1.0" message-id="%b"><ok/>'
        b"</rpc-reply>]]>]]>" % message_id
    )


def test_the_hub_serves_them_with_no_thread_for_each(opened, dial, hub):
    listener = opened(hub=hub)
    socks = [dial(listener) for _ in range(3)]
    sessions = [listener.accept(PATIENCE) for _ in socks]
    assert len(hub) == 3
    assert not running(lambda each: each in sessions)
    by_port = {sock.getsockname(): sock for sock in socks}
    for session in sessions:
        future = session.submit("<get/>")
        answer(by_port[session.peer.sockaddr])
        assert future.result(PATIENCE).ok
        session.close()
    assert len(hub) == 0


def test_on_session_may_wait_for_the_hub(opened, dial, hub):
    told = queue.Queue()

    def on_session(session):
        with session:
            told.put((session.rpc("<get/>", PATIENCE).ok, threading.current_thread().name))

    sock = dial(opened(hub=hub, on_session=on_session))
    answer(sock)
    ok, name = told.get(timeout=PATIENCE)
    assert ok
    assert "ncwire-call" in name


def test_a_call_that_comes_after_the_hubs_end_is_refused(opened, dial, hub):
    listener = opened(hub=hub)
    hub.close()
    for _ in range(2):  # and the listener listens on
        sock = dial(listener)
        refused = refusal(opened)
        assert refused.device == "r1"
        assert isinstance(refused.error, TransportError)
        assert "the hub is closed" in str(refused.error)
        assert ended(sock)


def test_the_hubs_end_ends_a_call_that_waits_for_its_hello(opened, dial, hub):
    sock = dial(opened(hub=hub), says=b"")
    received = b""
    while b"]]>]]>" not in received:
        received += sock.recv(1 << 16)
    hub.close()
    assert ended(sock)


def test_the_listeners_end_ends_what_was_not_taken_and_nothing_else(opened, dial, hub):
    listener = opened(hub=hub)
    first = dial(listener)
    with listener.accept(PATIENCE) as taken:
        sock = dial(listener)
        while len(hub) < 2:
            assert sock.recv(1 << 16)
        listener.close()
        assert taken.connected
        assert len(hub) == 1
        assert not hub.closed
        first.close()


def test_what_is_no_hub_is_refused():
    with pytest.raises(OptionError, match=r"hub.*must be a Hub, not int"):
        listen([device()], port=0, hub=7)


def test_the_hubs_end_is_the_cause_of_theirs(opened, dial, hub):
    listener = opened(hub=hub)
    dial(listener)
    session = listener.accept(PATIENCE)
    hub.close()
    assert isinstance(session.cause, SessionCloseError)
    assert "the hub was closed" in str(session.cause)
