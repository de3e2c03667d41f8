"""A session from the hello exchange to its end, over a memory channel."""

from __future__ import annotations

import socket
import threading

import pytest

from ncwire import Capabilities, Limits, Session, SessionListener, Timeouts
from ncwire.errors import (
    ForbiddenXMLError,
    HelloMalformedError,
    HelloMissingError,
    HelloSessionIdError,
    HelloTimeoutError,
    MessageError,
    MessageSizeError,
    NetconfFramingError,
    NoCommonBaseError,
    SessionCloseError,
    TransportError,
    UnsendableMessageError,
)
from ncwire.testing.memory import MemoryChannel

CLIENT = ["urn:ietf:params:netconf:base:1.0", "urn:ietf:params:netconf:base:1.1"]
BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"
HELLO = (
    f'<hello xmlns="{BASE}"><capabilities><capability>{{}}</capability></capabilities>{{}}</hello>'
)


class Recorder(SessionListener):
    def __init__(self) -> None:
        self.messages: list[tuple[tuple[str, dict[str, str]], str]] = []
        self.errors: list[Exception] = []
        self.arrived = threading.Semaphore(0)
        self.failed = threading.Event()

    def callback(self, root, raw):
        self.messages.append((root, raw))
        self.arrived.release()

    def errback(self, ex):
        self.errors.append(ex)
        self.failed.set()


def opened(peer, *, capabilities=CLIENT, **options) -> Session:
    session = Session(capabilities)
    peer.hello()
    session.open(peer.channel, **options)
    peer.receive()
    return session


def assert_gone(session: Session, peer) -> None:
    session.join(10)
    assert not session.is_alive()
    assert not session.connected
    assert peer.channel.fileno() == -1


def test_hello_exchange_makes_a_session(peer):
    session = Session(CLIENT)
    assert session.id is None
    assert list(session.server_capabilities) == []
    assert not session.connected
    peer.hello("1.0", "1.1", session_id="42")
    session.open(peer.channel)
    assert session.connected
    assert session.id == "42"
    assert ":base:1.1" in session.server_capabilities
    assert session.client_capabilities == Capabilities(CLIENT)
    assert "<hello" in peer.receive()
    session.close()
    assert_gone(session, peer)


@pytest.mark.parametrize(
    ("document", "error"),
    [
        (f'<hello xmlns="{BASE}"><capabilities/></hello>', HelloMalformedError),
        ("<hello", HelloMalformedError),
        (
            HELLO.format(CLIENT[0], ""),
            HelloSessionIdError,
        ),
        (
            HELLO.format("urn:x", "<session-id>1</session-id>"),
            NoCommonBaseError,
        ),
        (f'<rpc-reply xmlns="{BASE}"/>', HelloMissingError),
        ('<!DOCTYPE hello SYSTEM "file:///etc/passwd"><hello/>', ForbiddenXMLError),
    ],
)
def test_each_bad_hello_is_its_own_error_and_leaves_nothing(peer, document, error):
    session = Session(CLIENT)
    listener = Recorder()
    session.add_listener(listener)
    peer.send(document)
    with pytest.raises(error) as caught:
        session.open(peer.channel)
    assert session.cause is caught.value
    assert listener.errors == [caught.value]
    assert_gone(session, peer)


def test_hello_that_never_comes_ends_in_time(peer):
    session = Session(CLIENT)
    with pytest.raises(HelloTimeoutError, match=r"hello: .* within 0\.05 s"):
        session.open(peer.channel, timeouts=Timeouts(hello=0.05))
    assert_gone(session, peer)


def test_peer_that_closes_with_our_hello_unread(peer):
    """Which makes a reset of its end; over TCP it is a matter of chance which of the two comes."""
    session = Session(CLIENT)
    peer.script(lambda: (peer.sock.recv(1, socket.MSG_PEEK), peer.sock.close()))
    with pytest.raises(HelloMissingError, match=r"failed before it came: .*reset") as caught:
        session.open(peer.channel)
    assert isinstance(caught.value.__cause__, TransportError)
    assert session.cause is caught.value


def test_peer_that_closes_before_its_hello(peer):
    session = Session(CLIENT)
    peer.script(lambda: (peer.receive(), peer.hang_up()))
    with pytest.raises(HelloMissingError, match="closed before it sent one"):
        session.open(peer.channel)
    assert_gone(session, peer)


