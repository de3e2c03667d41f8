"""The embedded server among bad clients, and its end."""

import contextlib
import gc
import socket
import threading

import paramiko
import pytest
from embedded import BASE, SUBSCRIBE

from ncwire.testing import EmbeddedServer


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"\0" * 100,
        b"GET / HTTP/1.1\r\n\r\n",
        b"SSH-2.0-x\r\n" + b"\xff" * 5000,
        b"x" * 100000,
    ],
    ids=["nothing", "nul", "http", "after-banner", "long"],
)
def test_garbage_harms_no_other(server, ssh_client, garbage):
    # The server may cut the connection before all of it is sent.
    with (
        socket.create_connection((server.host, server.port), timeout=20) as sock,
        contextlib.suppress(OSError),  # ENOTCONN is no ConnectionError
    ):
        sock.sendall(garbage)
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(65536):
            pass
    assert ssh_client(server).id == "1"


def test_failed_handshake_leaves_no_thread():
    before = set(threading.enumerate())
    with (
        EmbeddedServer() as server,
        socket.create_connection((server.host, server.port), timeout=20) as sock,
        contextlib.suppress(ConnectionError),
    ):
        sock.sendall(b"SSH-2.0-x\r\n" + b"\xff" * 5000)
        while sock.recv(65536):
            pass
    assert set(threading.enumerate()) <= before


@pytest.mark.parametrize("sent", [b"", b"SSH-2.0-silent\r\n"], ids=["connected", "banner"])
def test_silent_client_is_cut(sent):
    with (
        EmbeddedServer(handshake_timeout=0.2) as server,
        socket.create_connection((server.host, server.port), timeout=20) as sock,
    ):
        sock.sendall(sent)
        while sock.recv(65536):
            pass


def test_client_without_a_session_is_cut(ssh_client):
    with EmbeddedServer(handshake_timeout=3) as server:
        never, ended, busy = (
            ssh_client(server, start=False),
            ssh_client(server),
            ssh_client(server),
        )
        ended.rpc("<close-session/>")
        for client in (never, ended):
            client.transport.join(20)
            assert not client.transport.is_active()
        assert busy.rpc("<get/>").find(f"{BASE}data") is not None


def test_close_ends_everything_and_may_be_repeated(threads_of_servers, ssh_client):
    before = set(threading.enumerate())
    server = EmbeddedServer()
    busy, unread, fresh = ssh_client(server), ssh_client(server), ssh_client(server, start=False)
    unread.rpc(SUBSCRIBE)
    for _ in range(10):
        server.notify(f"<event>{'x' * 1_000_000}</event>")
    half_open = socket.create_connection((server.host, server.port))
    server.close()
    server.close()
    assert threads_of_servers() == []
    for client in (busy, unread, fresh):
        client.close()
    half_open.close()
    assert set(threading.enumerate()) <= before
    with pytest.raises(ConnectionError):
        socket.create_connection((server.host, server.port))
    gc.collect()


def test_close_from_a_session(ssh_client):
    closed = threading.Event()

    def script(stream):
        server.close()
        closed.set()

    server = EmbeddedServer(script=script)
    client = ssh_client(server, start=False)
    with contextlib.suppress(paramiko.SSHException):
        client.channel.invoke_subsystem("netconf")
    assert closed.wait(20)


def test_close_is_bounded_though_a_script_goes_on(threads_of_servers, ssh_client, caplog):
    started, may_end = threading.Event(), threading.Event()

    def script(stream):
        started.set()
        may_end.wait(60)

    server = EmbeddedServer(script=script)
    client = ssh_client(server, start=False)
    client.channel.invoke_subsystem("netconf")
    assert started.wait(20)
    server.close(timeout=0.1)
    assert "1 connections did not end" in caplog.text
    may_end.set()
    for thread in threads_of_servers():
        thread.join(20)


def test_served_socket(server):
    ours, theirs = socket.socketpair()
    server.serve(theirs)
    with contextlib.closing(paramiko.Transport(ours)) as transport:
        transport.connect(username="admin", password="admin")
        channel = transport.open_session(timeout=20)
        channel.invoke_subsystem("netconf")
        assert b"<hello" in channel.recv(65536)


def test_closed_server_serves_nothing(server):
    server.close()
    ours, theirs = socket.socketpair()
    with ours, pytest.raises(OSError, match="closed"):
        server.serve(theirs)
    assert theirs.fileno() == -1


@pytest.mark.parametrize(
    "options",
    [
        {"base": ["3.0"]},
        {"datastore": "<a>"},
        {"authorized_keys": ["x"]},
        {"private_host_key": "x"},
        {"host_certificate": "ssh-ed25519 AAAA"},
    ],
)
def test_bad_option_leaves_nothing_open(options):
    with pytest.raises(ValueError, match=r"."):
        EmbeddedServer(**options)
    gc.collect()


def test_port_in_use(server):
    with pytest.raises(OSError, match="in use"):
        EmbeddedServer(port=server.port)
    gc.collect()
