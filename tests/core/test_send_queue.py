"""What happens when the peer does not read: who sends waits, in order, and no longer than said."""

from __future__ import annotations

import pytest
from callers import asked
from senders import Sending, in_a_thread

from ncwire.errors import SendQueueFullError, SessionCloseError

KILOBYTE = "x" * 1000
FILLING = "<filling>" + "x" * 2_000_000 + "</filling>"
"""More than a socket takes, and more than may be queued."""


@pytest.mark.parametrize("size", [100_000, 2_000_000])
def test_a_message_longer_than_the_queue_goes_when_nothing_is_before_it(peer, opened, size):
    """Of the shorter one, a socket takes all but the end marker with the first write."""
    session = opened(rpc=20)
    message = f"<a>{'x' * size}</a>"
    session.send(message)
    assert peer.receive() == message


def test_a_sender_that_finds_it_full_gets_an_error_in_time_and_the_session_lives(peer, opened):
    session = opened(rpc=0.05)
    session.send(FILLING)
    with pytest.raises(
        SendQueueFullError, match=r"nothing was sent: \d+ bytes .* 0\.05 s"
    ) as full:
        session.send("<late/>")
    assert full.value.seconds == pytest.approx(0.05)
    assert full.value.queued > 100_000
    with pytest.raises(SendQueueFullError):
        session.submit("<late/>")
    with pytest.raises(SendQueueFullError):
        session.rpc("<late/>", timeout=0.01)
    peer.script(lambda: [peer.receive(), peer.reply(asked(peer))])
    assert "<ok/>" in session.rpc("<on-time/>", timeout=20).raw


def test_memory_is_bounded_and_all_arrives_in_the_senders_order(peer, opened):
    session = opened(rpc=20)
    session.send(FILLING)
    sent = [f"<m{n}>{KILOBYTE}</m{n}>" for n in range(500)]
    thread, out = in_a_thread(lambda: [session.send(each) for each in sent] and None)
    assert peer.receive() == FILLING
    assert [peer.receive() for _ in sent] == sent
    thread.join(20)
    assert out == [None]


def test_close_wakes_all_that_wait_with_the_cause(opened):
    session = opened(rpc=60, close=0.05)
    session.send(FILLING)
    calls = (lambda: session.send("<a/>"), lambda: session.rpc("<b/>"))
    threads = [in_a_thread(call) for call in calls * 3]
    session.close()
    for thread, out in threads:
        thread.join(20)
        assert isinstance(out[0], SessionCloseError), out
        assert out[0] is session.cause


def test_the_end_comes_in_time_although_the_peer_takes_nothing(opened):
    session = opened(rpc=60, close=0.05)
    session.send(FILLING)
    session.end(SessionCloseError(b"", closed_by="us"))
    session.join(20)
    assert not session.is_alive()


def test_a_listener_does_not_wait_and_what_it_sends_keeps_its_place(peer, opened):
    session = opened(rpc=20)
    session.send(FILLING)
    listener = Sending(lambda: [session.send(f"<n{n}/>") for n in range(3)])
    session.add_listener(listener)
    peer.send("<notification/>")
    assert listener.done.wait(20)
    assert listener.errors == []
    thread, out = in_a_thread(lambda: session.send("<after/>"))
    assert peer.receive() == FILLING
    assert [peer.receive() for _ in range(4)] == ["<n0/>", "<n1/>", "<n2/>", "<after/>"]
    thread.join(20)
    assert out == [None]


@pytest.mark.parametrize("size", [100_000, 2_000_000])
def test_a_long_message_of_a_listener_is_sent_to_its_end(peer, opened, size):
    session = opened(rpc=20)
    message = f"<a>{'x' * size}</a>"
    session.add_listener(Sending(lambda: session.send(message)))
    peer.send("<notification/>")
    assert peer.receive() == message


def test_what_a_listener_can_send_is_bounded_too(peer, opened):
    session = opened(rpc=20, close=0.05)
    session.send(FILLING)
    listener = Sending(lambda: [session.send(f"<n>{KILOBYTE}</n>") for _ in range(200)])
    session.add_listener(listener)
    peer.send("<notification/>")
    assert listener.done.wait(20)
    assert [type(error) for error in listener.errors] == [SendQueueFullError]
    assert "own thread cannot wait" in str(listener.errors[0])
    assert session.connected


def test_what_a_listener_left_is_sent_before_a_close(peer, opened):
    session = opened(rpc=20, close=20)
    session.send(FILLING)
    listener = Sending(lambda: session.send("<left/>"))
    session.add_listener(listener)
    peer.send("<notification/>")
    assert listener.done.wait(20)
    received = []
    peer.script(lambda: received.extend([peer.receive(), peer.receive(), peer.receive()]))
    session.close()
    peer.played()
    assert received == [FILLING, "<left/>", ""]
