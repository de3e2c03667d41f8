"""A message in pieces: what arrives, who waits, and what ends the session."""

from __future__ import annotations

import re
import threading
from contextlib import suppress

import pytest
from callers import asked
from senders import Sending, in_a_thread

from ncwire.errors import (
    BrokenMessageError,
    OptionError,
    SendQueueFullError,
    SessionCloseError,
    SessionError,
    UnsendableMessageError,
)

BIG = b"x" * 100_000


def drain(peer):
    """Read until the session is over."""
    with suppress(OSError):
        while peer.sock.recv(1 << 20):
            pass


def pieces(*more):
    """More than a socket takes, then this: each an exception, a call or bytes."""
    yield b"<big>"
    for _ in range(40):
        yield BIG
    for each in more:
        if isinstance(each, BaseException):
            raise each
        if callable(each):
            each()
        else:
            yield each
    yield b"</big>"


def test_an_operation_in_pieces_arrives_whole(peer, opened):
    session = opened()
    received = []
    peer.script(lambda: [received.append(peer.receive()), peer.reply(None)])
    assert "<ok/>" in session.rpc(pieces(b"", b"<end/>")).raw
    body = b"".join(pieces(b"<end/>")).decode()
    head, _, rest = received[0].partition(' xmlns="urn:ietf:params:xml:ns:netconf:base:1.0">')
    assert re.fullmatch('<rpc message-id="[a-z]{5}1"', head)
    assert rest == f"{body}</rpc>"


def test_it_may_be_submitted_or_sent_too(peer, opened):
    session = opened()
    future = session.submit([b"<a", b"/>"])
    message_id = asked(peer)
    peer.reply(message_id)
    assert future.result(20).message_id == message_id
    session.send(iter([b"<b", b"", b"/>"]))
    assert peer.receive() == "<b/>"


def test_the_iterator_runs_in_the_callers_thread(peer, opened):
    session = opened()
    threads = []
    peer.script(lambda: peer.reply(asked(peer)))
    session.rpc(pieces(lambda: threads.append(threading.current_thread())))
    assert threads == [threading.current_thread()]


def test_pieces_are_taken_as_the_peer_takes_them(peer, opened):
    session = opened(rpc=20)
    waiting = threading.Event()
    taken = []

    def endless():
        yield b"<endless>"
        while len(taken) < 2000:
            taken.append(None)
            if len(taken) == 5:
                waiting.set()
            yield BIG
        yield b"</endless>"

    thread, out = in_a_thread(lambda: session.send(endless()))
    assert waiting.wait(20)
    thread.join(0.2)  # time for it to go wrong in
    assert len(taken) < 50  # 5 MB: what the socket takes, and a little
    assert len(peer.receive()) == 2000 * len(BIG) + 19
    thread.join(20)
    assert out == [None]


def test_other_messages_come_after_it_and_never_into_it(peer, opened):
    session = opened(rpc=20)
    listener = Sending(lambda: session.send("<from-a-listener/>"))
    session.add_listener(listener)
    others = []

    def meanwhile():
        peer.send("<notification/>")
        assert listener.done.wait(20)
        others.extend(in_a_thread(lambda n=n: session.send(f"<o{n}/>")) for n in range(3))

    peer_has = []
    thread, out = in_a_thread(lambda: session.send(pieces(meanwhile)))
    peer.script(lambda: peer_has.extend(peer.receive() for _ in range(5)))
    thread.join(20)
    peer.played()
    assert out == [None]
    assert listener.errors == []
    assert peer_has[0] == b"".join(pieces()).decode()
    assert peer_has[1] == "<from-a-listener/>"
    assert sorted(peer_has[2:]) == ["<o0/>", "<o1/>", "<o2/>"]


