"""`sock`: what ncclient's users pass that is no socket, on every driver."""

from __future__ import annotations

import errno
import os
import socket
import sys
import threading

import paramiko
import pytest
from drop_in_arguments import arguments_for
from ncclient import manager
from ncclient.transport import errors as theirs

import ncwire
from ncwire.contrib import ncclient as drop_in
from ncwire.contrib.ncclient.relay import Relay
from waiting import eventually

COPY = """
import socket, sys, threading, os
sock = socket.create_connection((sys.argv[1], int(sys.argv[2])))
def out():
    while data := sock.recv(65536):
        os.write(1, data)
    os._exit(0)
threading.Thread(target=out, daemon=True).start()
while data := os.read(0, 65536):
    sock.sendall(data)
"""


def open_fds() -> set[str]:
    return set(os.listdir("/proc/self/fd"))  # noqa: PTH208


def relays() -> list[str]:
    return [each.name for each in threading.enumerate() if each.name.startswith("ncwire-relay")]


@pytest.fixture
def command(server, tmp_path) -> str:
    program = tmp_path / "copy.py"
    program.write_text(COPY)
    return f"{sys.executable} {program} {server.host} {server.port}"


def test_a_proxy_command(installed, server, command):
    proxy = paramiko.ProxyCommand(command)
    with manager.connect(**arguments_for(server, sock=proxy)) as found:
        assert found.get_config("running").ok
        assert len(relays()) == 2

    assert proxy.process.poll() is not None
    assert proxy.process.stdout.closed
    assert relays() == []


def test_a_proxy_command_that_ends(installed, server, command):
    proxy = paramiko.ProxyCommand(command)
    found = manager.connect(**arguments_for(server, sock=proxy))
    proxy.process.terminate()
    found._session.join(20)

    assert not found.connected
    found._session.close()
    assert relays() == []


def test_what_ends_by_itself_is_freed_without_a_close(installed, server, command):
    proxy = paramiko.ProxyCommand(command)
    found = manager.connect(**arguments_for(server, sock=proxy))
    proxy.process.terminate()
    found._session.join(20)

    eventually(lambda: not relays(), relays)
    pipes = (proxy.process.stdin, proxy.process.stdout, proxy.process.stderr)
    assert all(pipe.closed for pipe in pipes)
    assert proxy.process.returncode is not None  # it is no zombie
    assert not found.connected


def test_nothing_is_left_where_connecting_fails(installed, server, command):
    proxy = paramiko.ProxyCommand(command)
    with pytest.raises(Exception, match="Authentication failed"):
        manager.connect(**arguments_for(server, sock=proxy, password="wrong"))

    assert proxy.process.poll() is not None
    assert relays() == []


@pytest.fixture
def jump_channel(sshd, server):
    """A channel through another host to the server: the jump host recipe."""
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
    client.connect(
        sshd.host, sshd.port, sshd.user, key_filename=str(sshd.client_key), allow_agent=False
    )
    yield client.get_transport().open_channel(
        "direct-tcpip", (server.host, server.port), ("127.0.0.1", 0)
    )
    client.close()


@pytest.mark.sshd
def test_a_channel_through_a_jump_host(installed, server, jump_channel):
    with manager.connect(**arguments_for(server, sock=jump_channel)) as found:
        assert found.get_config("running").ok
        assert found._session.transport.sock.getpeername() == jump_channel.getpeername()

    assert jump_channel.closed
    assert relays() == []


def test_a_socket_is_used_as_it_is(installed, server):
    sock = socket.create_connection((server.host, server.port))
    with manager.connect(**arguments_for(server, sock=sock)) as found:
        assert found.get_config("running").ok
        assert relays() == []
    assert sock.fileno() == -1


@pytest.mark.parametrize("given", ["sock", "sock_fd"])
def test_nothing_is_left_of_a_socket_where_an_option_is_wrong(installed, server, given):
    own, other = socket.socketpair()
    with own, other:
        sock = own.fileno() if given == "sock_fd" else SocketLike(own)
        before = open_fds()
        with pytest.raises(ncwire.OptionError) as raised:
            manager.connect(**arguments_for(server, keepalive="often", **{given: sock}))
        assert raised.value.option == "keepalive"
        assert open_fds() - before == set()


