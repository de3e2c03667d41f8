"""Listeners, and devices that call them."""

from __future__ import annotations

import queue
import socket

import pytest
from calling_home import HELLO, PATIENCE, device
from scripted_driver import scripted

from ncwire.callhome import listen
from ncwire.testing.conformance.resources import Resources, left_since


@pytest.fixture
def no_call_left(home, caplog):
    """The test leaves no thread, fd or child process, and close has been in time."""
    before = Resources.now()
    yield
    assert left_since(before, PATIENCE) == ""
    # What close says when it was not in time.
    assert not [each for each in caplog.get_records("call") if "did not end" in each.message]


@pytest.fixture
def opened():
    """Make listeners; `refused` has what they refused."""
    refused = queue.Queue()
    listeners = []

    def make(driver=None, devices=None, **more):
        more = {"address": "127.0.0.1", "port": 0, "on_refused": refused.put} | more
        listeners.append(listen(devices or [device()], driver=driver or scripted(), **more))
        return listeners[-1]

    make.refused = refused
    yield make
    for listener in listeners:
        listener.close()


@pytest.fixture
def dial():
    """Call a listener, as a device that says its hello at once."""
    sockets = []

    def dial(listener, says=HELLO, source=None):
        sock = socket.create_connection(
            ("127.0.0.1", listener.port), PATIENCE, (source, 0) if source else None
        )
        sock.sendall(says)
        sockets.append(sock)
        return sock

    yield dial
    for sock in sockets:
        sock.close()
