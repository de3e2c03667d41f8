"""The end of a session: once, bounded, from anywhere, and with nothing left."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from ncwire import Session, SessionListener, Timeouts
from ncwire.errors import SessionCloseError, TransportError

CLIENT = ["urn:ietf:params:netconf:base:1.0"]


class Listener(SessionListener):
    def __init__(self, act) -> None:
        self.act = act
        self.done = threading.Event()
        self.errors: list[Exception] = []

    def callback(self, root, raw):
        self.act()
        self.done.set()

    def errback(self, ex):
        self.errors.append(ex)


def opened(peer, **options) -> Session:
    session = Session(CLIENT)
    peer.hello()
    session.open(peer.channel, **options)
    peer.receive()
    return session


def test_close_is_idempotent_and_from_any_number_of_threads(peer):
    session = opened(peer)
    closers = [threading.Thread(target=session.close) for _ in range(8)]
    for closer in closers:
        closer.start()
    for closer in closers:
        closer.join(10)
    session.close()
    assert not session.is_alive()
    assert session.cause.closed_by == "us"


def test_close_of_a_session_that_never_connected():
    session = Session(CLIENT)
    listener = Listener(lambda: None)
    session.add_listener(listener)
    session.close()
    session.close()
    assert listener.errors == [session.cause]


def test_close_from_a_listener_returns_and_ends_the_session(peer):
    refusals = []

    def close_and_send():
        session.close()
        try:
            session.send("<a/>")
        except TransportError as error:
            refusals.append(str(error))

    session = opened(peer)
    listener = Listener(close_and_send)
    session.add_listener(listener)
    peer.send("<event/>")
    assert listener.done.wait(10)
    session.join(10)
    assert not session.is_alive()
    assert listener.errors == [session.cause]
    assert peer.receive() == ""
    assert refusals == ["session closed by us"]


def test_close_while_a_listener_is_stuck_is_bounded_and_frees_the_channel(peer):
    release, stuck = threading.Event(), threading.Event()

    def hang():
        stuck.set()
        release.wait(30)

    session = opened(peer, timeouts=Timeouts(close=0.05))
    listener = Listener(hang)
    session.add_listener(listener)
    peer.send("<event/>")
    assert stuck.wait(10)
    session.close()
    assert peer.channel.fileno() == -1
    assert listener.errors == [session.cause]
    release.set()
    session.join(10)
    assert not session.is_alive()
    assert len(listener.errors) == 1


def test_close_sends_what_is_queued_first(peer):
    session = opened(peer)
    document = "<a>" + "x" * 5_000_000 + "</a>"
    received = []
    peer.script(lambda: received.append(peer.receive()))
    session.send(document)
    session.close()
    peer.played()
    assert received == [document]


def test_close_does_not_wait_for_a_peer_that_never_reads(peer):
    session = opened(peer, timeouts=Timeouts(close=0.05))
    session.send("<a>" + "x" * 5_000_000 + "</a>")
    session.close()
    assert not session.is_alive()
    assert peer.channel.fileno() == -1


def test_close_wakes_a_connect_that_waits_for_the_hello(peer):
    session = Session(CLIENT)
    peer.script(lambda: (peer.receive(), session.close()))
    with pytest.raises(SessionCloseError, match="closed by us"):
        session.open(peer.channel)
    assert peer.channel.fileno() == -1


def test_leaving_the_block_asks_the_server_first(peer):
    with opened(peer) as session:
        peer.script(lambda: (peer.receive(), peer.reply(None)))
    assert not session.is_alive()
    assert session.cause.closed_by == "us"


def test_a_server_that_closes_instead_of_answering_has_done_as_asked(peer):
    session = opened(peer)
    asked = []
    peer.script(lambda: (asked.append(peer.receive()), peer.hang_up()))
    session.close_session()
    assert "<close-session/>" in asked[0]
    assert session.cause.closed_by == "us"


def test_interrupt_does_not_wait_for_the_server(peer):
    with pytest.raises(KeyboardInterrupt), opened(peer) as session:
        raise KeyboardInterrupt
    assert not session.is_alive()
    assert peer.receive() == ""


def test_sessions_leave_no_fd_and_no_thread(peer):
    threads = threading.active_count()
    fds = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(30):
        fresh = type(peer)()
        session = opened(fresh)
        session.close()
        fresh.close()
    assert threading.active_count() == threads
    assert len(list(Path("/proc/self/fd").iterdir())) == fds
