"""A reader of a streamed reply that stops: the peer stops, and all others go on."""

from __future__ import annotations

import pytest
from streamed_replies import (
    CLIENT,
    Stalling,
    asked,
    document,
    numbered,
    opened,
)

from ncwire import Hub, Session
from ncwire.errors import (
    RPCTimeoutError,
)


@pytest.fixture
def session(peer):
    session = opened(peer)
    yield session
    session.close()


def test_a_sink_that_stops_stops_the_peer(peer, session):
    sending = Stalling(peer)
    pieces = []

    def sink(piece):
        assert sending.stalled.wait(20)
        pieces.append(piece)

    session.rpc("<get/>", sink=sink)
    assert numbered(pieces) == document("1")


def test_what_waits_for_a_stopped_reader_is_bounded(peer, session):
    sending = Stalling(peer)
    with session.stream("<get/>"):
        assert sending.stalled.wait(20)
        assert sending.sent < 4_000_000
        assert sending.size > 7_000_000
    peer.played()
    assert sending.sent == sending.size


def test_an_rpc_behind_a_stopped_reader_tells_why_it_times_out(peer, session):
    sending = Stalling(peer)
    with session.stream("<get/>"):
        assert sending.stalled.wait(20)
        with pytest.raises(RPCTimeoutError, match="a reply that is streamed comes first"):
            session.rpc("<get/>", timeout=0.1)


def test_the_readers_own_time_is_not_counted(peer, session):
    timeout = 3.0  # enough for a machine that is busy
    sending = Stalling(peer, seconds=timeout + 1)
    with session.stream("<get/>", timeout=timeout) as stream:
        assert sending.stalled.wait(20)  # which takes longer than the timeout
        assert numbered(stream) == document("1")


def test_keepalives_pause_while_nothing_is_read(peer):
    class Mute(type(peer.channel)):
        asked = 0

        def keepalive(self):
            self.asked += 1

    peer.channel.__class__ = Mute
    session = Session(CLIENT)
    peer.hello()
    keepalive = 1.5  # unanswered it ends the session after twice that
    session.open(peer.channel, keepalive=keepalive, keepalive_count=1)
    peer.receive()
    sending = Stalling(peer, seconds=2 * keepalive + 0.5)
    with session.stream("<get/>") as stream:
        assert sending.stalled.wait(20)
        asked_before = peer.channel.asked
        sending.stalled.clear()
        assert sending.stalled.wait(20)  # as long again
        assert peer.channel.asked == asked_before
        assert session.connected
        assert numbered(stream) == document("1")
    session.close()


def test_nothing_is_done_while_a_reader_stands_still(peer):
    class Counting(type(peer.channel)):
        calls = 0

        def wants(self):
            self.calls += 1
            return super().wants()

    peer.channel.__class__ = Counting
    session = opened(peer)
    sending = Stalling(peer)
    with session.stream("<get/>"):
        assert sending.stalled.wait(20)
        calls = peer.channel.calls
        sending.stalled.clear()
        assert sending.stalled.wait(20)  # as long again
        assert peer.channel.calls <= calls + 1
        with pytest.raises(RPCTimeoutError):
            session.rpc("<other/>", timeout=0.1)
        assert peer.channel.calls <= calls + 20  # nor by a call, which serves the session
    session.close()


def test_on_a_hub_a_stopped_reader_delays_no_other(make_peer):
    with Hub() as hub:
        streaming, other = make_peer(), make_peer()
        first, second = opened(streaming, hub=hub), opened(other, hub=hub)
        sending = Stalling(streaming)
        with first.stream("<get/>") as stream:
            assert sending.stalled.wait(20)
            for _ in range(10):
                other.script(lambda: other.reply(asked(other)))
                assert "<ok/>" in second.rpc("<get/>").raw
            assert numbered(stream) == document("1")
