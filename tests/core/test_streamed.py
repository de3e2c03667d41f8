"""Replies that are handed over as they come: sinks, streams, and what a reader that stops does."""

from __future__ import annotations

import io
import re
import threading
from contextlib import suppress
from xml.etree import ElementTree as ET

import pytest

from ncwire import Hub, Limits, Session, SessionListener, StreamedReply
from ncwire.errors import (
    ForbiddenXMLError,
    MessageSizeError,
    OptionError,
    RPCTimeoutError,
    SessionCloseError,
    SessionError,
    UnsendableMessageError,
)

BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"
CLIENT = ["urn:ietf:params:netconf:base:1.0"]
NOTIFICATION = (
    '<notification xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0">{}</notification>'
)
LARGE = "<e>0123456789é</e>\n" * 400_000
STALL = 0.3
"""How long the peer's send may find no room before the peer takes itself for stopped."""


@pytest.fixture
def session(peer):
    session = opened(peer)
    yield session
    session.close()


def opened(peer, **options) -> Session:
    session = Session(CLIENT, **options)
    peer.hello()
    session.open(peer.channel)
    peer.receive()
    return session


def asked(peer) -> str:
    """Return the message-id of the next rpc that the peer receives."""
    return re.search(r'message-id="([^"]*)"', peer.receive())[1]


def document(message_id: str, body: str = LARGE) -> str:
    return f'<rpc-reply xmlns="{BASE}" message-id="{message_id}">{body}</rpc-reply>'


def numbered(pieces) -> str:
    """Return the document, with the number of the rpc for a message-id."""
    return re.sub('message-id="[a-z]{5}', 'message-id="', b"".join(pieces).decode())


class Stalling:
    """Sends a reply, and notes when the reader's window has been used up for so many seconds."""

    def __init__(self, peer, more: str = "", seconds: float = STALL) -> None:
        self._seconds = seconds
        self.stalled = threading.Event()
        self.sent = 0
        self.size = 0
        self._peer = peer
        self._more = more
        peer.script(self._play)

    def _play(self) -> None:
        view = memoryview((document(asked(self._peer)) + "]]>]]>" + self._more).encode())
        self.size = len(view)
        self._peer.sock.settimeout(self._seconds)
        while view:
            try:
                sent = self._peer.sock.send(view)
            except TimeoutError:
                self.stalled.set()
                continue
            except OSError:  # the session is over
                return
            self.sent += sent
            view = view[sent:]
        self._peer.sock.settimeout(20)


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


# --- a reader that stops -------------------------------------------------------------------------


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


# --- ends before the end -------------------------------------------------------------------------


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
        session.rpc("<get/>", timeout=0.2, sink=pieces.append)
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


# --- limits, and what is no reply ----------------------------------------------------------------


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
