"""Requests given in pieces, against OpenSSH's sshd: all arrives, and memory stays bounded."""

from __future__ import annotations

import hashlib
import tracemalloc

import pytest

from ncwire import Timeouts
from ncwire.errors import BrokenMessageError, SendQueueFullError

pytestmark = pytest.mark.sshd

MEGABYTE = 1024 * 1024
LEFT_OVER = 8 * MEGABYTE
"""What may be kept of a request of any size: the queue, the library's own buffers, one piece."""


class Request:
    """An operation in pieces, whose size and digest the server is to find."""

    def __init__(self, size, piece):
        self._size = size
        self._piece = b"<x>0123456789 ]]</x>".ljust(piece, b"\n")
        self._digest = hashlib.sha256()
        self._count = 0

    def __iter__(self):
        yield from map(self._told, self._pieces())

    def _pieces(self):
        yield b"<digest>"
        for _ in range(self._size // len(self._piece)):
            yield self._piece
        yield b"</digest>"

    def _told(self, piece):
        self._digest.update(piece)
        self._count += len(piece)
        return piece

    def answer(self, message_id):
        """Return what the server says to the whole message."""
        start = f'<rpc message-id="{message_id}" xmlns="urn:ietf:params:xml:ns:netconf:base:1.0">'
        whole = hashlib.sha256(start.encode())
        for piece in self._pieces():
            whole.update(piece)
        whole.update(b"</rpc>")
        return f'<digest n="{self._count + len(start) + 6}">{whole.hexdigest()}</digest>'


@pytest.mark.parametrize(
    ("base", "megabytes", "piece"),
    [
        pytest.param("1.1", 50, 100_000, marks=pytest.mark.exhaustive),
        ("1.1", 50, 2 * MEGABYTE),
        ("1.1", 2, 50),
        # The server's own search for the end marker takes longer the longer the message is.
        pytest.param("1.0", 10, 100_000, marks=pytest.mark.exhaustive),
        ("1.0", 2, 50),
    ],
)
def test_it_arrives_whole_and_takes_little_memory(make_sshd, connect, base, megabytes, piece):
    session = connect(make_sshd(subsystem_arguments=("--base", base)))
    request = Request(megabytes * MEGABYTE, piece)
    session.rpc("<echo/>")
    tracemalloc.start()
    try:
        reply = session.rpc(request, timeout=60)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert request.answer(reply.message_id) in reply.raw
    assert peak < LEFT_OVER + 2 * piece


def test_a_server_that_stops_reading_ends_a_request_in_pieces(make_sshd, connect):
    server = make_sshd()
    session = connect(server, timeouts=Timeouts(rpc=60, close=0.1))
    server.freeze()
    try:
        with pytest.raises(BrokenMessageError):
            session.rpc(Request(50 * MEGABYTE, 100_000), timeout=0.5)
        session.join(20)
    finally:
        server.thaw()
    assert isinstance(session.cause, BrokenMessageError)


def test_a_server_that_stops_reading_bounds_what_is_queued(make_sshd, connect):
    server = make_sshd()
    session = connect(server, timeouts=Timeouts(rpc=0.5))
    message = "<echo>" + "x" * MEGABYTE + "</echo>"
    futures = []

    def submit_on():
        while len(futures) < 50:
            futures.append(session.submit(message))

    server.freeze()
    try:
        with pytest.raises(SendQueueFullError):
            submit_on()
    finally:
        server.thaw()
    assert 0 < len(futures) < 30
    for future in futures:
        assert message in future.result(60).raw
