"""Who is refused by the listener, when, and what is told of it."""

from __future__ import annotations

import pytest
from calling_home import OTHER_KEY, PATIENCE, device, ended, refusal, running
from scripted_driver import scripted

from ncwire.callhome import CallHomeSession
from ncwire.driver import Timeouts
from ncwire.errors import (
    AuthenticationError,
    HelloMissingError,
    HelloTimeoutError,
    InvalidDriverError,
    SessionCloseError,
    UnknownDeviceError,
)

pytestmark = [pytest.mark.usefixtures("home", "no_call_left")]


def test_a_key_of_no_device_is_refused_before_authentication(opened, dial):
    drivers = []

    class Watched(scripted()):
        contract = (1, 0)

        def __init__(self):
            super().__init__()
            drivers.append(self)

    listener = opened(Watched, [device("r2", OTHER_KEY)])
    sock = dial(listener)
    assert ended(sock)
    told = refusal(opened)
    assert isinstance(told.error, UnknownDeviceError)
    assert (told.device, told.peer.sockaddr) == (None, sock.getsockname())
    assert set(drivers[0].calls) == {"handshake", "abort"}


@pytest.mark.parametrize(
    ("server", "kind"),
    [
        ({"password": "another"}, AuthenticationError),
        ({"on": {"open_channel": lambda: 1 / 0}}, InvalidDriverError),
    ],
    ids=["authentication", "driver"],
)
def test_what_fails_after_identification_tells_the_device(opened, dial, server, kind):
    listener = opened(scripted(**server))
    assert ended(dial(listener))
    told = refusal(opened)
    assert isinstance(told.error, kind)
    assert told.device == "r1"
    assert str(told).startswith("call of r1 from 127.0.0.1:")
    assert "right" not in str(told)


def test_what_a_driver_raises_when_it_is_made_ends_one_call(opened, dial):
    class Broken(scripted()):
        contract = (1, 0)

        def __init__(self):
            raise ZeroDivisionError

    listener = opened(Broken)
    assert ended(dial(listener))
    assert isinstance(refusal(opened).error, InvalidDriverError)


def test_what_an_auth_handler_raises_ends_one_call(opened, dial):
    def fail(title, instruction, prompts):
        raise ZeroDivisionError

    driver = scripted(steps=[frozenset({"keyboard-interactive"})])
    listener = opened(driver, [device(password=None, auth_handler=fail)])
    for _ in range(2):
        assert ended(dial(listener))
        assert isinstance(refusal(opened).error, ZeroDivisionError)


def test_a_peer_without_hello_is_refused_in_time(opened, dial):
    listener = opened(timeouts=Timeouts(hello=0.05))
    dial(listener, says=b"")
    assert isinstance(refusal(opened).error, HelloTimeoutError)


def test_a_peer_that_ends_instead_of_a_hello_is_refused(opened, dial):
    listener = opened()
    dial(listener, says=b"").close()
    assert isinstance(refusal(opened).error, HelloMissingError)


def test_a_session_that_ended_before_it_was_taken_is_told_of(opened, dial):
    listener = opened()
    doomed = dial(listener)
    while b"]]>]]>" not in doomed.recv(1 << 16):  # our hello: there is a session
        pass
    [answering] = running(lambda thread: thread.name.startswith("ncwire-call-")) or [None]
    if answering is not None:
        answering.join(PATIENCE)
    [session] = running(lambda thread: isinstance(thread, CallHomeSession))
    doomed.close()
    session.join(PATIENCE)
    dial(listener)
    with listener.accept(PATIENCE) as session:
        assert session.connected
        session.close()
    told = refusal(opened)
    assert (told.device, told.peer.sockaddr[0]) == ("r1", "127.0.0.1")
    assert isinstance(told.error, SessionCloseError)
