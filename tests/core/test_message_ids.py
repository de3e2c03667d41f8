"""Message-ids: ncwire's own, and those of whole rpcs that a program writes itself."""

from __future__ import annotations

import re
import threading
from xml.etree import ElementTree as ET

import pytest
from callers import CLIENT, Noting, asked

from ncwire import Session
from ncwire.errors import OptionError, RPCTimeoutError, SendQueueFullError, UnsendableMessageError

BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"


def whole(message_id: str, operation: str = "<get/>") -> str:
    return f'<rpc xmlns="{BASE}" message-id="{message_id}">{operation}</rpc>'


def assert_lives(peer, session):
    peer.script(lambda: peer.reply(asked(peer), "<lives/>"))
    assert "<lives/>" in session.rpc("<last/>", 20).raw


def test_the_sessions_own_ids_differ_from_every_other_sessions(peer, make_peer, session):
    other = make_peer()
    second = Session(CLIENT)
    other.hello()
    second.open(other.channel)
    other.receive()
    ids = []
    for each, its in ((session, peer), (second, other)):
        its.script(lambda its=its: [peer_reply(its, ids) for _ in range(3)])
        for _ in range(3):
            each.rpc("<get/>", 20)
    second.close()
    assert len(set(ids)) == 6
    assert all(re.fullmatch("[a-z]{5}[123]", each) for each in ids)


def peer_reply(peer, ids):
    ids.append(asked(peer))
    peer.reply(ids[-1])


def test_the_reply_to_an_rpc_that_was_sent_is_not_a_calls(peer, session):
    listener = Noting()
    session.add_listener(listener)
    session.send(whole("1"))
    first = asked(peer)
    peer.script(lambda: [peer.reply(first, "<sent/>"), peer.reply(asked(peer), "<own/>")])
    assert "<own/>" in session.rpc("<get/>", 20).raw
    listener.wait(2)
    assert "<sent/>" in listener.messages[0]
    assert session.unmatched_replies == 1


@pytest.mark.parametrize("written", [whole("1"), whole("1").encode(), "<rpc><get/></rpc>"])
def test_nor_is_it_when_it_comes_without_a_message_id(peer, session, written):
    session.send(written)
    peer.receive()
    peer.script(lambda: [peer.receive(), peer.reply(None, "<sent/>"), peer.reply(None, "<own/>")])
    assert "<own/>" in session.rpc("<get/>", 20).raw
    assert session.unmatched_replies == 1


def test_what_was_sent_and_is_no_rpc_takes_no_reply(peer, session):
    for message in ("<rpcs/>", b"<get/>", "<!-- <rpc/> --><hello/>", f"<rpc xmlns='urn:{BASE}'/>"):
        session.send(message)
        peer.receive()
    peer.script(lambda: [peer.receive(), peer.reply(None, "<own/>")])
    assert "<own/>" in session.rpc("<get/>", 20).raw


def test_what_could_not_be_sent_takes_no_reply(peer, session):
    with pytest.raises(UnsendableMessageError):
        session.send(whole("1", "<!--]]>]]>-->"))
    peer.script(lambda: [peer.receive(), peer.reply(None, "<own/>")])
    assert "<own/>" in session.rpc("<get/>", 20).raw


# --- a whole rpc that is waited for ------------------------------------------------------------


@pytest.mark.parametrize(
    "form",
    [
        str,
        str.encode,
        ET.fromstring,
        lambda text: ET.ElementTree(ET.fromstring(text)),
        lambda text: f"\ufeff<?xml version='1.0'?>\n<!-- mine -->{text}",
        lambda text: text.replace("<rpc xmlns=", "<nc:rpc xmlns:nc=").replace("/rpc", "/nc:rpc"),
        lambda text: text.replace(f' xmlns="{BASE}"', ""),
    ],
)
def test_a_whole_rpc_keeps_its_id_and_its_reply_is_waited_for(peer, session, form):
    def play():
        root = ET.fromstring(peer.receive())
        assert root.tag in (f"{{{BASE}}}rpc", "rpc")
        assert [each.tag.rpartition("}")[2] for each in root] == ["get"]
        peer.reply(root.attrib["message-id"], "<data/>")

    peer.script(play)
    reply = session.rpc(form(whole("urn:uuid:5")), 20)
    assert (reply.message_id, "<data/>" in reply.raw) == ("urn:uuid:5", True)


def test_it_is_sent_as_it_is(peer, session):
    text = whole("a&amp;b", "<get>\n é </get>\n")
    future = session.submit(text)
    assert peer.receive() == text
    peer.reply("a&amp;b")
    assert future.result(20).message_id == "a&b"


