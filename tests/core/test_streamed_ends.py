"""A streamed reply that ends before its end, and what is raised then."""

from __future__ import annotations

import threading

import pytest
from streamed_replies import (
    NOTIFICATION,
    Stalling,
    asked,
    document,
    numbered,
    opened,
)

from ncwire import SessionListener
from ncwire.errors import (
    RPCTimeoutError,
    SessionCloseError,
    SessionError,
    UnsendableMessageError,
)


@pytest.fixture
def session(peer):
    session = opened(peer)
    yield session
    session.close()


class FullError(Exception):
    pass


@pytest.mark.parametrize("after", [0, 3])
def test_what_a_sink_raises_is_raised_and_the_session_lives(peer, session, after):
    peer.script(lambda: [peer.send(document(asked(peer))), peer.reply(asked(peer))])
    calls = []

    def sink(piece):
        calls.append(piece)
        if len(calls) > after:
            raise FullError

    with pytest.raises(FullError):
        session.rpc("<get/>", sink=sink)
    assert len(calls) == after + 1
    assert "<ok/>" in session.rpc("<get/>").raw


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_in_a_sink_leaves_the_session_as_it_is(peer, session, interrupt):
    peer.script(lambda: [peer.send(document(asked(peer))), peer.reply(asked(peer))])

    def sink(_piece):
        raise interrupt

    with pytest.raises(interrupt):
        session.rpc("<get/>", sink=sink)
    assert "<ok/>" in session.rpc("<get/>").raw


def test_a_stream_that_is_left_early_is_dropped_and_the_session_lives(peer, session):
    sending = Stalling(peer)
    with session.stream("<get/>") as stream:
        assert sending.stalled.wait(20)
        next(stream)
    peer.played()
    assert sending.sent == sending.size
    peer.script(lambda: peer.reply(asked(peer)))
    assert "<ok/>" in session.rpc("<get/>").raw
    with pytest.raises(SessionError, match="closed"):
        next(stream)


def test_a_reader_is_woken_when_another_thread_closes_the_stream(peer, session):
    peer.script(lambda: peer.sock.sendall(document(asked(peer))[:200].encode()))
    stream = session.stream("<get/>")
    next(stream)
    raised = []

    def read():
        try:
            next(stream)
        except SessionError as error:
            raised.append(str(error))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    stream.close()
    reader.join(20)
    assert raised == [f"rpc {stream.message_id}: the stream is closed"]


def test_no_reply_in_time_and_a_late_one_is_dropped(peer, session):
    with pytest.raises(RPCTimeoutError) as caught:
        session.stream("<get/>", timeout=0.05)
    assert caught.value.received == 0
    late = asked(peer)
    peer.script(lambda: [peer.send(document(late)), peer.reply(asked(peer))])
    assert "<ok/>" in session.rpc("<get/>").raw
    assert session.unmatched_replies == 1


def test_nothing_more_in_time_and_the_rest_is_dropped(peer, session):
    whole = b""

    def begin():
        nonlocal whole
        whole = (document(asked(peer)) + "]]>]]>").encode()
        peer.sock.sendall(whole[:1000])

    peer.script(begin)
    pieces = []
    with pytest.raises(RPCTimeoutError, match="nothing after 1000 bytes") as caught:
        session.rpc("<get/>", timeout=1.0, sink=pieces.append)
    assert caught.value.received == 1000
    assert b"".join(pieces) == whole[:1000]
    peer.script(lambda: [peer.sock.sendall(whole[1000:]), peer.reply(asked(peer))])
    assert "<ok/>" in session.rpc("<get/>").raw


@pytest.mark.parametrize("sent", [1_000, 3_000_000])
def test_when_the_peer_vanishes_what_came_is_handed_over_first(peer, session, sent):
    message_id = ""

    def play():
        nonlocal message_id
        message_id = asked(peer)
        peer.sock.sendall(document(message_id).encode()[:sent])
        peer.hang_up()

    peer.script(play)
    pieces = []
    with pytest.raises(SessionCloseError) as caught:
        session.rpc("<get/>", sink=pieces.append)
    assert b"".join(pieces) == document(message_id).encode()[:sent]
    assert caught.value is session.cause
    assert caught.value.__notes__ == [
        f"{sent} bytes of the reply to rpc {message_id} had come, and were handed over"
    ]


def test_an_end_before_the_reply_begins_is_the_sessions_cause(peer, session):
    peer.script(lambda: [asked(peer), peer.hang_up()])
    with pytest.raises(SessionCloseError) as caught:
        session.stream("<get/>")
    assert caught.value is session.cause


def test_close_does_not_wait_for_a_reader(peer, session):
    sending = Stalling(peer)
    stream = session.stream("<get/>")
    assert sending.stalled.wait(20)
    session.close()
    assert not session.is_alive()
    got = []
    with pytest.raises(SessionCloseError) as caught:
        got.extend(stream)
    assert caught.value.closed_by == "us"
    assert document("1").startswith(numbered(got))
    assert got


def test_a_session_that_has_ended_streams_nothing(peer, session):
    session.close()
    with pytest.raises(SessionCloseError):
        session.stream("<get/>")


def test_what_cannot_be_sent_is_refused_and_the_session_goes_on(peer, session):
    with pytest.raises(UnsendableMessageError):
        session.stream("<get><!--]]>]]>--></get>")
    peer.script(lambda: [asked(peer), peer.reply(None)])
    assert "<ok/>" in session.rpc("<get/>").raw


def test_a_listener_cannot_stream(peer, session):
    refused = []
    begun, heard = threading.Event(), threading.Event()

    class Streaming(SessionListener):
        def callback(self, root, raw):
            begun.wait(20)
            for call in (lambda: session.stream("<get/>"), lambda: next(stream)):
                try:
                    call()
                except SessionError as error:
                    refused.append(str(error))
            heard.set()

        def errback(self, ex):
            pass

    session.add_listener(Streaming())

    def play():
        message_id = asked(peer)
        peer.send(NOTIFICATION.format(1))
        peer.sock.sendall(document(message_id)[:200].encode())

    peer.script(play)
    stream = session.stream("<get/>")
    next(stream)
    begun.set()
    assert heard.wait(20)
    assert ["thread" in each for each in refused] == [True, True]
