"""Messages that are not UTF-8: only their rpc fails, and the session lives."""

from __future__ import annotations

import logging
import threading

import pytest
from callers import CLIENT, NOTIFICATION, Noting, asked

from ncwire import Session
from ncwire._protocol.dialect import Dialect
from ncwire.errors import (
    HelloMalformedError,
    MessageDecodeError,
    MessageError,
    OptionError,
    RPCTimeoutError,
)

BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"
NAME = "Büro"
"""A neighbour's name, which the device hands on in the encoding that it came in."""
LARGE = "<x/>" * 50_000
SIZES = pytest.mark.parametrize("before", ["", LARGE], ids=["small", "large"])


def reply(message_id: str | None, body: str, encoding: str = "latin-1") -> bytes:
    attribute = "" if message_id is None else f' message-id="{message_id}"'
    return f'<rpc-reply xmlns="{BASE}"{attribute}>{body}</rpc-reply>'.encode(encoding)


def send(peer, document: bytes) -> None:
    peer.sock.sendall(document + b"]]>]]>")


def assert_lives(peer, session):
    peer.script(lambda: peer.reply(asked(peer), f"<lives>{NAME}</lives>"))
    assert f"<lives>{NAME}</lives>" in session.rpc("<last/>", 20).raw


@SIZES
def test_only_the_rpc_fails_and_its_bytes_are_to_be_had(peer, session, caplog, before):
    other = session.submit("<other/>")
    others = asked(peer)
    sent = []

    def play():
        sent.append(reply(asked(peer), f"{before}<password>{NAME}</password>"))
        send(peer, sent[0])
        peer.reply(others)

    peer.script(play)
    with pytest.raises(MessageDecodeError) as caught:
        session.rpc("<get/>", 20)
    error = caught.value
    assert error.raw == sent[0]
    assert (error.offset, error.reason) == (sent[0].index(b"\xfc"), "invalid start byte")
    assert sent[0][: error.offset].decode()
    assert error.root == f"{{{BASE}}}rpc-reply"
    assert error.message_id in sent[0].decode("latin-1")
    assert f"the reply to rpc '{error.message_id}' is not UTF-8 at its byte" in str(error)
    for shown in (str(error), repr(error), caplog.text):
        assert not any(each in shown for each in ("password", "\\xfc", "ü"))
    assert error.__cause__ is None
    assert "<ok/>" in other.result(20).raw
    assert session.cause is None
    assert_lives(peer, session)


@SIZES
def test_so_do_a_future_and_a_request(peer, session, before):
    told, came = [], threading.Event()
    future = session.submit("<a/>")
    send(peer, reply(asked(peer), before + NAME))
    with pytest.raises(MessageDecodeError):
        future.result(20)
    session.request("<b/>", told.append, lambda error: (told.append(error), came.set()))
    send(peer, reply(asked(peer), before + NAME))
    assert came.wait(20)
    assert [type(each) for each in told] == [MessageDecodeError]
    assert_lives(peer, session)


def test_one_without_a_message_id_is_the_oldest_rpcs(peer, session):
    first, second = session.submit("<a/>"), session.submit("<b/>")
    peer.receive()
    peer.receive()
    send(peer, reply(None, NAME))
    peer.reply(None, "<two/>")
    with pytest.raises(MessageDecodeError) as caught:
        first.result(20)
    assert caught.value.message_id is None
    assert "<two/>" in second.result(20).raw


def test_one_that_no_call_waits_for_is_dropped_and_counted(peer, session):
    with pytest.raises(RPCTimeoutError):
        session.rpc("<late/>", 0.02)
    send(peer, reply(asked(peer), NAME))
    send(peer, reply("unknown", NAME))
    assert_lives(peer, session)
    assert session.unmatched_replies == 2


def test_one_that_was_cancelled_harms_nothing(peer, session):
    future = session.submit("<a/>")
    assert future.cancel()
    send(peer, reply(asked(peer), NAME))
    assert_lives(peer, session)


# --- listeners ---------------------------------------------------------------------------------


class InOrder(Noting):
    """Notes both in one list."""

    def errback(self, ex):
        self.messages.append(ex)
        self.heard.release()


def test_a_notification_comes_to_errback_in_its_place_and_is_logged(peer, session, caplog):
    listener, reader = InOrder(), session.notifications()
    session.add_listener(listener)
    with caplog.at_level(logging.WARNING, "ncwire"):
        peer.send(NOTIFICATION.format(1))
        send(peer, NOTIFICATION.format(NAME).encode("latin-1"))
        peer.send(NOTIFICATION.format(3))
        listener.wait(3)
    first, second, third = listener.messages
    assert (first, third) == (NOTIFICATION.format(1), NOTIFICATION.format(3))
    assert second.raw.decode("latin-1") == NOTIFICATION.format(NAME)
    assert "notification' is not UTF-8 at its byte" in str(second)
    assert caplog.text.count("is not UTF-8") == 1
    assert (reader.received, reader.undecodable, reader.dropped) == (3, 1, 0)
    assert [reader.get(0).raw for _ in range(2)] == [first, third]
    assert_lives(peer, session)


