"""The libssh2 driver: keepalives, and what was heard."""

from __future__ import annotations

import threading
import time

from libssh2_rig import (
    Peer,
    Policy,
    Proxy,
    StubServer,
    log_in,
    soon,
    stub_session,
)
from libssh2_waiting import NETCONF, wait_readable


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
