"""Scripts of the embedded server, which speak in place of its NETCONF."""

import socket
import struct
import threading

import pytest

from ncwire.testing import EmbeddedServer
from ncwire.testing.ssh_login import Login


def test_script_replaces_the_netconf_server(ssh_client):
    def script(stream):
        stream.send(b"ready")
        while data := stream.recv(100):
            stream.send(data.upper())
            if data == b"end":
                return

    with EmbeddedServer(script=script) as server:
        channel = ssh_client(server, start=False).channel
        channel.invoke_subsystem("netconf")
        assert channel.recv(100) == b"ready"
        channel.sendall(b"abc")
        assert channel.recv(100) == b"ABC"
        channel.sendall(b"end")
        assert channel.recv(100) == b"END"
        assert channel.recv(100) == b""


def test_script_that_raises_ends_its_session_only(ssh_client, caplog):
    def script(stream):
        stream.send(b"x")
        raise RuntimeError("fault of the script")

    with EmbeddedServer(script=script) as server:
        for _ in range(2):
            channel = ssh_client(server, start=False).channel
            channel.invoke_subsystem("netconf")
            assert channel.recv(100) == b"x"
            assert channel.recv(100) == b""
    assert "fault of the script" in caplog.text


def test_session_begins_after_its_request_was_answered(ssh_client):
    with EmbeddedServer(script=lambda stream: None) as server:
        client = ssh_client(server, start=False)
        for _ in range(20):
            channel = client.transport.open_session(timeout=20)
            channel.invoke_subsystem("netconf")
            assert channel.recv(1) == b""


def test_send_after_the_end_raises(ssh_client):
    outcome = []
    done = threading.Event()

    def script(stream):
        while stream.recv():
            pass
        with pytest.raises(ConnectionError) as raised:
            stream.send(b"x" * 10_000_000)
        outcome.append(raised.value)
        done.set()

    with EmbeddedServer(script=script) as server:
        client = ssh_client(server, start=False)
        client.channel.invoke_subsystem("netconf")
        client.channel.close()
        assert done.wait(20)
    assert outcome


def test_what_a_client_sent_before_it_broke_off_is_read_first(ssh_client):
    """Reading opens the window, and a message that cannot be sent takes nothing along."""
    sent = bytes(range(256)) * 1200
    held, begin, done = threading.Event(), threading.Event(), threading.Event()
    came = []

    class Held(Login):
        def check_global_request(self, _kind, _message):  # in the thread that would see the end
            held.set()
            assert done.wait(20)
            return False

    def script(stream):
        assert begin.wait(20)
        try:
            came.append(stream.recv(2 * len(sent)))
        finally:
            done.set()

    with EmbeddedServer(script=script, login=Held) as server:
        client = ssh_client(server, start=False)
        client.channel.invoke_subsystem("netconf")
        client.channel.sendall(sent)
        client.transport.global_request("hold@example.org", wait=False)
        assert held.wait(20)
        linger = struct.pack("ii", 1, 0)
        client.transport.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        client.close()
        begin.set()
        assert done.wait(20)
    assert came == [sent]
