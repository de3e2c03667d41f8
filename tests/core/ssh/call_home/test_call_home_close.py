"""The listener's end: what it ends, from where, and what a forked child has of it."""

from __future__ import annotations

import contextlib
import os
import queue
import socket
import threading
from contextlib import contextmanager

import pytest
from calling_home import OTHER_KEY, PATIENCE, Gate, device, ended
from scripted_driver import HOST_KEY, scripted

from children import QUICK, in_child, living_child
from children import refusal as refused
from ncwire.errors import (
    ListenError,
)

pytestmark = [pytest.mark.usefixtures("home", "no_call_left")]


# --- close -------------------------------------------------------------------------------------


@contextmanager
def closed_within(seconds=PATIENCE):
    """What is inside closes, in a thread, and that ends."""
    threads = []

    def start(close):
        threads.append(threading.Thread(target=close))
        threads[-1].start()

    yield start
    for thread in threads:
        thread.join(seconds)
        assert not thread.is_alive()


@pytest.mark.parametrize("step", ["handshake", "authenticate", "open_channel"])
def test_close_ends_a_call_in_any_step(opened, dial, step):
    gate = Gate()
    # As a library's call does whose socket is shut down.
    listener = opened(scripted(on={step: gate, "abort": gate.opened.set}))
    sock = dial(listener)
    gate.wait_for(1)
    listener.close()
    assert ended(sock)
    assert opened.refused.empty()


def test_close_ends_a_call_that_waits_for_its_hello(opened, dial):
    listener = opened()
    sock = dial(listener, says=b"")
    while b"]]>]]>" not in sock.recv(1 << 16):
        pass
    listener.close()
    assert ended(sock)


def test_close_ends_calls_that_wait_and_sessions_that_were_not_taken(opened, dial):
    gate = Gate()
    driver = scripted()
    listener = opened(driver, concurrency=1)
    untaken = dial(listener)
    while b"]]>]]>" not in untaken.recv(1 << 16):
        pass
    driver.server.on.update(handshake=gate, abort=gate.opened.set)
    dial(listener)
    gate.wait_for(1)
    waiting = dial(listener)
    listener.close()
    assert ended(waiting)
    assert ended(untaken)


def test_close_is_idempotent_and_may_come_from_several_threads(opened):
    listener = opened()
    with closed_within() as close:
        for _ in range(5):
            close(listener.close)
    listener.close()


@pytest.mark.parametrize("callback", ["on_session", "on_refused"])
def test_close_may_come_from_a_callback(opened, dial, callback):
    closed = queue.Queue()

    def close(told):
        if callback == "on_session":
            told.close()
        listener.close()
        closed.put(True)

    key = HOST_KEY if callback == "on_session" else OTHER_KEY
    listener = opened(devices=[device(key=key)], **{callback: close})
    dial(listener)
    assert closed.get(timeout=PATIENCE)
    with pytest.raises(OSError, match=r"refused"):
        dial(listener)


def test_a_listener_ends_with_its_block(opened):
    with opened() as listener:
        pass
    with pytest.raises(ListenError):
        listener.accept()


# --- forks ------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_in_a_forked_child_the_listener_is_closed_and_the_parents_listens_on(opened, dial):
    listener = opened()
    dial(listener)
    port = listener.port

    def child():
        calls = [
            refused(listener.accept),
            refused(lambda: list(listener)),
            refused(listener.close),
        ]
        with contextlib.closing(socket.socket()) as sock:
            return calls, sock.connect_ex(("127.0.0.1", port))

    calls, reached = in_child(child)
    assert [kind for kind, _, _ in calls] == ["ListenError", "", ""]
    assert "this process was forked" in calls[0][1]
    assert max(seconds for _, _, seconds in calls) < QUICK
    assert reached == 0
    with listener.accept(PATIENCE) as session:
        assert session.connected
        assert in_child(lambda: session.cause.closed_by) == "fork"
        assert session.connected
        session.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_the_port_is_free_when_the_parent_closes_though_a_child_lives(opened):
    listener = opened()
    port = listener.port
    with living_child():
        listener.close()
        with contextlib.closing(socket.socket()) as sock:
            assert sock.connect_ex(("127.0.0.1", port)) != 0
