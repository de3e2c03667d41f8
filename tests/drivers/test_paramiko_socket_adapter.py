"""The paramiko driver's adapter: what stands between paramiko's threads and the socket."""

from __future__ import annotations

import gc
import socket
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

from ncwire_paramiko.socket_adapter import SocketAdapter

PATIENCE = 20
MEGABYTE = 1 << 20


@pytest.fixture
def adapter_and_peer():
    ours, peer = socket.socketpair()
    peer.settimeout(PATIENCE)
    adapter = SocketAdapter(ours)
    yield adapter, peer
    adapter.close()
    adapter.release()
    peer.close()


@pytest.fixture
def adapter(adapter_and_peer):
    return adapter_and_peer[0]


@pytest.fixture
def peer(adapter_and_peer):
    return adapter_and_peer[1]


@pytest.fixture
def transport_thread():
    """The thread in which paramiko would call `recv`."""
    with ThreadPoolExecutor(1) as executor:
        yield executor


def receive(adapter: SocketAdapter) -> bytes:
    """Call `recv` as paramiko does: again after it was woken."""
    while True:
        try:
            return adapter.recv(100)
        except TimeoutError:
            continue


def read_exactly(peer: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        data += peer.recv(size - len(data))
    return bytes(data)


def test_all_is_taken_and_sent_by_the_thread_that_receives(adapter, peer, transport_thread):
    data = bytes(range(256)) * 4096 * 8
    received = transport_thread.submit(receive, adapter)
    for start in range(0, len(data), 32768):
        assert adapter.send(data[start : start + 32768]) == 32768
    assert adapter.backlog

    assert read_exactly(peer, len(data)) == data
    peer.sendall(b"answer")
    assert received.result(PATIENCE) == b"answer"
    assert not adapter.backlog


def test_a_peer_that_takes_nothing_is_not_listened_to(adapter, peer, transport_thread):
    adapter.send(bytes(3 * MEGABYTE))
    peer.sendall(b"more, more")
    received = transport_thread.submit(receive, adapter)

    # Nothing tells that somebody waits. Too short a time could only hide a failure.
    with pytest.raises(TimeoutError):
        received.result(0.3)
    read_exactly(peer, 2 * MEGABYTE)
    assert received.result(PATIENCE) == b"more, more"


def test_a_peer_that_takes_little_is_listened_to_when_it_has_taken_enough(
    adapter, peer, transport_thread
):
    adapter.send(bytes(8 * MEGABYTE))
    peer.sendall(b"request")
    received = transport_thread.submit(lambda: (receive(adapter), len(adapter.backlog)))
    flushed = transport_thread.submit(receive, adapter)

    read_exactly(peer, 8 * MEGABYTE)

    data, left = received.result(PATIENCE)
    assert data == b"request"
    assert left <= MEGABYTE
    peer.sendall(b"next")
    assert flushed.result(PATIENCE) == b"next"


def test_progress_is_told_of_when_the_backlog_has_gone(adapter, peer, transport_thread):
    emptied = threading.Event()
    adapter.send(bytes(MEGABYTE))
    adapter.between_packets = lambda: emptied.set() if not adapter.backlog else None
    transport_thread.submit(receive, adapter)

    read_exactly(peer, MEGABYTE)
    assert emptied.wait(PATIENCE)
    peer.sendall(b"x")


def test_what_came_is_read_before_the_failure_to_send_is_told(adapter, peer):
    peer.sendall(b"last words")
    peer.close()
    assert adapter.send(b"to no one") == 9
    assert adapter.send(b"to no one") == 9

    assert adapter.recv(100) == b"last words"
    with pytest.raises(BrokenPipeError):
        adapter.recv(100)


def test_a_failure_to_send_keeps_nothing_of_who_has_sent(adapter, peer):
    """It is known until its channel is collected: what it has of that one, it would keep."""

    class Sender:
        def send(self) -> None:
            adapter.send(b"into the void")

    sender = Sender()
    sent = weakref.ref(sender)
    peer.close()

    sender.send()

    del sender
    gc.collect()
    assert sent() is None
    with pytest.raises(BrokenPipeError):
        receive(adapter)


def test_the_end_is_empty(adapter, peer):
    peer.close()

    assert adapter.recv(100) == b""


def test_close_ends_recv_in_another_thread(adapter, transport_thread):
    received = transport_thread.submit(receive, adapter)
    adapter.close()

    assert received.result(PATIENCE) == b""
    assert adapter.send(b"x") == 1


def test_expiry_ends_recv_whether_the_peer_speaks_or_not(adapter, peer, transport_thread):
    received = transport_thread.submit(receive, adapter)
    adapter.expire_at(time.monotonic() + 0.05)
    assert received.result(PATIENCE) == b""
    assert adapter.expired

    peer.sendall(b"x")
    assert adapter.recv(100) == b""


def test_an_expiry_that_is_taken_back_ends_nothing(adapter, peer):
    adapter.expire_at(time.monotonic())
    adapter.expire_at(None)
    peer.sendall(b"x")

    assert receive(adapter) == b"x"


def test_heard_is_when_bytes_came(adapter, peer):
    before = adapter.heard
    peer.sendall(b"x")
    adapter.recv(100)
    after = adapter.heard
    peer.close()
    adapter.recv(100)

    assert before < after == adapter.heard


def test_the_allowance_is_an_error_when_it_is_used_up(adapter, peer):
    adapter.allow(10)
    peer.sendall(b"x" * 11)
    with pytest.raises(OSError, match="more data"):
        adapter.recv(100)


def test_release_is_idempotent_and_all_else_is_harmless_after_it(adapter):
    adapter.release()
    adapter.release()
    adapter.close()
    adapter.wake()
    adapter.expire_at(0.0)

    assert adapter.send(b"x") == 1
    assert adapter.recv(100) == b""


class InterruptedSocket(socket.socket):
    """A signal comes whenever something is sent, or it is shut down, and its handler raises."""

    def send(self, data, flags=0):
        raise TimeoutError("the handler's")

    def shutdown(self, how):
        raise TimeoutError("the handler's")


@pytest.mark.parametrize(
    "call", [lambda adapter: adapter.send(b"x"), lambda adapter: adapter.close()]
)
def test_what_a_handler_raises_is_no_failure_of_the_socket(call):
    ours, theirs = socket.socketpair()
    adapter = SocketAdapter(InterruptedSocket(fileno=ours.detach()))
    try:
        with pytest.raises(TimeoutError, match="the handler's"):
            call(adapter)
    finally:
        adapter.release()
        theirs.close()
