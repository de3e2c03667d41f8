"""The libssh2 driver: the end of a stream, of a channel and of a connection."""

from __future__ import annotations

import os
import socket
import struct
import time

import paramiko
import pytest
from libssh2_rig import (
    Peer,
    Proxy,
    StubServer,
    log_in,
    nothing_left,
    soon,
    stub_session,
)
from libssh2_waiting import NETCONF, wait_readable

from ncwire.driver import Readiness
from ncwire.errors import (
    SSHError,
    TransportError,
)


def test_the_end_of_the_channel_is_the_end_of_the_stream():
    with stub_session() as (_, channel, far):
        far.sendall(b"last words")
        far.close()
        pump = Peer(channel)
        assert pump.exchange(until=1000) == b"last words"
        assert pump.ended
        assert channel.read(1) == b""


@pytest.mark.parametrize("write", [b"", b"request"])
@pytest.mark.parametrize("said", [b"", b"last words"])
def test_an_end_that_came_with_the_last_data_is_told_although_the_fd_is_silent(said, write):
    with stub_session() as (_, channel, far):
        assert channel.read(100) is None
        far.sendall(said)
        far.close()
        wait_readable(channel)
        channel.write(memoryview(write))
        assert channel.read(100) == said
        assert channel.read(100) == b""


def test_what_a_read_leaves_behind_is_read_although_the_fd_is_silent():
    with stub_session() as (_, channel, far):
        far.sendall(b"first")
        far.sendall(b"second")
        wait_readable(channel)
        assert channel.read(5) == b"first"
        assert channel.read(100) == b"second"


def test_what_comes_after_a_message_of_no_known_kind_is_read_although_the_fd_is_silent():
    # At one of number 0 libssh2 stops taking in what it has received.
    with stub_session() as (server, channel, far):
        far.sendall(b"before")
        message = paramiko.Message()
        message.add_byte(b"\0")
        server.transport._send_message(message)  # noqa: SLF001 - paramiko has no way to say it
        far.sendall(b"after")
        wait_readable(channel)
        assert channel.read(100) == b"before"
        assert channel.read(100) == b"after"


@pytest.mark.parametrize("write_first", [False, True])
def test_what_was_sent_before_the_peer_vanished_is_read_before_the_end(write_first):
    # TCP would answer what is written with a reset, which drops what has not arrived; and of more
    # data than this libssh2 would send a window adjustment while it reads.
    data = os.urandom(200_000 if not write_first else 50_000)
    with stub_session(None, socket.socketpair() if write_first else None) as (
        server,
        channel,
        far,
    ):
        far.sendall(data)
        server.socket.shutdown(socket.SHUT_RDWR)
        pump = Peer(channel)
        assert pump.exchange(b"x" * write_first, until=10**9) == data
        assert pump.ended
        assert channel.read(1) == b""
        assert channel.write(memoryview(b"y")) == 0


def test_what_was_sent_before_a_reset_is_read_before_the_error():
    with stub_session() as (server, channel, far):
        far.sendall(b"x" * 100_000)
        wait_readable(channel)
        linger = struct.pack("ii", 1, 0)
        server.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        server.transport.close()
        server.transport.join(10)
        server.socket.close()
        pump = Peer(channel)
        with pytest.raises(SSHError, match="closed or broken"):
            pump.exchange(b"y", until=10**9)
        assert pump.received == b"x" * 100_000


def test_after_the_peer_vanished_the_wait_stays_what_it_was():
    # The fd's number stands for something else then; an epoll that is told to change its mind
    # about the number would fail.
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4608)
    with stub_session(None, (ours, theirs)) as (server, channel, _far):
        before = channel.wants()
        while channel.write(memoryview(bytes(1_000_000))):
            pass
        server.socket.shutdown(socket.SHUT_RDWR)
        while (data := channel.read(10)) is None:
            wait_readable(channel)
        assert data == b""
        assert channel.wants() == before


def test_a_disconnect_is_an_error_that_says_what_may_be_missing():
    with stub_session() as (server, channel, _far):
        message = paramiko.Message()
        message.add_byte(b"\x01")  # SSH_MSG_DISCONNECT
        message.add_int(2)
        message.add_string("bye")
        message.add_string("")
        server.transport._send_message(message)  # noqa: SLF001 - paramiko has no way to say it
        with pytest.raises(SSHError, match="the server disconnected"):
            Peer(channel).exchange(until=1)


def test_close_disconnects_and_frees_everything():
    with nothing_left(), stub_session() as (server, channel, far):
        channel.close()
        assert far.recv(1) == b""
        server.transport.join(10)
        assert not server.transport.is_active()
        channel.close()
        channel.abort()
        assert channel.fileno() == -1
        assert channel.wants().on == Readiness.NONE


def test_use_after_the_end_is_an_error():
    with stub_session() as (_, channel, _far):
        channel.abort()
        for use in (lambda: channel.read(1), lambda: channel.write(memoryview(b"x"))):
            with pytest.raises(TransportError, match="closed"):
                use()
        for use in (channel.keepalive, channel.heard):
            with pytest.raises(TransportError, match="closed"):
                use()


def test_close_does_not_wait_for_a_silent_server_whose_buffers_are_full():
    with StubServer() as server, Proxy(server.client_socket) as proxy:
        server.client_socket = proxy.client_socket
        channel = log_in(server).open_channel(NETCONF, {}, soon())
        proxy.silent.set()
        while channel.write(memoryview(bytes(1_000_000))):
            pass
        began = time.monotonic()
        channel.close()
        assert time.monotonic() - began < 5
        assert channel.fileno() == -1
