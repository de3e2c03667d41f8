"""The addresses of sessions over channels and drivers of a program's own."""

from __future__ import annotations

import socket

import pytest

from ncwire import Session, SSHSession
from ncwire.testing.memory import MemoryDriver
from servers.stream_server import PlainStream, StreamServer


class Silent(MemoryDriver):
    """One that says nothing of addresses, as drivers written before there was a word for it."""

    contract = (1, 0)

    def connect(self, options, deadline):
        channel = super().connect(options, deadline)
        channel.peer_address = channel.local_address = None
        return channel


@pytest.fixture
def server():
    with StreamServer(socket.create_server(("127.0.0.1", 0)), PlainStream) as server:
        yield server


def test_a_channel_tells_of_its_own(peer):
    peer.channel.peer_address, peer.channel.local_address = ("192.0.2.1", 830), None
    session = Session(["urn:ietf:params:netconf:base:1.0"])
    peer.hello()
    session.open(peer.channel)
    session.close()
    assert (session.peer_address, session.local_address) == (("192.0.2.1", 830), None)


def test_a_driver_in_one_step_tells_by_its_channel(server):
    session = SSHSession(driver=MemoryDriver)
    session.connect("127.0.0.1", server.port)
    session.close()
    assert session.peer_address == server.address
    assert session.local_address == server.peers.get()


def test_one_that_does_not_has_none(server):
    session = SSHSession(driver=Silent)
    session.connect("127.0.0.1", server.port)
    session.close()
    assert (session.peer_address, session.local_address) == (None, None)


def test_but_those_of_the_callers_socket_are_known(server):
    sock = socket.create_connection(server.address)
    ours = sock.getsockname()
    session = SSHSession(driver=Silent)
    session.connect(None, sock=sock)
    session.close()
    assert (session.peer_address, session.local_address) == (server.address, ours)
