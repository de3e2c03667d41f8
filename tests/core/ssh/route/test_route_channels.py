"""Channels of all kinds under a route: what they raise, and what wakes them."""

from __future__ import annotations

import inspect
import socket
import threading
from contextlib import suppress
from unittest.mock import create_autospec

import pytest
from routes import fill, received, through

from ncwire.driver import Channel, Wait
from ncwire.errors import TransportError
from ncwire.testing.memory import MemoryChannel
from waiting import eventually, let_pass

pytestmark = pytest.mark.usefixtures("no_route_left")


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
