"""Who has ended a session, as each listener's `errback` is told it, however it ended."""

from __future__ import annotations

import threading

import pytest

from ncwire import Hub, Session, SessionListener
from ncwire.errors import SessionCloseError

CLIENT = ["urn:ietf:params:netconf:base:1.0"]
PATIENCE = 20


class Waiting(SessionListener):
    """Waits for the one error that it is told."""

    def __init__(self):
        self.errors = []
        self.told = threading.Event()

    def callback(self, root, raw):
        pass

    def errback(self, ex):
        self.errors.append(ex)
        self.told.set()


class Closing(Waiting):
    """Closes the session when it hears of a message."""

    def __init__(self, session):
        super().__init__()
        self._session = session

    def callback(self, root, raw):
        self._session.close()


def close(session, peer, hub):
    session.close()


def close_session(session, peer, hub):
    peer.script(lambda: (peer.receive(), peer.reply("1"), peer.hang_up()))
    session.close_session()


def close_session_with_no_answer(session, peer, hub):
    peer.script(lambda: (peer.receive(), peer.hang_up()))
    session.close_session()


def close_session_with_a_last_word(session, peer, hub):
    peer.script(lambda: (peer.receive(), peer.sock.sendall(b"<!-- end -->"), peer.hang_up()))
    session.close_session()


def leave_the_block(session, peer, hub):
    peer.script(lambda: (peer.receive(), peer.hang_up()))
    with session:
        pass


def close_in_a_listener(session, peer, hub):
    session.add_listener(Closing(session))
    peer.send("<event/>")


def close_the_hub(session, peer, hub):
    (hub or session).close()


def peer_hangs_up(session, peer, hub):
    peer.hang_up()


def peer_is_silent(session, peer, hub):
    peer.channel.keepalive = lambda: None
    session.set_keepalive(0.02)


def driver_raises(session, peer, hub):
    def read(size):
        raise ZeroDivisionError

    peer.channel.read = read
    peer.send("<event/>")


WAYS = {
    close: "us",
    close_session: "us",
    close_session_with_no_answer: "us",
    close_session_with_a_last_word: "us",
    leave_the_block: "us",
    close_in_a_listener: "us",
    close_the_hub: "us",
    peer_hangs_up: "peer",
    peer_is_silent: "peer",
    driver_raises: "driver",
}


@pytest.mark.parametrize("on_hub", [False, True], ids=["of its own", "a hub's"])
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_errback_tells_who_has_ended_it(peer, way, on_hub):
    hub = Hub() if on_hub else None
    session = Session(CLIENT, hub=hub)
    peer.hello()
    session.open(peer.channel)
    peer.receive()
    listener = Waiting()
    session.add_listener(listener)
    way(session, peer, hub)
    assert listener.told.wait(PATIENCE)
    session.close()
    assert [type(error) for error in listener.errors] == [SessionCloseError]
    assert listener.errors[0].closed_by == WAYS[way]
    if hub is not None:
        hub.close()


def test_a_fault_of_the_drivers_is_not_told_as_the_peers():
    text = str(SessionCloseError(b"", closed_by="driver", reason="it raised LookupError"))
    assert text == "session ended by a fault of the driver: it raised LookupError"
