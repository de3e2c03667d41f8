"""Observers that are not as one thinks them, and sessions that do what few do."""

from __future__ import annotations

import signal
import threading
from dataclasses import dataclass

import pytest
from noting import Noting

from interrupting import raising
from ncwire.observe import Observer, add, remove

BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"


@dataclass
class Counted(Observer):
    """It has no hash, and is equal to any other that has counted as much."""

    number: int = 0

    def message_sent(self, message):
        self.number += 1


def test_dataclasses_observe_each_for_itself(connect):
    own, of_all = [Counted(), Counted()], [Counted(), Counted()]
    for each in of_all:
        add(each)
    try:
        with connect(observers=[*own, own[0]]):
            pass
    finally:
        for each in of_all:
            remove(each)
    assert [each.number for each in (*own, *of_all)] == [2, 2, 2, 2]


def test_a_message_id_that_is_sent_again_ends_the_rpc_before(connect, noting):
    with connect(observers=[noting]) as session:
        for _ in range(2):
            session.send(f'<rpc message-id="9" xmlns="{BASE}"><get/></rpc>')
    told = [
        (name, getattr(event, "outcome", None))
        for name, event in noting.heard
        if getattr(event, "message_id", None) == "9" and name.startswith("rpc")
    ]
    # The first reply may come before or after the second is sent.
    assert [name for name, _ in told] == ["rpc_begun", "rpc_ended"] * 2
    assert told[-1] == ("rpc_ended", "answered")


@pytest.mark.parametrize("call", ["rpc", "close", "close_session"])
def test_an_observer_that_uses_the_session_does_not_hang_it(connect, call, caplog):
    class Calling(Observer):
        def message_received(self, message):
            if message.kind == "rpc-reply":
                getattr(session, call)(*["<get/>"] * (call == "rpc"))

    session = connect(observers=[Calling()])
    assert session.rpc("<get/>", 20).message_id
    session.close()
    assert not session.is_alive()


class Interrupted(Observer):
    """A signal comes while it hears of this the first time, in the main thread."""

    def __init__(self, method):
        self._left = 1
        setattr(self, method, self._hear)

    def _hear(self, _):
        if self._left and threading.current_thread() is threading.main_thread():
            self._left = 0
            signal.raise_signal(signal.SIGUSR2)  # no SIGINT, which is ignored in the background


@pytest.mark.parametrize(
    "method",
    [
        *("connect_begun", "connect_step", "connect_ended", "message_sent", "message_received"),
        *("rpc_begun", "rpc_ended"),
    ],
)
def test_what_begins_ends_once_for_each_where_a_signal_comes(connect, method):
    before, behind = Noting(), Noting()
    with (  # noqa: PT012 - the signal may come in any of it
        raising(KeyboardInterrupt),
        pytest.raises(KeyboardInterrupt),
        connect(observers=[before, Interrupted(method), behind]) as session,
    ):
        # Until it is this thread that reads a reply: on a slow machine it may never be.
        for _ in range(200):
            session.rpc("<get/>")
        signal.raise_signal(signal.SIGUSR2)
    for noting in (before, behind):
        names = noting.names()
        assert names.count("connect_begun") == names.count("connect_ended") == 1
        assert names.count("rpc_begun") == names.count("rpc_ended")
        assert names.count("ended") <= 1
