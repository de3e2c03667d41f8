"""What `repr` says of a session: its peer, its session-id and its state, and nothing secret."""

from __future__ import annotations

import socket

import pytest

import ncwire
from ncwire import Session, SSHSession, UnixSocketSession
from ncwire.testing.memory import MemoryDriver
from servers.stream_server import PlainStream, StreamServer, unix_server


@pytest.fixture
def server():
    with StreamServer(socket.create_server(("127.0.0.1", 0)), PlainStream) as server:
        yield server


def test_of_a_session_over_a_driver(server):
    session = SSHSession(driver=MemoryDriver, name="s")
    assert repr(session) == "<SSHSession 's': not connected>"
    session.connect("127.0.0.1", server.port)
    what = f"<SSHSession 127.0.0.1, port {server.port}, driver memory, session-id {session.id}: "
    assert repr(session) == f"{what}connected>"
    session.close()
    assert repr(session) == f"{what}ended>"


def test_of_one_over_a_unix_socket(tmp_path):
    path = str(tmp_path / "netconf.sock")
    session = UnixSocketSession()
    with unix_server(path):
        session.connect(path)
        session.close()
    assert (
        repr(session) == f"<UnixSocketSession {path}, driver unix, session-id {session.id}: ended>"
    )


def test_of_one_whose_connect_failed():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    session = SSHSession(driver=MemoryDriver)
    with pytest.raises(ncwire.TransportError):
        session.connect("127.0.0.1", port)
    assert repr(session) == f"<SSHSession 127.0.0.1, port {port}, driver memory: ended>"


def test_of_one_of_no_driver():
    session = Session(["urn:ietf:params:netconf:base:1.0"], name="s")
    assert repr(session) == "<Session 's': not connected>"
    session.close()
    assert repr(session) == "<Session 's': ended>"
