"""The fault proxy before a Unix socket."""

import contextlib

import pytest
from raw_client import over_unix

from ncwire.testing import EmbeddedUnixServer, FaultProxy
from waiting import eventually


@pytest.fixture
def proxied(tmp_path):
    with (
        EmbeddedUnixServer() as server,
        FaultProxy(server.path, str(tmp_path / "proxy")) as proxy,
        over_unix(str(tmp_path / "proxy")) as client,
    ):
        client.hello()
        yield proxy, client


def test_it_passes_on_and_counts(proxied):
    proxy, client = proxied
    before = proxy.answered
    client.rpc("<get/>")
    assert proxy.sent > 0
    eventually(lambda: proxy.answered > before)  # it counts what it has passed on
    assert proxy.port == 0


def test_the_socket_is_gone_in_the_end(tmp_path):
    path = tmp_path / "proxy"
    with EmbeddedUnixServer() as server, FaultProxy(server.path, str(path)):
        assert path.is_socket()
    assert not path.exists()


def test_a_frozen_connection_goes_on_when_it_is_thawed(proxied):
    proxy, client = proxied
    proxy.freeze()
    client.send(b"<x/>")
    sent = proxy.sent
    client.sock.settimeout(0.05)
    with pytest.raises(TimeoutError):
        client.receive()
    client.sock.settimeout(20)
    assert proxy.sent >= sent
    proxy.thaw()
    client.receive()


def test_a_client_with_something_unread_is_told_of_a_reset(proxied):
    proxy, client = proxied
    proxy.freeze()
    client.sock.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while client.sock.send(bytes(1 << 16)):
            pass
    client.sock.settimeout(20)
    proxy.reset()
    with pytest.raises(ConnectionResetError):
        client.sock.recv(1 << 16)
    eventually(lambda: proxy.idle, "the connection's end")


def test_any_client_is_told_of_an_end(proxied):
    proxy, client = proxied
    proxy.hang_up()
    assert client.ended()
