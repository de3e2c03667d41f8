"""The embedded server's NETCONF, over SSH."""

import socket

import pytest
from defusedxml.ElementTree import fromstring
from embedded import BASE, GET, SUBSCRIBE

from ncwire.testing import EmbeddedServer


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_session_in_both_framings(server, ssh_client, version):
    client = ssh_client(server, version=version)
    assert client.id == "1"
    assert server.sessions == 1
    (data,) = client.rpc(GET % "<filter><b/></filter>")
    assert [element.tag for element in data] == ["b"]
    assert client.rpc("<close-session/>").find(f"{BASE}ok") is not None
    assert client.at_end()
    assert client.channel.recv_exit_status() == 0
    assert server.sessions == 0


def test_edit_candidate_and_commit(server, ssh_client):
    client = ssh_client(server)
    edit = "<edit-config><target><candidate/></target><config>%s</config></edit-config>"
    assert client.rpc(edit % '<c xmlns="urn:c">1</c>').find(f"{BASE}ok") is not None
    assert client.rpc("<commit/>").find(f"{BASE}ok") is not None
    (data,) = ssh_client(server).rpc(GET % "")
    assert [element.tag for element in data] == ["a", "b", "{urn:c}c"]


def test_lock_conflict_and_kill(server, ssh_client, rpc_error):
    holder, other = ssh_client(server), ssh_client(server)
    lock = "<lock><target><running/></target></lock>"
    assert holder.rpc(lock).find(f"{BASE}ok") is not None
    error = rpc_error(other.rpc(lock))
    assert (error["tag"], error["session-id"]) == ("lock-denied", holder.id)
    kill = f"<kill-session><session-id>{holder.id}</session-id></kill-session>"
    assert other.rpc(kill).find(f"{BASE}ok") is not None
    assert holder.at_end()
    assert other.rpc(lock).find(f"{BASE}ok") is not None


def test_a_vanished_client_gives_its_locks_back(server, ssh_client):
    holder, other = ssh_client(server), ssh_client(server)
    lock = "<lock><target><running/></target></lock>"
    holder.rpc(lock)
    assert other.rpc(lock).find(f"{BASE}ok") is None
    holder.transport.sock.shutdown(socket.SHUT_RDWR)
    while other.rpc(lock).find(f"{BASE}ok") is None:
        assert server.sessions


def test_notifications(server, ssh_client):
    client, other = ssh_client(server), ssh_client(server, version="1.0")
    assert server.notify("<unheard/>") == 0
    client.rpc(SUBSCRIBE)
    other.rpc(SUBSCRIBE)
    for number in range(50):
        assert server.notify(f'<event xmlns="urn:e">{number}</event>') == 2
    for subscriber in (client, other):
        received = [fromstring(subscriber.receive()) for _ in range(50)]
        assert [n.findtext("{urn:e}event") for n in received] == [str(n) for n in range(50)]


def test_notify_never_waits_for_a_client_that_does_not_read(server, ssh_client):
    client = ssh_client(server)
    client.rpc(SUBSCRIBE)
    # Far more than SSH's window and the socket's buffers hold.
    assert [server.notify(f"<event>{'x' * 1_000_000}</event>") for _ in range(20)] == [1] * 20


def test_session_ends_though_its_notifications_are_not_read(
    threads_of_servers, server, ssh_client
):
    client = ssh_client(server)
    client.rpc(SUBSCRIBE)
    server.notify(f"<event>{'x' * 10_000_000}</event>")
    threads = threads_of_servers()
    client.channel.shutdown_write()
    for thread in threads:
        if "acceptor" not in thread.name:
            thread.join(20)
            assert not thread.is_alive()


def test_notify_refuses_what_is_no_xml(server):
    with pytest.raises(ValueError, match="well-formed"):
        server.notify("<event>")


def test_large_reply_and_request(ssh_client):
    text = "0123456789abcdef" * (20 << 16)
    with EmbeddedServer(datastore=f'<big xmlns="urn:b">{text}</big>') as server:
        client = ssh_client(server)
        (data,) = client.rpc(GET % "")
        assert data.findtext("{urn:b}big") == text
        edit = "<edit-config><target><running/></target><config>%s</config></edit-config>"
        reply = client.rpc(edit % f'<big xmlns="urn:b">{text[::-1]}</big>')
        assert reply.find(f"{BASE}ok") is not None
        (data,) = client.rpc(GET % "")
        assert data.findtext("{urn:b}big") == text[::-1]


def test_twenty_sessions_at_once(server, ssh_client):
    clients = [ssh_client(server) for _ in range(20)]
    assert server.sessions == 20
    for client in clients:
        client.send(GET % "")
    for client in clients:
        assert len(fromstring(client.receive())[0]) == 2
    assert len({client.id for client in clients}) == 20


def test_several_sessions_on_one_connection(server, ssh_client):
    client = ssh_client(server)
    with client.transport.open_session(timeout=20) as channel:
        channel.invoke_subsystem("netconf")
        assert b"<session-id>2</session-id>" in channel.recv(65536)
        assert server.sessions == 2
