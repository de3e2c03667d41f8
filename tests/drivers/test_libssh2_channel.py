"""The libssh2 driver: opening a channel, its bytes, its end, keepalive."""

from __future__ import annotations

import os
import select
import socket
import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import paramiko
import pytest
import ssh2.session
from libssh2_rig import (
    Peer,
    Policy,
    Proxy,
    StubServer,
    log_in,
    nothing_left,
    soon,
    stub_session,
    tcp_pair,
)

from ncwire.driver import Channel, ChannelRequest, Readiness
from ncwire.errors import (
    ChannelError,
    SSHError,
    StepTimeoutError,
    TransportError,
    UnsupportedOption,
)

NETCONF = ChannelRequest("netconf")


def wait_readable(channel: Channel) -> None:
    poll = select.poll()
    poll.register(channel.fileno(), select.POLLIN)
    assert poll.poll(10_000)


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


def test_a_command_is_started():
    with StubServer() as server:
        channel = log_in(server).open_channel(ChannelRequest("do it", "exec"), {}, soon())
        assert server.policy.seen[-1] == ("exec", b"do it")
        channel.abort()


def test_a_refused_subsystem_leaves_the_next_name_to_try():
    with StubServer() as server:
        driver = log_in(server)
        with pytest.raises(ChannelError, match="refuses the subsystem refused"):
            driver.open_channel(ChannelRequest("refused"), {}, soon())
        refused = server.channel()
        channel = driver.open_channel(NETCONF, {}, soon())
        server.channel().sendall(b"x")
        assert Peer(channel).exchange(until=1) == b"x"
        assert refused.recv(1) == b""
        channel.close()


def test_a_refused_channel_is_a_channel_error():
    class Closed(Policy):
        def check_channel_request(self, kind, chanid):
            return paramiko.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED

    with StubServer(Closed()) as server:
        driver = log_in(server)
        with pytest.raises(ChannelError, match="opens no channel"):
            driver.open_channel(NETCONF, {}, soon())
        driver.abort()


def test_the_environment_is_set_and_a_refused_variable_is_no_error():
    with StubServer() as server:
        environment = {"REFUSED": "1", "NAME é": "value é"}
        channel = log_in(server).open_channel(NETCONF, environment, soon())
        expected = {k.encode(): v.encode() for k, v in environment.items()}
        assert server.policy.environment == expected
        channel.abort()


def test_a_nul_which_c_would_take_for_the_end_is_refused():
    with StubServer() as server:
        driver = log_in(server)
        with pytest.raises(UnsupportedOption):
            driver.open_channel(ChannelRequest("netconf\0x"), {}, soon())
        with pytest.raises(UnsupportedOption):
            driver.open_channel(NETCONF, {"A": "b\0c"}, soon())
        driver.abort()


def test_a_silent_server_costs_the_channels_budget_and_no_more():
    with StubServer() as server, Proxy(server.client_socket) as proxy:
        server.client_socket = proxy.client_socket
        driver = log_in(server)
        proxy.silent.set()
        with pytest.raises(StepTimeoutError, match="this step"):
            driver.open_channel(NETCONF, {}, soon(0.3, "this step"))
        driver.abort()


def test_abort_from_another_thread_ends_the_opening():
    with StubServer() as server, Proxy(server.client_socket) as proxy:
        server.client_socket = proxy.client_socket
        driver = log_in(server)
        proxy.silent.set()
        timer = threading.Timer(0.2, driver.abort)
        timer.start()
        with pytest.raises(TransportError) as caught:
            driver.open_channel(NETCONF, {}, soon(60))
        assert not isinstance(caught.value, StepTimeoutError)
        timer.join()


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
    data = os.urandom(1_500_000)
    with stub_session() as (server, channel, far):
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


class Alive(Policy):
    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def check_global_request(self, kind, msg):
        self.asked += kind == "keepalive@libssh2.org"
        return False


def test_each_keepalive_is_sent_and_its_answer_is_heard():
    policy = Alive()
    with stub_session(policy) as (_, channel, _far):
        Peer(channel).drain()
        for count in (1, 2, 3):
            before = time.monotonic()
            channel.keepalive()
            wait_readable(channel)
            assert channel.read(1) is None
            assert channel.heard() >= before
            assert policy.asked == count
        heard = channel.heard()
        assert channel.read(1) is None
        assert channel.heard() == heard


def test_a_keepalive_that_would_block_is_not_sent():
    policy = Alive()
    with stub_session(policy) as (_, channel, far):
        left = memoryview(bytes(4_000_000))
        while taken := channel.write(left):
            left = left[taken:]
        channel.keepalive()
        pump = Peer(channel)
        thread = threading.Thread(target=lambda: (far.recv(4_000_000), recv_all(far, left)))
        thread.start()
        pump.exchange(left)
        thread.join(10)
        assert policy.asked == 0


def recv_all(far, left):
    far.settimeout(0.5)
    try:
        while far.recv(1_000_000):
            pass
    except TimeoutError:
        pass


def test_a_silent_peer_is_not_heard():
    with StubServer() as server, Proxy(server.client_socket) as proxy:
        server.client_socket = proxy.client_socket
        channel = log_in(server).open_channel(NETCONF, {}, soon())
        Peer(channel).drain()
        proxy.silent.set()
        heard = channel.heard()
        for _ in range(3):
            channel.keepalive()
            assert channel.read(1) is None
        assert channel.heard() == heard
        channel.abort()
