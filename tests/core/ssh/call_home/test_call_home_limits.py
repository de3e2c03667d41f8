"""How many calls are answered at one time, and how many wait."""

from __future__ import annotations

import pytest
from calling_home import PATIENCE, Gate, ended, refusal
from scripted_driver import scripted

from ncwire.errors import (
    HandshakeError,
    StepTimeoutError,
)

pytestmark = [pytest.mark.usefixtures("home", "no_call_left")]


def test_a_source_has_half_of_what_is_answered_at_one_time(opened, dial):
    gate = Gate()
    listener = opened(scripted(on={"handshake": gate}), concurrency=4, backlog=1)
    for _ in range(2):
        dial(listener)
    gate.wait_for(2)
    dial(listener)  # waits
    dial(listener)  # is one too many
    assert "1 others are waiting" in str(refusal(opened).error)
    dial(listener, source="127.0.0.2")
    # The one that waits has lost its place only if another source's may not be answered.
    gate.wait_for(1)
    assert opened.refused.empty()
    gate.opened.set()
    sessions = [listener.accept(PATIENCE) for _ in range(4)]
    for session in sessions:
        session.close()


def test_no_more_are_answered_at_one_time_than_said(opened, dial):
    gate = Gate()
    listener = opened(scripted(on={"handshake": gate}), concurrency=2, backlog=3)
    dial(listener, source="127.0.0.1")
    dial(listener, source="127.0.0.2")
    gate.wait_for(2)
    for _ in range(4):
        dial(listener, source="127.0.0.3")
    assert "3 others are waiting" in str(refusal(opened).error)
    gate.opened.set()
    sessions = [listener.accept(PATIENCE) for _ in range(5)]
    for session in sessions:
        session.close()


def test_a_call_that_waits_too_long_for_its_turn_is_refused(opened, dial):
    gate = Gate()
    listener = opened(scripted(on={"handshake": gate}), concurrency=1, timeout=0.2)
    dial(listener)
    gate.wait_for(1)
    waiting = dial(listener)
    told = refusal(opened)
    assert str(told.error) == "waiting for its turn: not done within 0.2 s"
    assert told.peer.sockaddr == waiting.getsockname()
    assert ended(waiting)
    gate.opened.set()
    assert isinstance(refusal(opened).error, StepTimeoutError)


def test_sessions_that_are_not_taken_hold_up_further_calls(opened, dial):
    listener = opened(backlog=1, concurrency=1)
    first = dial(listener)
    while b"]]>]]>" not in first.recv(1 << 16):
        pass
    dial(listener)  # waits until the first is taken
    dial(listener)
    assert "1 others are waiting" in str(refusal(opened).error)
    for _ in range(2):
        listener.accept(PATIENCE).close()


def test_a_port_scan_leaves_nothing_and_stops_nothing(opened, dial):
    def hung_up():
        raise HandshakeError("SSH handshake: the server hung up")

    driver = scripted(on={"handshake": hung_up})
    listener = opened(driver)
    for _ in range(100):
        dial(listener).close()
    for _ in range(100):
        assert isinstance(refusal(opened).error, HandshakeError)
    driver.server.on.clear()
    dial(listener)
    listener.accept(PATIENCE).close()
