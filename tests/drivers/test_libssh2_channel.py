"""The libssh2 driver's channel: its bytes, both ways, and what makes them wait."""

from __future__ import annotations

import os
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import ssh2.session
from libssh2_rig import (
    Peer,
    Proxy,
    StubServer,
    log_in,
    soon,
    stub_session,
    tcp_pair,
)
from libssh2_waiting import NETCONF, wait_readable

from ncwire.driver import Readiness
from ncwire.errors import (
    TransportError,
)


def test_bytes_go_both_ways():
    with stub_session() as (_, channel, far):
        far.sendall(b"from the server")
        assert Peer(channel).exchange(b"from us", until=15) == b"from the server"
        assert far.recv(100) == b"from us"


def test_native_is_the_librarys_session():
    with stub_session() as (_, channel, _far):
        assert isinstance(channel.native, ssh2.session.Session)


def test_reading_nothing_is_none_and_never_the_end():
    with stub_session() as (_, channel, far):
        assert channel.read(1) is None
        assert channel.wants().on == Readiness.READ
        far.sendall(b"abc")
        wait_readable(channel)
        assert channel.read(2) == b"ab"
        assert channel.read(2) == b"c"
        assert channel.read(2) is None


def test_writing_nothing_is_nothing():
    with stub_session() as (_, channel, _far):
        assert channel.write(memoryview(b"")) == 0
        assert channel.read(1) is None


def test_stderr_is_dropped_and_does_not_fill_the_window():
    with stub_session() as (_, channel, far):
        pump = Peer(channel)

        def send():
            for _ in range(80):
                far.send_stderr(b"e" * 65536)  # 5 MB, more than the window
            far.sendall(b"data")

        thread = threading.Thread(target=send)
        thread.start()
        assert pump.exchange(until=4) == b"data"
        thread.join(10)


def test_a_reader_that_is_slow_makes_writes_return_0_and_gets_every_byte():
    data = os.urandom(8_000_000)
    received = bytearray()
    go = threading.Event()
    with stub_session() as (_, channel, far):

        def read():
            go.wait(10)
            while len(received) < len(data):
                received.extend(far.recv(100_000))
            far.sendall(b"!")

        thread = threading.Thread(target=read)
        thread.start()
        pump = Peer(channel)
        left = memoryview(data)
        while taken := channel.write(left):
            left = left[taken:]
        assert len(left) > 0
        assert channel.write(left) == 0
        go.set()
        pump.exchange(left, until=1)
        thread.join(10)
        assert received == data


def receive(far, size: int) -> bytes:
    received = bytearray()
    while len(received) < size:
        received.extend(far.recv(100_000))
    return bytes(received)


@pytest.mark.parametrize("pair", [socket.socketpair, tcp_pair])
def test_rekeying_while_the_send_buffer_is_full(pair):
    # libssh2 never gets out of a key exchange that begins when it has sent half a packet.
    data = os.urandom(4_000_000)
    ours, theirs = pair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4608)
    with (
        stub_session(None, (ours, theirs)) as (server, channel, far),
        ThreadPoolExecutor(2) as threads,
    ):
        received = threads.submit(receive, far, len(data))
        rekeyed = threads.submit(lambda: [server.transport.renegotiate_keys() for _ in range(10)])
        pump = Peer(channel)
        pump.exchange(data)
        assert pump.blocked > 0
        # What libssh2 waits for when half a packet is out.
        assert Readiness.WRITE not in pump.waited_for
        assert pump.drain_until_done(received) == data
        assert pump.drain_until_done(rekeyed)


def test_a_kernel_that_takes_only_half_a_packet_gets_the_other_half():
    data = os.urandom(4_000_000)
    with (
        stub_session(None, socket.socketpair()) as (_, channel, far),
        ThreadPoolExecutor(1) as threads,
    ):
        pump = Peer(channel)
        pump.exchange(b"x" * 500_000)
        receive(far, 500_000)
        with socket.socket(fileno=os.dup(channel.fileno())) as shared:
            # Behind the driver's back, which has seen what the buffer was.
            shared.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2048)
        received = threads.submit(receive, far, len(data))
        pump.exchange(data)
        assert received.result() == data


def test_waiting_for_the_peers_window_does_not_spin():
    data = bytes(8_000_000)
    with stub_session() as (_, channel, far):
        left = memoryview(data)
        while taken := channel.write(left):
            left = left[taken:]
            channel.read(1)
        for _ in range(5):
            assert channel.write(left) == 0
            assert channel.read(1) is None
        assert channel.wants().on == Readiness.READ
        far.recv(1)


def test_a_window_that_opens_while_reading_is_written_to_although_the_fd_is_silent():
    with stub_session() as (_, channel, far):
        left = memoryview(bytes(4_000_000))
        while taken := channel.write(left):
            left = left[taken:]
        assert channel.read(1) is None
        assert channel.wants().on == Readiness.READ
        receive(far, 4_000_000 - len(left))
        wait_readable(channel)
        assert channel.read(1) is None
        assert Readiness.WRITE in channel.wants().on
        assert channel.write(left) > 0


def test_a_key_exchange_that_goes_on_while_reading_lets_the_write_go_on_too():
    with (
        stub_session() as (server, channel, far),
        ThreadPoolExecutor(1) as threads,
    ):
        rekeyed = threads.submit(server.transport.renegotiate_keys)
        wait_readable(channel)
        expected = 1
        while channel.write(memoryview(b"x")):  # the server's offer has not come whole yet
            expected += 1
        while Readiness.WRITE not in channel.wants().on:
            wait_readable(channel)
            assert channel.read(1) is None
        Peer(channel).exchange(b"x")
        received = b""
        while len(received) < expected:
            received += far.recv(100)
        assert received == b"x" * expected
        rekeyed.result()


def test_waiting_for_a_key_exchange_does_not_spin():
    ours, theirs = tcp_pair()
    with StubServer(None, (ours, theirs)) as server, Proxy(server.client_socket) as proxy:
        server.client_socket = proxy.client_socket
        channel = log_in(server).open_channel(NETCONF, {}, soon())
        with ThreadPoolExecutor(1) as threads:
            rekeying = threads.submit(server.transport.renegotiate_keys)
            wait_readable(channel)
            proxy.silent.set()
            assert channel.write(memoryview(b"x")) == 0
            waits = []
            for _ in range(6):
                assert channel.read(1) is None
                waits.append(channel.wants().on)
                assert channel.write(memoryview(b"x")) == 0
            assert channel.read(1) is None
            assert waits[-1] == channel.wants().on == Readiness.READ
            channel.abort()
            server.transport.close()
            rekeying.exception(10)


def test_a_blocked_write_must_be_retried_with_the_same_bytes():
    with stub_session() as (_, channel, _far):
        while channel.write(memoryview(bytes(1_000_000))):
            pass
        with pytest.raises(TransportError, match="same bytes"):
            channel.write(memoryview(b"\0\1"))


def test_what_came_with_a_write_is_read_although_the_fd_is_silent():
    with stub_session() as (_, channel, far):
        assert channel.read(1) is None
        far.sendall(b"came in")
        wait_readable(channel)
        assert channel.write(memoryview(b"x")) == 1
        assert channel.read(100) == b"came in"
