"""Replies that are handed over as they come: what a sink gets, and what else comes meanwhile."""

from __future__ import annotations

import io
import threading
from contextlib import suppress
from xml.etree import ElementTree as ET

import pytest
from streamed_replies import (
    BASE,
    LARGE,
    NOTIFICATION,
    asked,
    document,
    numbered,
    opened,
)

from ncwire import SessionListener, StreamedReply
from ncwire.errors import (
    OptionError,
    SessionCloseError,
)


@pytest.fixture
def session(peer):
    session = opened(peer)
    yield session
    session.close()


# --- what a sink gets ----------------------------------------------------------------------------


@pytest.mark.parametrize("body", ["<ok/>", "<rpc-error/>", LARGE], ids=["small", "error", "large"])
def test_a_callable_gets_the_whole_document(peer, session, body):
    peer.script(lambda: peer.reply(asked(peer), body))
    pieces = []
    reply = session.rpc("<get/>", sink=pieces.append)
    whole = b"".join(pieces)
    assert isinstance(reply, StreamedReply)
    assert f">{body}</rpc-reply>".encode() in whole
    assert whole.startswith(b"<rpc-reply")
    assert reply.size == len(whole)
    assert reply.root == (f"{{{BASE}}}rpc-reply", {"message-id": reply.message_id})
    assert all(isinstance(piece, bytes) and piece for piece in pieces)


def test_a_binary_file_is_written_to(peer, session, tmp_path):
    peer.script(lambda: peer.send(document(asked(peer))))
    with (tmp_path / "reply.xml").open("wb") as file:
        reply = session.rpc("<get/>", sink=file)
    assert (tmp_path / "reply.xml").read_text() == document(reply.message_id)


class Reluctant(io.RawIOBase):
    """A raw file that takes little at a time."""

    def __init__(self, most: int | None) -> None:
        self.taken = b""
        self._most = most

    def write(self, data):
        if self._most is None:
            return None
        self.taken += data[: self._most]
        return min(len(data), self._most)


def test_a_file_that_takes_less_is_given_the_rest(peer, session):
    body = "0123456789" * 10
    peer.script(lambda: peer.send(document(asked(peer), body)))
    file = Reluctant(7)
    session.rpc("<get/>", sink=file)
    assert body.encode() in file.taken


@pytest.mark.parametrize(("most", "error"), [(None, BlockingIOError), (0, OSError)])
def test_a_file_that_takes_nothing_is_an_error(peer, session, most, error):
    peer.script(lambda: [peer.reply(asked(peer)) for _ in range(2)])
    with pytest.raises(error):
        session.rpc("<get/>", sink=Reluctant(most))
    assert "<ok/>" in session.rpc("<get/>").raw


@pytest.mark.parametrize("sink", [io.StringIO(), "reply.xml", 1])
def test_what_is_no_sink_is_refused_and_nothing_is_sent(peer, session, sink):
    with pytest.raises(OptionError, match="sink"):
        session.rpc("<get/>", sink=sink)
    peer.script(lambda: peer.reply(asked(peer)))
    assert "<ok/>" in session.rpc("<get-config/>").raw


def test_a_stream_is_iterated(peer, session):
    peer.script(lambda: peer.send(document(asked(peer))))
    with session.stream("<get/>") as stream:
        assert stream.root[1]["message-id"] == stream.message_id
        whole = b"".join(stream)
        assert stream.size == len(whole)
        assert list(stream) == []
        assert stream.read(10) == b""
    assert whole.decode() == document(stream.message_id)


def test_a_stream_is_a_file_to_parsers(peer, session):
    peer.script(lambda: peer.send(document(asked(peer))))
    with session.stream("<get/>") as stream:
        count = sum(element.tag == f"{{{BASE}}}e" for _, element in ET.iterparse(stream))
    assert count == 400_000


def test_a_stream_is_read_by_size(peer, session):
    peer.script(lambda: peer.send(document(asked(peer))))
    with session.stream("<get/>") as stream:
        head = stream.read(20)
        assert len(head) == stream.size == 20
        rest = stream.read()
    assert (head + rest).decode() == document(stream.message_id)
    assert stream.size == len(head + rest)


# --- what else comes on the channel --------------------------------------------------------------


def test_messages_before_and_after_are_as_ever(peer, session):
    reader = session.notifications()
    before = session.submit("<before/>")
    ids = [asked(peer)]

    begun = threading.Event()

    def play():
        streamed = asked(peer)
        begun.set()
        after = asked(peer)
        peer.send(NOTIFICATION.format(1))
        peer.reply(after, "<after/>")
        peer.sock.sendall(
            f"{document(streamed)}]]>]]>{document(ids[0], '<b/>')}]]>]]>"
            f"{NOTIFICATION.format(2)}]]>]]>".encode()
        )

    stream = {}
    peer.script(play)
    thread = threading.Thread(
        target=lambda: stream.update(it=b"".join(session.stream("<get/>"))), daemon=True
    )
    thread.start()
    assert begun.wait(20)
    after = session.submit("<after/>")
    thread.join(20)
    assert stream["it"].endswith(b"</rpc-reply>")
    assert "<after/>" in after.result(20).raw
    assert "<b/>" in before.result(20).raw
    assert [reader.get(20).raw for _ in range(2)] == [NOTIFICATION.format(n) for n in (1, 2)]
    assert session.unmatched_replies == 0


@pytest.mark.parametrize("body", ["<ok/>", LARGE], ids=["small", "large"])
def test_listeners_hear_nothing_of_a_streamed_reply(peer, session, body):
    class Noting(SessionListener):
        heard = 0

        def callback(self, root, raw):
            self.heard += 1

        def errback(self, ex):
            pass

    listener = Noting()
    session.add_listener(listener)
    peer.script(lambda: [peer.reply(asked(peer), body), peer.reply(asked(peer))])
    session.rpc("<get/>", sink=lambda _: None)
    session.submit("<get/>").result(20)
    with suppress(SessionCloseError):
        session.close()
    assert listener.heard == 1


def test_a_reply_without_message_id_is_the_oldest_rpcs(peer, session):
    peer.script(lambda: [asked(peer), peer.reply(None, LARGE)])
    reply = session.rpc("<get/>", sink=lambda _: None)
    assert reply.message_id is None
    assert reply.size > len(LARGE)


def test_two_streams_come_one_after_the_other(peer, session):
    def play():
        for message_id in [asked(peer), asked(peer)]:
            peer.send(document(message_id))

    peer.script(play)
    got = {}
    threads = [
        threading.Thread(
            target=lambda n=n: got.update({n: b"".join(session.stream("<get/>"))}), daemon=True
        )
        for n in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(numbered([each]) for each in got.values()) == [document("1"), document("2")]
