"""What bounds a streamed reply, and what is none."""

from __future__ import annotations

import threading
from contextlib import suppress

import pytest
from streamed_replies import (
    LARGE,
    asked,
    document,
    numbered,
    opened,
)

from ncwire import Limits
from ncwire.errors import (
    ForbiddenXMLError,
    MessageSizeError,
    RPCTimeoutError,
)


@pytest.fixture
def session(peer):
    session = opened(peer)
    yield session
    session.close()


def test_no_limit_bounds_what_is_streamed_and_all_else_is_bounded_as_ever(peer):
    session = opened(peer, limits=Limits(message=100_000))

    def play():
        peer.send(document(asked(peer)))
        with suppress(OSError):
            peer.send(document(asked(peer)))

    peer.script(play)
    assert session.rpc("<get/>", sink=lambda _: None).size > 7_000_000
    with pytest.raises(MessageSizeError, match="limit of 100000 bytes"):
        session.rpc("<get/>")
    session.close()


def test_a_late_reply_to_a_stream_is_not_kept_either(peer):
    session = opened(peer, limits=Limits(message=100_000))
    with pytest.raises(RPCTimeoutError):
        session.stream("<get/>", timeout=0.05)
    late = asked(peer)
    peer.script(lambda: [peer.send(document(late)), peer.reply(asked(peer))])
    assert "<ok/>" in session.rpc("<get/>").raw
    session.close()


@pytest.mark.parametrize("comment", [5_000, 50_000, 100_000])
def test_a_root_behind_a_comment_is_found(peer, session, comment):
    text = f"<!--{'x' * comment}-->"
    peer.script(lambda: peer.send(text + document(asked(peer))))
    pieces = []
    session.rpc("<get/>", sink=pieces.append)
    assert numbered(pieces) == text + document("1")


@pytest.mark.parametrize("body", ["", LARGE], ids=["small", "large"])
def test_a_doctype_before_the_root_ends_the_session(peer, session, body):
    text = f"<!DOCTYPE a [<!ENTITY b 'c'>]>{' ' * 70_000}{document('1', body)}"

    def play():
        asked(peer)
        with suppress(OSError):
            peer.send(text)

    peer.script(play)
    with pytest.raises(ForbiddenXMLError):
        session.rpc("<get/>", sink=lambda _: None)


@pytest.mark.parametrize("before", ["", LARGE], ids=["small", "large"])
def test_what_is_not_utf_8_is_handed_over_as_it_came(peer, session, before):
    sent = []

    def play():
        head, tail = document(asked(peer), before + "\0").encode().split(b"\0")
        sent.append(head + b"\xff" + tail)
        peer.sock.sendall(sent[0] + b"]]>]]>")
        peer.reply(asked(peer))

    peer.script(play)
    pieces = []
    reply = session.rpc("<get/>", sink=pieces.append)
    assert b"".join(pieces) == sent[0]
    assert reply.size == len(sent[0])
    assert "<ok/>" in session.rpc("<get/>").raw


def test_so_it_is_in_the_second_of_two_small_parts(peer, session):
    came = threading.Event()

    def play():
        head, tail = document(asked(peer), "\0").encode().split(b"\0")
        peer.sock.sendall(head)
        assert came.wait(20)
        peer.sock.sendall(b"\xff" + tail + b"]]>]]>")

    peer.script(play)
    with session.stream("<get/>") as stream:
        next(stream)
        came.set()
        assert stream.read().startswith(b"\xff</rpc-reply>")


def test_a_comment_without_an_end_is_bounded_too(peer):
    session = opened(peer, limits=Limits(message=10_000))
    peer.script(lambda: peer.reply(asked(peer)))
    session.rpc("<get/>", sink=lambda _: None)
    peer.script(lambda: [asked(peer), peer.sock.sendall(b"<!--" + b"x" * 20_000)])
    with pytest.raises(MessageSizeError):
        session.rpc("<get/>")
    session.close()
