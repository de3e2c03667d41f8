"""Listening and accepting: every address family, and no error of accept ends it."""

from __future__ import annotations

import errno
import logging
import resource
import socket
import threading
import time
from contextlib import suppress

import pytest
from scripted_driver import open_fds

from ncwire.callhome.acceptor import Acceptor, open_sockets
from ncwire.errors import ListenError


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.fixture
def acceptor():
    made = Acceptor(open_sockets("127.0.0.1", 0))
    yield made
    made.close()


@pytest.fixture
def client():
    sockets = []

    def dial(acceptor, index=0):
        sock = socket.create_connection(acceptor.addresses[index], 10)
        sockets.append(sock)
        return sock

    yield dial
    for sock in sockets:
        sock.close()


@pytest.fixture
def logged():
    """Set once something was logged as a warning."""
    event = threading.Event()

    event.times = 0

    class Handler(logging.Handler):
        def emit(self, record):
            event.times += 1
            event.text = record.getMessage()
            event.set()

    handler = Handler(logging.WARNING)
    logger = logging.getLogger("ncwire.callhome.acceptor")
    logger.addHandler(handler)
    yield event
    logger.removeHandler(handler)


def accepted(acceptor, number=1):
    """Return the peers of that many connections, which are closed."""
    peers, give_up = [], time.monotonic() + 20
    while len(peers) < number:
        assert time.monotonic() < give_up
        for sock, peer in acceptor.wait(give_up):
            sock.close()
            peers.append(peer)
    return peers


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here")
def test_both_families_have_one_port(client):
    acceptor = Acceptor(open_sockets(None, 0))
    try:
        assert {host for host, _ in acceptor.addresses} == {"0.0.0.0", "::"}
        port = acceptor.addresses[0][1]
        assert acceptor.addresses[1][1] == port
        for host in ("127.0.0.1", "::1"):
            with socket.create_connection((host, port), 10) as sock:
                [peer] = accepted(acceptor)
                # Not as ::ffff:127.0.0.1: those who read it know the address as IPv4.
                assert peer.sockaddr[:2] == sock.getsockname()[:2]
    finally:
        acceptor.close()


def test_what_cannot_be_listened_on_is_told_and_nothing_is_left(acceptor):
    before = open_fds()
    taken = acceptor.addresses[0][1]
    with pytest.raises(ListenError, match=rf"127\.0\.0\.1, port {taken}: Address already in use"):
        open_sockets("127.0.0.1", taken)
    with pytest.raises(ListenError, match=r"192\.0\.2\.1, port 0: Cannot assign"):
        open_sockets("192.0.2.1", 0)
    with pytest.raises(ListenError, match=r"no-such-name\.invalid"):
        open_sockets("no-such-name.invalid", 0)
    assert open_fds() == before


def test_wake_and_time_end_the_wait(acceptor):
    acceptor.wake()
    assert acceptor.wait(None) == []
    assert acceptor.wait(time.monotonic() + 0.01) == []


def test_close_frees_everything_and_wake_may_come_after_it():
    before = open_fds()
    acceptor = Acceptor(open_sockets("127.0.0.1", 0))
    acceptor.close()
    acceptor.close()
    acceptor.wake()
    assert open_fds() == before


class Failing(socket.socket):
    """A listening socket whose accept fails as often as it is told."""

    errors: list[int]

    def accept(self):
        if self.errors:
            number = self.errors.pop(0)
            raise OSError(number, errno.errorcode[number])
        return super().accept()


def failing(*errors):
    sock = Failing(socket.AF_INET, socket.SOCK_STREAM)
    sock.errors = list(errors)
    sock.bind(("127.0.0.1", 0))
    sock.listen()
    return Acceptor([sock])


@pytest.mark.parametrize(
    "number",
    [errno.ECONNABORTED, errno.EPROTO, errno.ENETDOWN, errno.EPERM],
    ids=errno.errorcode.get,
)
def test_a_connection_that_is_gone_is_passed_over(client, logged, number):
    acceptor = failing(number, number)
    client(acceptor)
    assert len(accepted(acceptor)) == 1
    assert not logged.is_set()
    acceptor.close()


def test_out_of_memory_it_pauses_and_goes_on(client, logged):
    acceptor = failing(errno.ENOMEM)
    client(acceptor)
    assert acceptor.wait(time.monotonic() + 20) == []
    assert "ENOMEM" in logged.text
    assert len(accepted(acceptor)) == 1
    acceptor.close()


def test_while_it_pauses_it_does_not_spin(client, logged):
    acceptor = failing(*[errno.ENOBUFS] * 3)
    client(acceptor)
    waits = 0
    while not (connections := acceptor.wait(time.monotonic() + 20)):
        waits += 1
    # One wait for each failure, one for the end of each pause.
    assert waits <= 6
    connections[0][0].close()
    acceptor.close()
    assert logged.times == 1


def test_without_fds_it_pauses_and_a_wake_makes_it_look_again(acceptor, logged):
    waiting = [socket.socket() for _ in range(3)]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    spare = socket.socket()
    resource.setrlimit(resource.RLIMIT_NOFILE, (spare.fileno(), hard))
    try:
        spare.close()
        for sock in waiting:
            sock.connect(acceptor.addresses[0])
        fillers = []
        with suppress(OSError):
            while True:
                fillers.append(socket.socket())
        assert acceptor.wait(time.monotonic() + 20) == []
        assert "Too many open files" in logged.text
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    for sock in fillers:
        sock.close()
    acceptor.wake()
    assert len(accepted(acceptor, 3)) == 3
    for sock in waiting:
        sock.close()
