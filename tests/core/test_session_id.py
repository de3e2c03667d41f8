"""A server's hello without a session-id: refused, unless one says that none is required."""

from __future__ import annotations

import re
import socket

import pytest

import ncwire
from ncwire import SSHSession
from ncwire._protocol.messages import BASE_NS, parse_hello
from ncwire.errors import HelloSessionIdError, OptionError
from ncwire.profiles import DeviceProfile, parse
from ncwire.testing.memory import MemoryDriver
from servers.stream_server import PlainStream, StreamServer

CAPABILITIES = (
    "<capabilities><capability>urn:ietf:params:netconf:base:1.0</capability></capabilities>"
)
LENIENT = parse("[received]\nrequire_session_id = false", "lab.toml")
MENDING = parse(
    "[received]\nrequire_session_id = false\nmend_split_tags = true", "lab.toml", "mending"
)


def hello(identity: str = "") -> str:
    return f'<hello xmlns="{BASE_NS}">{CAPABILITIES}{identity}</hello>'


@pytest.fixture
def port():
    """The port of a server whose hello has no session-id, and which answers one rpc."""

    def script(stream):
        stream.send(hello().encode() + b"]]>]]>")
        received = b""
        while received.count(b"]]>]]>") < 2:
            data = stream.recv()
            if not data:
                return
            received += data
        (message_id,) = re.findall(rb'message-id="([^"]+)"', received)
        head = f'<rpc-reply xmlns="{BASE_NS}" message-id="'.encode()
        stream.send(head + message_id + b'"><ok/></rpc-reply>]]>]]>')
        stream.recv()  # until it ends

    listener = socket.create_server(("127.0.0.1", 0))
    with StreamServer(listener, PlainStream, script) as server:
        yield server.port


def test_it_is_refused_and_the_error_says_how_to_take_it(port):
    with pytest.raises(HelloSessionIdError, match="no session-id; require_session_id=False"):
        ncwire.connect("127.0.0.1", port=port, driver=MemoryDriver)


@pytest.mark.parametrize(
    "given",
    [
        {"require_session_id": False},
        {"profile": LENIENT},
        {"profile": MENDING},
        {"profile": "default", "require_session_id": False},
    ],
    ids=["argument", "profile", "mending profile", "argument over profile"],
)
def test_it_is_taken_where_that_is_said_and_the_session_has_no_id(port, given):
    session = ncwire.connect("127.0.0.1", port=port, driver=MemoryDriver, **given)
    assert session.id is None
    assert ":base:1.0" in session.server_capabilities
    assert "<ok/>" in session.rpc("<get/>", 20).raw
    session.close()


def test_a_url_and_the_class_take_it_too(port):
    url = f"netconf://127.0.0.1:{port}"
    session = ncwire.connect(url, driver=MemoryDriver, require_session_id=False)
    assert session.connected
    session.close()
    session = SSHSession(driver=MemoryDriver, require_session_id=False)
    session.connect("127.0.0.1", port)
    assert session.connected
    session.close()


def test_the_argument_wins_over_the_profile(port):
    with pytest.raises(HelloSessionIdError):
        ncwire.connect(
            "127.0.0.1", port=port, driver=MemoryDriver, profile=LENIENT, require_session_id=True
        )


def test_what_is_no_bool_is_refused():
    with pytest.raises(OptionError, match="require_session_id: must be True, False or None"):
        SSHSession(require_session_id="no")  # type: ignore[arg-type]


def test_by_default_a_profile_requires_it():
    assert DeviceProfile(name="lab").dialect.require_session_id


@pytest.mark.parametrize("identity", ["", "<session-id/>", "<session-id> </session-id>"])
def test_missing_and_empty_are_the_same(identity):
    assert parse_hello(hello(identity), require_session_id=False).session_id is None


@pytest.mark.parametrize("text", ["0", "x", "4294967296"])
def test_one_that_is_there_must_be_good(text):
    identity = f"<session-id>{text}</session-id>"
    with pytest.raises(HelloSessionIdError):
        parse_hello(hello(identity), require_session_id=False)
    with pytest.raises(HelloSessionIdError):
        parse_hello(
            hello("<session-id>1</session-id><session-id>2</session-id>"), require_session_id=False
        )
