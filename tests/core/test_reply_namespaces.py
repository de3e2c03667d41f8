"""Servers whose documents are in the capability's URI, or in another namespace than RFC 6241's."""

from __future__ import annotations

import pytest
from callers import CLIENT, Noting, asked

from ncwire import Session
from ncwire.errors import MessageDecodeError, RPCTimeoutError

CAPABILITY = "urn:ietf:params:netconf:base:1.0"
FOREIGN = "urn:example:netconf"
HELLO = (
    "<hello{}><capabilities><capability>urn:ietf:params:netconf:base:1.0</capability>"
    "</capabilities><session-id>4</session-id></hello>"
)


def reply(namespace: str, message_id: str | None, body: str = "<ok/>") -> str:
    attribute = "" if message_id is None else f' message-id="{message_id}"'
    return f'<rpc-reply{attribute} xmlns="{namespace}">{body}</rpc-reply>'


@pytest.mark.parametrize("xmlns", ["", f' xmlns="{CAPABILITY}"'])
def test_a_router_of_classic_ios(peer, xmlns):
    session = Session(CLIENT)
    peer.send(HELLO.format(xmlns))
    session.open(peer.channel)
    peer.receive()
    assert session.id == "4"
    for number in range(3):  # the later ones are read as being like the first
        body = f"<n>{number}</n>"
        peer.script(lambda body=body: peer.send(reply(CAPABILITY, asked(peer), body)))
        assert body in session.rpc("<get/>", timeout=20).raw
    session.close()


@pytest.mark.parametrize("namespace", [CAPABILITY, FOREIGN])
def test_a_reply_is_known_by_the_message_id_that_is_waited_for(peer, session, namespace):
    future = session.submit("<get/>")
    peer.send(reply(namespace, asked(peer)))
    assert future.result(20).root[0] == f"{{{namespace}}}rpc-reply"


@pytest.mark.parametrize("namespace", [CAPABILITY, FOREIGN])
def test_a_reply_of_that_kind_is_streamed_too(peer, session, namespace):
    body = "<e/>" * 100_000
    peer.script(lambda: peer.send(reply(namespace, asked(peer), body)))
    taken: list[bytes] = []
    session.rpc("<get/>", timeout=20, sink=taken.append)
    assert body in b"".join(taken).decode()


@pytest.mark.parametrize("namespace", [CAPABILITY, FOREIGN])
def test_a_late_reply_of_that_kind_is_dropped(peer, session, namespace):
    with pytest.raises(RPCTimeoutError):
        session.rpc("<get/>", timeout=0.02)
    late = asked(peer)
    peer.script(
        lambda: (peer.send(reply(namespace, late)), peer.send(reply(namespace, asked(peer))))
    )
    session.rpc("<get/>", timeout=20)
    assert session.unmatched_replies == 1


@pytest.mark.parametrize("namespace", [CAPABILITY, FOREIGN])
def test_a_reply_of_that_kind_that_is_not_utf8_fails_its_rpc(peer, session, namespace):
    future = session.submit("<get/>")
    document = reply(namespace, asked(peer), "<a>\udcff</a>")
    peer.sock.sendall(document.encode(errors="surrogateescape") + b"]]>]]>")
    with pytest.raises(MessageDecodeError, match="the reply to rpc"):
        future.result(20)


def test_what_is_in_a_foreign_namespace_is_for_listeners_unless_it_is_waited_for(peer, session):
    listener = Noting()
    session.add_listener(listener)
    future = session.submit("<get/>")
    message_id = asked(peer)
    messages = [reply(FOREIGN, None, "<a/>"), reply(FOREIGN, "another", "<b/>")]
    messages.append(f'<event xmlns="{FOREIGN}" message-id="{message_id}"/>')
    for message in messages:
        peer.send(message)
    listener.wait(3)
    assert listener.messages == messages
    assert not future.done()
    assert session.unmatched_replies == 0
    peer.reply(message_id)
    assert "<ok/>" in future.result(20).raw


def test_a_reply_without_a_message_id_in_the_capabilitys_namespace_is_the_oldest_rpcs(
    peer, session
):
    first, second = session.submit("<a/>"), session.submit("<b/>")
    asked(peer)
    asked(peer)
    peer.send(reply(CAPABILITY, None, "<one/>"))
    peer.send(reply(CAPABILITY, None, "<two/>"))
    assert "<one/>" in first.result(20).raw
    assert "<two/>" in second.result(20).raw
