"""The route: carried whole both ways, held back both ways, and freed, whatever happens."""

from __future__ import annotations

import inspect
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from unittest.mock import create_autospec

import pytest
from scripted_driver import open_fds

from ncwire._ssh.route.route import Route
from ncwire.driver import Channel, ConnectOptions, Wait
from ncwire.errors import HandshakeError, SSHError, SSHUnknownHostError, TransportError
from ncwire.testing.memory import MemoryChannel
from waiting import eventually, let_pass

HOP = ConnectOptions(host="bastion", username="admin")
DATA = bytes(range(256)) * 20_000  # 5 MB: more than any buffer on the way holds
BOUND = 4_000_000
"""Far above what is held on the way, with the kernel's buffers, and far below what is sent."""


@pytest.fixture(autouse=True)
def nothing_left():
    threads, fds = threading.active_count(), open_fds()
    yield
    assert threading.active_count() == threads
    assert open_fds() == fds


@pytest.fixture
def route():
    each = Route(linger=5.0)
    yield each
    each.abort()


@pytest.fixture
def tunnel(route):
    """Our end of a tunnel, and the end of the host behind it; both block."""
    channel, peer = MemoryChannel.pair()
    ours = through(route, channel)
    ours.settimeout(10)
    peer.settimeout(10)
    with ours, peer:
        yield ours, peer


def through(route, channel, options=HOP) -> socket.socket:
    return route.through_tunnel(channel, "bastion:22", "r1:830", options)


def received(sock, size=None) -> bytes:
    data = bytearray()
    while (size is None or len(data) < size) and (part := sock.recv(1 << 16)):
        data += part
    return bytes(data)


def in_thread(call, *arguments) -> threading.Thread:
    thread = threading.Thread(target=call, args=arguments)
    thread.start()
    return thread


def fill(sock) -> int:
    """Send until nothing more is taken, for a while; return how much that was."""
    sock.settimeout(0.3)
    sent = 0
    try:
        while sent < len(DATA):
            sent += sock.send(DATA[sent : sent + 65536])
    except TimeoutError:
        pass
    sock.settimeout(10)
    return sent


def test_much_goes_both_ways_at_the_same_time(tunnel):
    ours, peer = tunnel
    senders = [in_thread(ours.sendall, DATA), in_thread(peer.sendall, DATA[::-1])]
    arrived = []
    receiver = in_thread(lambda: arrived.append(received(peer, len(DATA))))
    assert received(ours, len(DATA)) == DATA[::-1]
    receiver.join(10)
    assert arrived == [DATA]
    for sender in senders:
        sender.join(10)


@pytest.mark.parametrize("way", [0, 1])
def test_who_is_not_read_from_is_held(tunnel, way):
    sender, reader = tunnel[way], tunnel[1 - way]
    sent = fill(sender)
    assert sent < BOUND
    # The other way is free all the same.
    reader.sendall(b"against the stream")
    assert sender.recv(100) == b"against the stream"
    rest = in_thread(sender.sendall, DATA[sent:])
    assert received(reader, len(DATA)) == DATA
    rest.join(10)


def test_what_was_sent_comes_before_the_end(route, tunnel):
    ours, peer = tunnel
    sender = in_thread(lambda: (peer.sendall(DATA), peer.close()))
    assert received(ours) == DATA
    sender.join(10)
    assert route.account() == "jump host bastion:22: the tunnel to r1:830 has ended"


def test_close_carries_on_what_was_sent(route, tunnel):
    ours, peer = tunnel
    ours.sendall(DATA[:300_000])  # more than the kernel takes, so that some is with the relay
    ours.close()
    closer = in_thread(route.close)
    assert peer.recv(1, socket.MSG_PEEK)
    assert received(peer, 300_000) == DATA[:300_000]
    peer.close()
    closer.join(10)
    assert not closer.is_alive()


def test_close_of_what_takes_nothing_is_bounded(tunnel_of_short_linger):
    route, ours, _ = tunnel_of_short_linger
    fill(ours)
    ours.close()
    began = time.monotonic()
    route.close()
    assert time.monotonic() - began < 2


@pytest.fixture
def tunnel_of_short_linger():
    route = Route(linger=0.2)
    channel, peer = MemoryChannel.pair()
    ours = through(route, channel)
    with ours, peer:
        yield route, ours, peer
    route.abort()