def test_what_a_library_has_buffered_is_read_though_the_fd_is_silent(peer):
    class Buffering(MemoryChannel):
        """Takes in all that there is at once, and hands it out in small pieces."""

        buffered = b""

        def read(self, size):
            while (data := super().read(size)) is not None:
                self.buffered += data
            piece, self.buffered = self.buffered[:7], self.buffered[7:]
            return piece or None

    session = Session(CLIENT)
    listener = Recorder()
    session.add_listener(listener)
    channel = Buffering(peer.channel.native)
    peer.hello()
    session.open(channel)
    document = "<a>" + "x" * 10_000 + "</a>"
    peer.send(document)
    assert listener.arrived.acquire(timeout=10)
    assert listener.messages[0][1] == document
    session.close()


def test_messages_reach_listeners_with_root_and_raw(peer):
    session = opened(peer)
    listener = Recorder()
    session.add_listener(listener)
    session.add_listener(listener)
    peer.send('<x:event xmlns:x="urn:x" x:a="1" b="2">é</x:event>')
    assert listener.arrived.acquire(timeout=10)
    root, raw = listener.messages[0]
    assert root == ("{urn:x}event", {"{urn:x}a": "1", "b": "2"})
    assert raw.endswith("é</x:event>")
    session.remove_listener(listener)
    session.remove_listener(listener)
    peer.send("<other/>")
    session.close()
    assert len(listener.messages) == 1


def test_listener_instance_is_found_by_type(peer):
    session = Session(CLIENT)
    assert session.get_listener_instance(Recorder) is None
    listener = Recorder()
    session.add_listener(listener)
    assert session.get_listener_instance(Recorder) is listener


def test_what_is_no_listener_is_refused():
    with pytest.raises(TypeError, match="needs callback and errback"):
        Session(CLIENT).add_listener(object())


def test_raising_listener_hurts_no_other(peer, caplog):
    class Broken(Recorder):
        def callback(self, root, raw):
            raise ValueError("mine")

        def errback(self, ex):
            super().errback(ex)
            raise ValueError("mine too")

    session = opened(peer)
    broken, sound = Broken(), Recorder()
    session.add_listener(broken)
    session.add_listener(sound)
    peer.send("<event/>")
    assert sound.arrived.acquire(timeout=10)
    assert [str(each) for each in broken.errors] == ["mine"]
    assert session.connected
    session.close()
    assert len(sound.errors) == 1
    assert sum("failed" in record.message for record in caplog.records) == 3


def test_slow_listener_is_warned_of(peer, caplog, monkeypatch):
    monkeypatch.setattr("ncwire._session.listeners.SLOW", 0.0)
    session = opened(peer)
    listener = Recorder()
    session.add_listener(listener)
    peer.send("<event/>")
    assert listener.arrived.acquire(timeout=10)
    session.close()
    assert "all other messages waited" in caplog.text


def test_peers_close_reaches_every_listener_once_with_what_was_unfinished(peer):
    session = opened(peer)
    listeners = [Recorder(), Recorder()]
    for listener in listeners:
        session.add_listener(listener)
    peer.sock.sendall(b"<unfinished")
    peer.hang_up()
    for listener in listeners:
        assert listener.failed.wait(10)
    assert_gone(session, peer)
    session.close()
    for listener in listeners:
        assert listener.errors == [session.cause]
    assert isinstance(session.cause, SessionCloseError)
    assert session.cause.closed_by == "peer"
    assert session.cause.in_buf == b"<unfinished"
    assert "unfinished" not in repr(session.cause).replace("an unfinished message", "")


def test_listener_added_after_the_end_is_told_the_cause(peer):
    session = opened(peer)
    session.close()
    listener = Recorder()
    session.add_listener(listener)
    assert listener.errors == [session.cause]
    assert session.cause.closed_by == "us"