def test_nothing_is_left_of_an_fd_that_is_not_connected(installed, server):
    with socket.socket() as own:
        before = open_fds()
        with pytest.raises(OSError, match="not connected") as raised:
            manager.connect(**arguments_for(server, sock_fd=own.fileno()))
        assert raised.value.errno == errno.ENOTCONN
        assert open_fds() - before == set()


class LacksSendall:
    def __init__(self):
        self.closed = False

    def __str__(self):
        return "lacks sendall"

    def recv(self, size):
        return b""

    def close(self):
        self.closed = True


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ("sock", "socket"),
        ("sock", 3),
        ("sock", LacksSendall()),
        ("sock_fd", "socket"),
        ("sock_fd", True),
        ("sock_fd", 3.5),
        ("sock_fd", [3]),
        ("sock_fd", 2**70),
    ],
    ids=str,
)
def test_what_is_no_socket_and_no_fd(installed, server, given, value):
    before = open_fds()
    with pytest.raises(ncwire.OptionError, match=f"^{given}: .*(give|must be)") as raised:
        manager.connect(**arguments_for(server, **{given: value}))
    assert isinstance(raised.value, theirs.SSHError)
    assert open_fds() == before
    assert relays() == []
    assert not getattr(value, "closed", False)


def test_an_fd_that_is_not_open_or_no_socket(installed, server, tmp_path):
    before = open_fds()
    with (tmp_path / "file").open("w") as file:
        for fd, number in {
            -1: errno.EBADF,
            9999: errno.EBADF,
            file.fileno(): errno.ENOTSOCK,
        }.items():
            with pytest.raises(OSError, match=f"sock_fd: {fd}: .*; give") as raised:
                manager.connect(**arguments_for(server, sock_fd=fd))
            assert raised.value.errno == number
        assert os.fstat(file.fileno())
    assert open_fds() == before


@pytest.mark.parametrize("kind", [int, str])
def test_the_fd_of_a_socket_stays_the_callers(installed, server, kind):
    with socket.create_connection((server.host, server.port)) as sock:
        fd = kind(sock.fileno())
        with manager.connect(**arguments_for(server, host=None, sock_fd=fd)) as found:
            assert found.get_config("running").ok
        assert os.fstat(sock.fileno())


class SocketLike:
    """Has the methods of a socket that paramiko uses, and no more."""

    def __init__(self, sock):
        self._sock = sock

    def recv(self, size):
        return self._sock.recv(size)

    def sendall(self, data):
        return self._sock.sendall(data)

    def shutdown(self, how):
        self._sock.shutdown(how)

    def close(self):
        self._sock.close()


def test_anything_with_the_methods_of_a_socket(installed, server):
    sock = SocketLike(socket.create_connection((server.host, server.port)))
    with manager.connect(**arguments_for(server, sock=sock)) as found:
        assert found.get_config("running").ok
    assert relays() == []


def test_megabytes_both_ways(server):
    near, far = socket.socketpair()
    relay = Relay(SocketLike(far))
    sent = os.urandom(3_000_000)
    taken: list[bytes] = []

    def take() -> None:
        while data := near.recv(65536):
            taken.append(data)

    reader = threading.Thread(target=take)
    reader.start()
    relay.theirs.sendall(sent)
    relay.theirs.close()
    reader.join(20)
    assert b"".join(taken) == sent
    relay.close()
    near.close()
    eventually(lambda: not relays())


def test_on_a_hub_it_ends_with_the_session(server, command):
    with ncwire.Hub() as hub:
        proxy = paramiko.ProxyCommand(command)
        found = drop_in.connect(driver="libssh2", hub=hub, **arguments_for(server, sock=proxy))
        assert found.get_config("running").ok
        proxy.process.terminate()
        found._session.join(20)
        eventually(lambda: not relays(), relays)
        found._session.close()