def test_abort_frees_at_once_and_again(route, tunnel):
    ours, peer = tunnel
    fill(ours)
    route.abort()
    assert len(received(peer)) < len(DATA)
    route.abort()
    route.close()


def test_what_is_built_after_the_end_is_freed(route):
    route.abort()
    channel, peer = MemoryChannel.pair()
    with peer, pytest.raises(TransportError, match="closed"):
        through(route, channel)
    assert channel.fileno() == -1
    with pytest.raises(TransportError, match="closed"):
        route.through_command("sleep 1000")


def test_what_is_added_to_an_ended_route_is_freed(route, tunnel):
    route.abort()
    channel, peer = MemoryChannel.pair()
    with peer, pytest.raises(TransportError, match="closed"):
        through(route, channel)
    assert channel.fileno() == -1


def test_a_tunnel_over_a_tunnel_ends_with_the_nearer_one(route, tunnel):
    ours, peer = tunnel
    beyond = route.through_tunnel(MemoryChannel(ours), "inner:22", "r1:830", HOP)
    with beyond:
        beyond.settimeout(10)
        beyond.sendall(b"far")
        assert peer.recv(10) == b"far"
        peer.close()
        assert beyond.recv(10) == b""
    assert route.account().startswith("jump host bastion:22")


METHODS = sorted(name for name, each in vars(Channel).items() if inspect.isfunction(each))


@pytest.mark.parametrize("method", METHODS)
def test_all_that_is_asked_of_a_channel_behind_a_route_reaches_it(route, tunnel, method):
    inner = create_autospec(Channel, instance=True, info=None, native=None)
    channel = route.carry(inner)
    signature = inspect.signature(vars(Channel)[method])
    arguments = [object() for _ in list(signature.parameters)[1:]]
    returned = getattr(channel, method)(*arguments)
    asked = getattr(inner, method)
    asked.assert_called_once_with(*arguments)
    assert returned is (None if signature.return_annotation == "None" else asked.return_value)


class AgainstTheContract(MemoryChannel):
    """Raises what its contract forbids, once it is told to."""

    method = ""
    raising = False

    def _do(self, method):
        if self.raising and method == self.method:
            raise ZeroDivisionError("s3cret")

    def wants(self):
        self._do("wants")
        return super().wants()

    def read(self, size):
        self._do("read")
        return super().read(size)

    def write(self, data):
        self._do("write")
        return super().write(data)

    def tick(self, now):
        self._do("tick")

    def abort(self):
        super().abort()
        self._do("abort")


@pytest.mark.parametrize("method", ["wants", "read", "write", "tick"])
def test_an_error_against_the_contract_ends_its_tunnel_and_is_told(route, method):
    ours_of_channel, peer = socket.socketpair()
    channel = AgainstTheContract(ours_of_channel)
    channel.method = method
    with peer, through(route, channel) as ours:
        ours.settimeout(10)
        channel.raising = True
        with suppress(ConnectionError):  # it may have woken before, or not have read this
            ours.sendall(b"to wake it")
            assert received(ours) == b""
    assert "the driver raised ZeroDivisionError" in route.account()
    assert "s3cret" not in route.account()


def test_an_error_against_the_contract_at_the_end_frees_the_rest(route, tunnel, caplog):
    ours_of_channel, peer = socket.socketpair()
    channel = AgainstTheContract(ours_of_channel)
    channel.method, channel.raising = "abort", True
    with peer, through(route, channel):
        route.abort()
        assert peer.recv(1) == b""
    assert tunnel[1].recv(1) == b""
    assert "failed to free" in caplog.text


class Counting(MemoryChannel):
    """Counts how often it is asked what it wants, and how much has been read from it."""

    asked = 0
    taken = 0

    def wants(self) -> Wait:
        self.asked += 1
        return super().wants()

    def read(self, size):
        data = super().read(size)
        self.taken += len(data or b"")
        return data


def is_left_alone(channel) -> bool:
    """Whether it is asked for what has just been done alone: a busy loop asks by the thousand."""
    before = channel.asked
    let_pass(0.3)
    return channel.asked - before < 100