@pytest.mark.parametrize(
    ("document", "error"),
    [
        ("<!DOCTYPE a [<!ENTITY b 'c'>]><a/>", ForbiddenXMLError),
        ("no xml", NetconfFramingError),
        ("<a\udcff/>", MessageError),
    ],
)
def test_unreadable_message_ends_the_session_at_once(peer, document, error):
    session = opened(peer)
    listener = Recorder()
    session.add_listener(listener)
    peer.sock.sendall(b"<fine/>]]>]]>" + document.encode("utf-8", "surrogateescape") + b"]]>]]>")
    assert listener.failed.wait(10)
    assert isinstance(listener.errors[0], error)
    assert len(listener.messages) == 1
    assert_gone(session, peer)


def test_what_comes_with_the_end_while_a_listener_is_busy_is_heard_first(peer):
    class Busy(Recorder):
        def callback(self, root, raw):
            if not self.messages:
                peer.sock.sendall(b"<second/>]]>]]>no xml]]>]]>")
            super().callback(root, raw)

    session = opened(peer)
    listener = Busy()
    session.add_listener(listener)
    peer.send("<first/>")
    assert listener.failed.wait(10)
    assert [raw for _, raw in listener.messages] == ["<first/>", "<second/>"]
    assert_gone(session, peer)


def test_framing_error_ends_the_session_at_once(peer):
    session = Session(CLIENT)
    listener = Recorder()
    session.add_listener(listener)
    peer.hello("1.1")
    session.open(peer.channel)
    peer.sock.sendall(b"\n#x")
    assert listener.failed.wait(10)
    assert isinstance(session.cause, NetconfFramingError)
    assert_gone(session, peer)


def test_limit_on_messages_ends_the_session(peer):
    session = Session(CLIENT, limits=Limits(message=100))
    listener = Recorder()
    session.add_listener(listener)
    peer.hello()
    session.open(peer.channel)
    peer.sock.sendall(b"<" + b"a" * 200)
    assert listener.failed.wait(10)
    assert isinstance(session.cause, MessageSizeError)


def test_send_needs_an_open_session(peer):
    session = Session(CLIENT)
    with pytest.raises(TransportError, match="not connected"):
        session.send("<a/>")
    peer.hello()
    session.open(peer.channel)
    session.close()
    with pytest.raises(SessionCloseError, match="closed by us"):
        session.send("<a/>")


def test_unsendable_message_sends_nothing_and_the_session_lives(peer):
    session = opened(peer)
    with pytest.raises(UnsendableMessageError):
        session.send("<a>]]>]]></a>")
    with pytest.raises(UnsendableMessageError, match="UTF-8: surrogates not allowed at character"):
        session.send("<a>\ud800</a>")
    session.send("<b/>")
    assert peer.receive() == "<b/>"
    assert session.connected
    session.close()


def test_session_connects_once(peer):
    session = opened(peer)
    with pytest.raises(TransportError, match="only once"):
        session.open(peer.channel)
    assert session.connected
    session.close()


def test_large_messages_both_ways(peer):
    session = opened(peer)
    listener = Recorder()
    session.add_listener(listener)
    document = "<a>" + "x" * 20_000_000 + "</a>"
    peer.script(lambda: peer.send(peer.receive()))
    session.send(document)
    assert listener.arrived.acquire(timeout=60)
    assert listener.messages[0][1] == document
    session.close()


def test_keepalive_unanswered_ends_the_session(peer):
    session = Session(CLIENT)
    listener = Recorder()
    session.add_listener(listener)
    peer.channel.keepalive = lambda: peer.channel.write(memoryview(b" "))
    peer.hello()
    session.open(peer.channel, keepalive=0.02)
    assert listener.failed.wait(10)
    assert "no answer to 3 keepalives" in str(session.cause)
    assert_gone(session, peer)
    assert "<hello" in peer.receive()
    assert peer.receive() == ""


def test_driver_that_raises_an_error_of_its_own_ends_its_own_session_only(peer):
    session = opened(peer)
    listener = Recorder()
    session.add_listener(listener)

    def read(size):
        raise ZeroDivisionError

    peer.channel.read = read
    peer.send("<event/>")
    assert listener.failed.wait(10)
    assert "driver raised ZeroDivisionError" in str(session.cause)
    assert_gone(session, peer)


def test_target_runs_when_the_session_has_ended(peer):
    told = threading.Event()
    session = Session(CLIENT, None, told.set, "netconf")
    assert session.name == "netconf"
    peer.hello()
    session.open(peer.channel)
    assert not told.is_set()
    session.close()
    assert told.wait(10)
