"""The route: carried whole both ways, held back both ways, and freed, whatever happens."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time

import pytest
from routes import DATA, HOP, fill, received, through

from ncwire._ssh.route.route import Route
from ncwire.errors import HandshakeError, SSHError, SSHUnknownHostError, TransportError
from ncwire.testing.memory import MemoryChannel

pytestmark = pytest.mark.usefixtures("no_route_left")


BOUND = 4_000_000
"""Far above what is held on the way, with the kernel's buffers, and far below what is sent."""


def in_thread(call, *arguments) -> threading.Thread:
    thread = threading.Thread(target=call, args=arguments)
    thread.start()
    return thread


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
    # The tunnel's socket, the command's stderr; and what wakes their thread, if it has begun.
    assert len(nowhere()) >= before + 2
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