def test_a_message_waits_also_when_nothing_is_queued(peer, opened):
    session = opened(rpc=20)
    others = []

    def slow():
        yield b"<slow>" + BIG
        received = 0
        while received < len(BIG) // 2:
            received += len(peer.sock.recv(len(BIG) // 2 - received))
        others.append(in_a_thread(lambda: session.send("<other/>")))
        others[0][0].join(0.1)  # time for it to go wrong in
        yield b"</slow>"

    session.send(slow())
    assert peer.receive().endswith("x</slow>")
    assert peer.receive() == "<other/>"
    others[0][0].join(20)
    assert others[0][1] == [None]


def test_two_in_pieces_take_turns(peer, opened):
    session = opened(rpc=20)
    threads = [in_a_thread(lambda: session.send(pieces(b"<same/>"))) for _ in range(3)]
    whole = b"".join(pieces(b"<same/>")).decode()
    assert [peer.receive() for _ in threads] == [whole] * 3
    for thread, out in threads:
        thread.join(20)
        assert out == [None]


@pytest.mark.parametrize(
    ("operation", "error"),
    [
        ([], OptionError),
        ([b"", b""], OptionError),
        (["<text/>"], OptionError),
        ([60, 97], OptionError),
        ([b"<rpc>"], OptionError),
        ([b"<!DOC", b"TYPE x>"], OptionError),
        ([b"no element"], OptionError),
        ([b"<a>]]>]]", b"></a>"], UnsendableMessageError),
    ],
)
def test_what_is_wrong_from_the_first_costs_nothing(peer, opened, operation, error):
    session = opened()
    for call in (session.rpc, session.submit):
        with pytest.raises(error):
            call(iter(operation))
    peer.script(lambda: peer.reply(asked(peer)))
    assert "<ok/>" in session.rpc("<next/>").raw


def test_an_error_before_the_first_piece_costs_nothing(peer, opened):
    session = opened()
    error = KeyError("mine")
    with pytest.raises(KeyError) as raised:
        session.rpc(each for each in pieces_of(error))
    assert raised.value is error
    session.send("<next/>")
    assert peer.receive() == "<next/>"


def pieces_of(error):
    yield b"<a>"
    raise error


@pytest.mark.parametrize("error", [KeyError("mine"), KeyboardInterrupt()])
def test_an_error_in_the_middle_comes_out_and_ends_the_session(peer, opened, error):
    session = opened()
    peer.script(lambda: drain(peer))
    with pytest.raises(type(error)) as raised:
        session.rpc(pieces(error))
    assert raised.value is error
    session.join(20)
    assert isinstance(session.cause, BrokenMessageError)
    assert type(error).__name__ in str(session.cause)
    assert "mine" not in str(session.cause)  # it may be anything, a secret too
    assert session.cause.__cause__ is error


def test_an_end_marker_in_the_middle_ends_the_session(peer, opened):
    session = opened()
    peer.script(lambda: drain(peer))
    with pytest.raises(UnsendableMessageError, match="&gt;"):
        session.send(pieces(b"]]>", BIG[:0], b"]]", b">", BIG))
    session.join(20)
    assert isinstance(session.cause, BrokenMessageError)
    with pytest.raises(BrokenMessageError):
        session.send("<late/>")


def test_a_peer_that_takes_no_more_ends_the_session(opened):
    session = opened(rpc=0.05)
    with pytest.raises(BrokenMessageError, match=r"too little of it for 0\.05 s") as broken:
        session.send(pieces())
    session.join(20)
    assert session.cause is broken.value


def test_one_that_never_gets_its_turn_costs_nothing(peer, opened):
    session = opened(rpc=20)
    session.send("<filling>" + "x" * 2_000_000 + "</filling>")
    errors = []
    thread, out = in_a_thread(lambda: session.send(pieces(lambda: errors.append(too_late()))))

    def too_late():
        with pytest.raises(SendQueueFullError) as full:
            in_another()
        return full.value

    def in_another():
        _, out = in_a_thread(lambda: session.rpc([b"<late/>"], timeout=0.01))
        _.join(20)
        raise out[0]

    peer.script(lambda: [peer.receive(), peer.receive()])
    thread.join(20)
    peer.played()
    assert out == [None]
    assert [type(error) for error in errors] == [SendQueueFullError]
    assert session.connected


def test_close_in_the_middle_wakes_the_sender_with_the_cause(opened):
    session = opened(rpc=60, close=0.05)
    begun = threading.Event()

    def begin():
        begun.set()
        yield from pieces()

    thread, out = in_a_thread(lambda: session.rpc(begin()))
    assert begun.wait(20)
    session.close()
    thread.join(20)
    assert isinstance(out[0], SessionCloseError)


def test_a_peer_that_hangs_up_in_the_middle_wakes_the_sender(peer, opened):
    session = opened(rpc=60)
    thread, out = in_a_thread(lambda: session.rpc(pieces(), timeout=60))
    peer.sock.recv(1000)
    peer.hang_up()
    thread.join(20)
    assert isinstance(out[0], SessionCloseError)
    session.join(20)
    assert session.cause is out[0]


def test_a_listener_sends_no_pieces(peer, opened):
    session = opened()
    listener = Sending(lambda: session.submit([b"<a/>"]))
    session.add_listener(listener)
    peer.send("<notification/>")
    assert listener.done.wait(20)
    assert [type(error) for error in listener.errors] == [SessionError]
    assert session.connected


def test_the_iterator_cannot_send_on_the_same_session(peer, opened):
    session = opened(rpc=20)
    errors = []

    def send():
        for message in ("<in-between/>", [b"<in-between/>"]):
            with pytest.raises(SessionError, match="in the middle") as raised:
                session.send(message)
            errors.append(raised.value)

    peer.script(peer.receive)
    session.send(pieces(send))
    peer.played()
    assert len(errors) == 2
    assert session.connected


def test_a_reply_that_comes_before_the_last_piece_counts(peer, opened):
    session = opened(rpc=20)
    replied = threading.Event()

    def play():
        peer.sock.recv(1000)
        peer.reply(None, "<rpc-error/>")
        replied.set()
        drain(peer)

    peer.script(play)
    assert "rpc-error" in session.rpc(pieces(lambda: replied.wait(20))).raw


def test_a_request_in_pieces_may_have_its_reply_in_pieces(peer, opened):
    session = opened(rpc=20)
    received = []
    peer.script(lambda: [received.append(peer.receive()), peer.reply(None, "<big/>")])
    sink = []
    session.rpc(pieces(), sink=sink.append)
    assert b"<big/>" in b"".join(sink)
    assert b"".join(pieces()).decode() in received[0]
