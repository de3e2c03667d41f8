"""What a peer says before it goes stands in the error: cleaned, bounded, and no configuration."""

from __future__ import annotations

import pytest
from callers import CLIENT

from ncwire import Session
from ncwire._protocol.last_words import LONGEST
from ncwire.driver import LastWords
from ncwire.errors import HelloMissingError, NetconfFramingError, SessionCloseError

SECRET = "hunter2"
RPC_ERROR = (
    '<rpc-error xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><error-type>protocol</error-type>'
    "<error-tag>resource-denied</error-tag><error-info><a>hunter2</a></error-info>{}</rpc-error>"
)
MESSAGE = "<error-message xml:lang='en'>too many\n sessions\u202e[2J</error-message>"


def refusal(peer, data: bytes = b"", words: LastWords | None = None) -> str:
    if words is not None:
        peer.channel.words = words
    peer.script(lambda: (peer.receive(), peer.sock.sendall(data), peer.hang_up()))
    with pytest.raises(HelloMissingError) as caught:
        Session(CLIENT).open(peer.channel)
    peer.played()
    text = str(caught.value)
    assert len(text) < 3 * LONGEST
    assert SECRET not in text
    assert text.isprintable()
    return text


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("License expired: call us\r\n", 'it said "License expired: call us"'),
        ("two\r\nlines\r\n", 'it said "two lines"'),
        ("\x1b[2Jwiped\n", r'it said "\x1b[2Jwiped"'),
        ("x" * 10_000, f'it said "{"x" * LONGEST}..."'),
        (
            "% Access is denied to all users of this device\n<config>hunter2</config>",
            'it said "% Access is denied to all users of this device"',
        ),
        (
            "<!-- user bob is not authorized -->\n",
            'closed before it sent one; it said "user bob is',
        ),
        ("<!-- maintenance", 'it said "maintenance"'),
        (RPC_ERROR.format(MESSAGE), r'it said "too many sessions\u202e[2J"'),
        (RPC_ERROR.format(MESSAGE) + "]]>]]>", r'it said "too many sessions\u202e[2J"'),
        (RPC_ERROR.format("") + "]]>]]>", 'it said "resource-denied"'),
        (
            f'<?xml version="1.0"?>\n<rpc-reply>{RPC_ERROR.format(MESSAGE)}</rpc-reply>]]>]]>',
            "sent rpc-reply where its hello was due: it said",
        ),
    ],
)
def test_in_the_hellos_place(peer, data, said):
    assert said in refusal(peer, data.encode())


@pytest.mark.parametrize("data", ["<hello><a>hunter2", "<!-- c --><rpc-reply>hunter2", "<!", ""])
def test_the_part_of_a_message_is_not_shown(peer, data):
    assert "it said" not in refusal(peer, data.encode())


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (LastWords(b"license expired\n", 3), 'it said on stderr "license expired", exit status 3'),
        (LastWords(b"\x1b[2J\xff", 0), 'it said on stderr "\\x1b[2J\ufffd"'),
        (LastWords(exit_status=127), "closed before it sent one; exit status 127"),
        (LastWords(signal="KILL\n"), r"ended by signal KILL\x0a"),
        (LastWords(b"y" * 5000), f'"{"y" * LONGEST}..."'),
    ],
)
def test_beside_the_stream(peer, words, told):
    assert told in refusal(peer, words=words)


def test_at_the_end_of_an_open_session(peer, session):
    peer.channel.words = LastWords(b"out of memory", 9)
    peer.script(lambda: (peer.sock.sendall(b"<!-- shutting down -->"), peer.hang_up()))
    session.join(20)
    assert isinstance(session.cause, SessionCloseError)
    text = str(session.cause)
    assert 'it said "shutting down", it said on stderr "out of memory", exit status 9' in text


def test_text_between_two_messages(peer, session):
    peer.script(lambda: peer.sock.sendall(b"% Session killed by the operator of the device, bob"))
    session.join(20)
    assert isinstance(session.cause, NetconfFramingError)
    assert 'it said "% Session killed by the operator of the device, bob"' in str(session.cause)


def test_nothing_of_an_unfinished_message_is_told(peer, session):
    peer.script(lambda: (peer.sock.sendall(b"<rpc-reply><a>hunter2"), peer.hang_up()))
    session.join(20)
    assert SECRET not in str(session.cause)
    assert "it said" not in str(session.cause)


def test_a_driver_that_fails_to_tell_them(peer, caplog):
    def failing() -> LastWords:
        raise RuntimeError("oops")

    peer.channel.last_words = failing
    assert refusal(peer) == "hello: the server closed before it sent one"
    assert "failed to tell the server's last words" in caplog.text