def test_every_call_takes_one(peer, session):
    told = []
    came = threading.Event()
    session.request(whole("1"), lambda reply: (told.append(reply), came.set()), told.append)
    future = session.submit(whole("2"))
    ids = [asked(peer), asked(peer)]
    for each in reversed(ids):
        peer.reply(each, f"<n>{each}</n>")
    assert "<n>2</n>" in future.result(20).raw
    assert came.wait(20)
    assert "<n>1</n>" in told[0].raw
    peer.script(lambda: peer.reply(asked(peer), "<streamed/>"))
    with session.stream(whole("3"), 20) as stream:
        assert (stream.message_id, b"<streamed/>" in stream.read()) == ("3", True)


def test_an_id_can_be_used_again_when_its_reply_has_come(peer, session):
    peer.script(lambda: [peer.reply(asked(peer)) for _ in range(3)])
    for _ in range(3):
        assert session.rpc(whole("1"), 20).message_id == "1"


def test_an_id_that_is_waited_for_is_refused_before_anything_is_sent(peer, session):
    future = session.submit(whole("1", "<first/>"))
    for call in (session.rpc, session.submit, session.stream, session.send):
        with pytest.raises(OptionError, match="message-id: '1' is that of an earlier rpc"):
            call(whole("1"))
    with pytest.raises(OptionError, match="message-id"):
        session.request(whole("1"), lambda _: None, lambda _: None)
    assert "<first/>" in peer.receive()
    peer.reply("1", "<data/>")
    assert "<data/>" in future.result(20).raw
    assert_lives(peer, session)  # which is the next that the peer receives


def test_an_id_whose_reply_may_still_come_late_is_refused(peer, session):
    with pytest.raises(RPCTimeoutError):
        session.rpc(whole("1", "<first/>"), 0.02)
    with pytest.raises(OptionError, match="message-id"):
        session.rpc(whole("1"), 20)
    session.send(whole("2", "<sent/>"))
    with pytest.raises(OptionError, match="message-id"):
        session.rpc(whole("2"), 20)
    session.send(whole("2", "<sent-again/>"))  # no call waits for either
    assert [re.search("<([a-z-]+)/>", peer.receive())[1] for _ in range(3)] == [
        "first", "sent", "sent-again",
    ]  # fmt: skip
    peer.reply("1", "<late/>")
    peer.reply("2")
    assert_lives(peer, session)


def test_an_rpc_that_was_refused_leaves_its_id_free(peer, opened):
    session = opened(rpc=0.05)
    session.send("<a>" + "x" * 1_000_000 + "</a>")
    with pytest.raises(SendQueueFullError):
        session.submit(whole("1"))
    with pytest.raises(SendQueueFullError):
        session.send(whole("1"))
    peer.receive()
    future = session.submit(whole("1"))
    peer.reply(asked(peer))
    assert future.result(20).message_id == "1"


@pytest.mark.parametrize(
    ("operation", "problem"),
    [
        ("<rpc><get/></rpc>", "is a whole <rpc> without a message-id"),
        (f'<rpc xmlns="{BASE}" message-id=""/>', "is a whole <rpc> without a message-id"),
        (f'<rpc xmlns="{BASE}" x:message-id="1" xmlns:x="urn:x"/>', "without a message-id"),
        ('<nc:rpc message-id="1"/>', "is no <rpc> that can be read"),
        (whole("1", "<get>"), "is not well-formed"),
    ],
)
def test_a_whole_rpc_that_cannot_be_waited_for_is_refused(peer, session, operation, problem):
    with pytest.raises(OptionError, match=problem) as caught:
        session.rpc(operation, 20)
    assert caught.value.option == "operation"
    assert_lives(peer, session)


def test_a_whole_rpc_in_pieces_is_refused(peer, session):
    for call in (session.rpc, session.submit):
        with pytest.raises(OptionError, match="is a whole <rpc> in pieces; give it whole"):
            call([whole("1").encode()])
    assert_lives(peer, session)


def test_an_operation_of_the_same_name_in_another_namespace_is_none(peer, session):
    operation = '<rpc xmlns="urn:example:vendor"/>'
    future = session.submit(operation)
    pieces = session.submit([operation.encode()])
    for _ in range(2):
        request = peer.receive()
        assert request.endswith(f">{operation}</rpc>")
        peer.reply(None)
    assert future.result(20)
    assert pieces.result(20)