def test_a_listener_hears_of_what_it_would_have_heard_of(peer, session):
    class OfReplies(InOrder):
        roots = frozenset({f"{{{BASE}}}rpc-reply"})

    listener, reader = OfReplies(), session.notifications()
    session.add_listener(listener)
    send(peer, NOTIFICATION.format(NAME).encode("latin-1"))
    peer.script(lambda: send(peer, reply(asked(peer), NAME)))
    with pytest.raises(MessageDecodeError) as caught:
        session.rpc("<get/>", 20)
    listener.wait(1)
    assert listener.messages == [caught.value]
    assert (reader.received, reader.undecodable) == (1, 1)


def test_a_listener_hears_of_it_after_the_future_has_failed(peer, session):
    listener = InOrder()
    session.add_listener(listener)
    order = []
    future = session.submit("<a/>")
    future.add_done_callback(lambda _: order.append(len(listener.messages)))
    send(peer, reply(asked(peer), NAME))
    listener.wait(1)
    assert order == [0]


# --- a root that cannot be read ------------------------------------------------------------------


@pytest.mark.parametrize(
    "message",
    [
        b"<\xff/>",
        b'<rpc-reply message-id="\xff"/>',
        b'<rpc-reply xmlns="%b" message-id="\xff">' % BASE.encode() + LARGE.encode(),
    ],
)
def test_when_its_root_cannot_be_read_all_are_told_and_the_session_ends(peer, session, message):
    listener = Noting()
    session.add_listener(listener)
    future = session.submit("<a/>")
    peer.receive()
    send(peer, message)
    with pytest.raises(MessageError, match="not UTF-8 at its byte") as caught:
        future.result(20)
    assert caught.value is session.cause
    session.close()
    assert listener.errors == [session.cause]


# --- another encoding ------------------------------------------------------------------------


@pytest.fixture
def speaking(peer):
    """Open a session in a dialect."""
    sessions = []

    def speaking(**dialect):
        session = Session(CLIENT, dialect=Dialect(**dialect))
        sessions.append(session)
        peer.hello()
        session.open(peer.channel)
        peer.receive()
        return session

    yield speaking
    for session in sessions:
        session.close()


@SIZES
@pytest.mark.parametrize("encoding", ["latin-1", "cp437", "gb18030", "shift_jis"])
def test_a_dialect_may_name_the_encoding_of_what_is_not_utf_8(peer, speaking, encoding, before):
    name = NAME if encoding in ("latin-1", "cp437") else "表"
    session = speaking(encoding=encoding)
    reader = session.notifications()
    listener = Noting()
    session.add_listener(listener)

    def play():
        send(peer, NOTIFICATION.format(name).encode(encoding))
        send(peer, reply(asked(peer), before + name, encoding))

    peer.script(play)
    assert session.rpc("<get/>", 20).raw.endswith(f"{before}{name}</rpc-reply>")
    assert reader.get(0).raw == NOTIFICATION.format(name)
    assert reader.undecodable == 0
    listener.wait(2)
    assert_lives(peer, session)  # in UTF-8


def test_what_is_not_in_that_either_is_refused(peer, speaking):
    session = speaking(encoding="shift_jis")
    peer.script(lambda: send(peer, reply(asked(peer), "\xa0\xff")))
    with pytest.raises(MessageDecodeError):
        session.rpc("<get/>", 20)
    assert_lives(peer, session)


def test_a_stream_is_not_decoded(peer, speaking):
    session = speaking(encoding="latin-1")
    peer.script(lambda: send(peer, reply(asked(peer), NAME)))
    pieces = []
    session.rpc("<get/>", 20, sink=pieces.append)
    assert NAME.encode("latin-1") in b"".join(pieces)


def test_characters_that_are_dropped_change_nothing_of_that(peer, speaking):
    session = speaking(drop_control_characters=True)
    peer.script(lambda: send(peer, reply(asked(peer), f"\0{NAME}")))
    with pytest.raises(MessageDecodeError) as caught:
        session.rpc("<get/>", 20)
    assert b"\0" not in caught.value.raw
    assert caught.value.raw[caught.value.offset] == 0xFC
    assert_lives(peer, session)


@pytest.mark.parametrize("encoding", ["", "latin-1"])
def test_the_hello_is_read_in_it_too(peer, encoding):
    capability = f"<capability>{CLIENT[0]}</capability><capability>urn:{NAME}</capability>"
    hello = (
        f'<hello xmlns="{BASE}"><capabilities>{capability}</capabilities>'
        "<session-id>1</session-id></hello>"
    )
    send(peer, hello.encode("latin-1"))
    session = Session(CLIENT, dialect=Dialect(encoding=encoding))
    if encoding:
        session.open(peer.channel)
        assert f"urn:{NAME}" in session.server_capabilities
        session.close()
        return
    with pytest.raises(HelloMalformedError, match=r"not UTF-8 at its byte \d+ .*: b'"):
        session.open(peer.channel)


@pytest.mark.parametrize("encoding", ["utf-16", "rot13", "no-such", "punycode", 5, "cp037"])
def test_what_is_no_such_encoding_is_refused(encoding):
    with pytest.raises(OptionError, match=r"encoding: .* in which ASCII is ASCII"):
        Dialect(encoding=encoding)