def test_a_tunnel_with_nothing_to_do_is_left_alone(route):
    sock, peer = socket.socketpair()
    channel = Counting(sock)
    with peer, through(route, channel) as ours:
        peer.sendall(b"x")
        assert ours.recv(1) == b"x"
        assert is_left_alone(channel)
        fill(peer)
        assert is_left_alone(channel)
        fill(ours)
        assert is_left_alone(channel)


def test_what_was_read_comes_before_an_error(route):
    sock, peer = socket.socketpair()

    class Breaking(Counting):
        broken = False

        def write(self, data):
            if self.broken:
                raise TransportError("it broke")
            return super().write(data)

    channel = Breaking(sock)
    with peer, through(route, channel) as ours:
        fill(peer)
        channel.broken = True
        ours.sendall(b"to see it break")
        eventually(route.account)
        assert len(received(ours, channel.taken)) == channel.taken > 0
    assert route.account() == "jump host bastion:22: it broke"


def test_a_wake_that_comes_late_wakes_no_thread(route, tunnel):
    sock, peer = socket.socketpair()
    wakes = []

    class Waking(MemoryChannel):
        def on_ready(self, wake):
            wakes.append(wake)

    with peer:
        through(route, Waking(sock)).close()
        peer.settimeout(10)
        assert peer.recv(1) == b""
        wakes[0]()
        tunnel[0].sendall(b"alive")
        assert tunnel[1].recv(10) == b"alive"
    assert route.account() == ""


def test_a_channel_that_has_to_wake_the_relay(route):
    sock, peer = socket.socketpair()

    class Threaded(MemoryChannel):
        """Takes what it is given only once it has said that it can."""

        open = False
        refused = threading.Event()

        def on_ready(self, wake):
            self.wake = wake

        def write(self, data):
            if not self.open:
                self.refused.set()
                return 0
            return super().write(data)

        def wants(self):
            return Wait()

    channel = Threaded(sock)
    with peer, through(route, channel) as ours:
        peer.settimeout(10)
        ours.sendall(b"x")
        peer.sendall(b"y")
        assert ours.recv(1) == b"y"
        assert channel.refused.wait(10)
        channel.open = True
        channel.wake()
        assert peer.recv(1) == b"x"


def test_errors_of_the_connection_tell_what_of_the_route_has_ended(route, tunnel):
    ours, peer = tunnel
    with pytest.raises(HandshakeError, match=r"^too bad$"), route.accounted_for():
        raise HandshakeError("too bad")
    peer.close()
    assert ours.recv(1) == b""
    for kind in (HandshakeError, SSHError):
        told = "too bad; jump host bastion:22: the tunnel to r1:830"
        with pytest.raises(kind, match=told), route.accounted_for():
            raise kind("too bad")
    with pytest.raises(SSHUnknownHostError) as caught, route.accounted_for():
        raise SSHUnknownHostError("r1", "00:11")
    assert "tunnel" not in str(caught.value)


FORKING = """
import os, sys, time
from ncwire.driver import ConnectOptions
from ncwire._ssh.route.route import Route
from ncwire.testing.memory import MemoryChannel

route = Route(5.0)
channel, peer = MemoryChannel.pair()
hop = ConnectOptions(host="bastion", username="admin")
ours = route.through_tunnel(channel, "bastion:22", "r1:830", hop)
command = Route(5.0)
process = command.through_command("cat")
def nowhere():
    open_ones = filter(os.path.exists, (f"/dev/fd/{fd}" for fd in os.listdir("/dev/fd")))
    return [fd for fd in open_ones if os.path.samefile(fd, os.devnull)]

before = len(nowhere())
if not os.fork():
    assert len(nowhere()) == before + 2  # the tunnel's socket, the command's stderr
    route.close()
    route.abort()
    command.abort()
    sys.exit(0)
assert os.wait()[1] == 0
spent = time.process_time()
time.sleep(0.3)
assert time.process_time() - spent < 0.15
ours.sendall(b"alive")
assert peer.recv(10) == b"alive"
process.sendall(b"alive")
assert process.recv(10) == b"alive"
process.close()
ours.close()
peer.close()
route.close()
command.close()
"""


def test_a_forked_child_leaves_the_route_to_its_parent():
    command = [sys.executable, "-W", "ignore", "-c", FORKING]
    done = subprocess.run(command, timeout=60, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
