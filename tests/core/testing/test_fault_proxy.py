"""The fault proxy: what passes, what does not, and from when on."""

from __future__ import annotations

import socket
import struct
import threading

import pytest

from ncwire.testing import EmbeddedServer, FaultProxy
from ncwire.testing.fault_link import Side
from ncwire.testing.plaintext import Bytes, Messages

IDENTIFICATION = b"SSH-2.0-Test_1\r\n"
LINES = b"hello\r\nSSH is not the start: \r\n"


def packet(number: int, size: int = 10) -> bytes:
    """An SSH packet without encryption (RFC 4253 section 6)."""
    return (2 + size).to_bytes(4, "big") + b"\0" + bytes([number]) + bytes(size)


KEXINIT, REPLY, NEWKEYS = packet(20, 100), packet(31), packet(21)
ENCRYPTED = bytes(range(256)) * 4
STREAM = b"hello\r\n" + IDENTIFICATION + KEXINIT + REPLY + NEWKEYS + ENCRYPTED
AFTER = {
    0: b"hello\r\n" + IDENTIFICATION,
    20: b"hello\r\n" + IDENTIFICATION + KEXINIT,
    31: b"hello\r\n" + IDENTIFICATION + KEXINIT + REPLY,
    21: b"hello\r\n" + IDENTIFICATION + KEXINIT + REPLY + NEWKEYS,
}


@pytest.fixture
def server():
    """A listening socket; `accept` gives the server's end of a connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        yield listener


@pytest.fixture
def proxy(server):
    with FaultProxy(server.getsockname()) as proxy:
        yield proxy


@pytest.fixture
def connected(server, proxy):
    """Connect through the proxy, once the test has set its faults; return client and server."""
    socks = []

    def connect():
        client = socket.create_connection(("127.0.0.1", proxy.port), 10)
        peer, _ = server.accept()
        peer.settimeout(10)
        socks.extend((client, peer))
        return client, peer

    yield connect
    for sock in socks:
        sock.close()


def read(sock: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = sock.recv(size - len(data))
        if not more:
            break
        data += more
    return data


def is_silent(sock: socket.socket) -> bool:
    sock.settimeout(0.1)
    with pytest.raises(TimeoutError):
        sock.recv(1)
    sock.settimeout(10)
    return True


@pytest.mark.parametrize("size", [1, 3, 7, len(STREAM)])
@pytest.mark.parametrize("number", AFTER)
def test_a_message_is_found_however_the_bytes_come(number, size):
    counter, passed, rest = Messages(number), b"", STREAM
    while not counter.reached:
        portion = rest[:size]
        portion = portion[: counter.admits(portion)]
        counter.count(portion)
        passed, rest = passed + portion, rest[len(portion) :]
    assert passed == AFTER[number]


def test_what_is_encrypted_is_not_looked_at():
    counter = Messages(30)
    rest = STREAM
    while rest:
        admitted = counter.admits(rest)
        assert admitted > 0
        counter.count(rest[:admitted])
        rest = rest[admitted:]
    assert not counter.reached
    assert counter.admits(bytes(5)) == 5


def test_bytes_are_counted():
    counter = Bytes(10)
    assert counter.admits(bytes(4)) == 4
    counter.count(bytes(4))
    assert counter.admits(bytes(100)) == 6
    counter.count(bytes(6))
    assert counter.reached


@pytest.mark.parametrize("number", [-1, 50, 94])
def test_a_message_that_is_always_encrypted_is_refused(proxy, number):
    with pytest.raises(ValueError, match=str(number)):
        proxy.after_message(number, proxy.freeze)


def test_everything_passes_and_is_counted(connected, proxy):
    client, peer = connected()
    client.sendall(b"question")
    assert read(peer, 8) == b"question"
    peer.sendall(b"answer")
    assert read(client, 6) == b"answer"
    proxy.close()  # it counts what has passed, a moment later
    assert (proxy.sent, proxy.answered, proxy.clients) == (8, 6, ["127.0.0.1"])


def test_frozen_nothing_passes_until_it_thaws(connected, proxy):
    client, peer = connected()
    proxy.freeze()
    client.sendall(b"question")
    peer.sendall(b"answer")
    assert is_silent(client)
    assert is_silent(peer)
    proxy.thaw()
    assert read(client, 6) == b"answer"
    assert read(peer, 8) == b"question"


def test_a_deaf_server_is_heard(connected, proxy):
    client, peer = connected()
    proxy.deafen()
    client.sendall(b"question")
    peer.sendall(b"answer")
    assert read(client, 6) == b"answer"
    assert is_silent(peer)
    proxy.thaw()
    assert read(peer, 8) == b"question"


def test_silent_after_so_many_bytes(connected, proxy):
    proxy.after_bytes(5, proxy.freeze)
    client, peer = connected()
    peer.sendall(b"0123456789")
    assert read(client, 5) == b"01234"
    assert is_silent(client)
    proxy.thaw()
    assert read(client, 5) == b"56789"


def test_silent_after_a_message(connected, proxy):
    frozen = threading.Event()
    proxy.after_message(20, lambda: (proxy.freeze(), frozen.set()))
    client, peer = connected()
    peer.sendall(STREAM)
    assert read(client, len(AFTER[20])) == AFTER[20]
    assert frozen.wait(10)
    assert is_silent(client)


def test_cut_after_so_many_bytes(connected, proxy):
    proxy.after_bytes(5, proxy.cut)
    client, peer = connected()
    peer.sendall(b"0123456789")
    assert read(client, 10) == b"01234"
    assert client.recv(1) == b""


def test_reset_after_so_many_bytes(connected, proxy):
    proxy.after_bytes(5, proxy.reset)
    client, peer = connected()
    peer.sendall(b"0123456789")
    with pytest.raises(ConnectionResetError):
        read(client, 10)


def test_a_servers_reset_is_passed_on(connected, proxy):
    client, peer = connected()
    client.sendall(b"question")
    assert read(peer, 8) == b"question"
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()
    with pytest.raises(ConnectionResetError):
        client.recv(1)


def test_hanging_up_comes_after_what_was_sent(connected, proxy):
    client, peer = connected()
    peer.sendall(b"0123456789")
    assert read(client, 10) == b"0123456789"
    proxy.hang_up()
    assert client.recv(1) == b""


def test_dripping_passes_all_in_single_bytes(connected, proxy):
    proxy.drip(0.001)
    client, peer = connected()
    peer.sendall(STREAM)
    assert read(client, len(STREAM)) == STREAM


def test_throttled_both_sides_bytes_pass_in_small_portions(connected, proxy):
    proxy.throttle(100, 0.001)
    client, peer = connected()
    peer.sendall(STREAM)
    client.sendall(STREAM)
    assert read(client, len(STREAM)) == STREAM
    assert read(peer, len(STREAM)) == STREAM


def test_the_next_bytes_are_changed_and_no_others(connected, proxy):
    client, peer = connected()
    peer.sendall(b"before")
    assert read(client, 6) == b"before"
    proxy.change_next(bytes.upper)
    client.sendall(b"question")
    assert read(peer, 8) == b"question"
    peer.sendall(b"answer")
    assert read(client, 6) == b"ANSWER"
    peer.sendall(b"after")
    assert read(client, 5) == b"after"


def test_the_clients_next_bytes_are_changed(connected, proxy):
    client, peer = connected()
    client.sendall(b"before")
    assert read(peer, 6) == b"before"
    proxy.change_next(bytes.upper, of=Side.CLIENT)
    peer.sendall(b"answer")
    assert read(client, 6) == b"answer"
    client.sendall(b"question")
    assert read(peer, 8) == b"QUESTION"


def test_what_comes_then_comes_after_what_was_changed(connected, proxy):
    client, peer = connected()
    client.sendall(b"question")
    assert read(peer, 8) == b"question"
    proxy.change_next(lambda data: data[:3], proxy.sever)
    peer.sendall(b"answer")
    assert read(client, 10) == b"ans"


@pytest.mark.parametrize("size", [1, 7, len(STREAM)])
@pytest.mark.parametrize(("number", "changed"), [(0, IDENTIFICATION), (20, KEXINIT), (31, REPLY)])
def test_one_message_is_changed(connected, proxy, number, changed, size):
    proxy.change_message(number, lambda message: message[::-1])
    client, peer = connected()
    for start in range(0, len(STREAM), size):
        peer.sendall(STREAM[start : start + size])
    assert read(client, len(STREAM)) == STREAM.replace(changed, changed[::-1])


def test_a_message_that_is_not_there_changes_nothing(connected, proxy):
    proxy.change_message(30, lambda _: b"")
    client, peer = connected()
    peer.sendall(STREAM)
    assert read(client, len(STREAM)) == STREAM


def test_the_clients_first_word_is_told(connected, proxy):
    client, _ = connected()
    assert not proxy.await_client(0)
    client.sendall(b"question")
    assert proxy.await_client(10)


def test_severed_both_sides_are_told(connected, proxy):
    client, peer = connected()
    client.sendall(b"question")
    assert read(peer, 8) == b"question"
    proxy.sever()
    assert client.recv(1) == b""
    assert peer.recv(1) == b""


def test_after_a_cut_the_client_is_still_heard(connected, proxy):
    client, peer = connected()
    client.sendall(b"question")
    assert read(peer, 8) == b"question"
    proxy.cut()
    assert client.recv(1) == b""
    client.sendall(b"more")
    assert read(peer, 4) == b"more"


def test_after_the_clients_end_the_server_is_still_heard(connected, proxy):
    client, peer = connected()
    client.sendall(b"question")
    assert read(peer, 8) == b"question"
    proxy.end_client()
    assert peer.recv(1) == b""
    client.sendall(b"lost")
    peer.sendall(b"answer")
    assert read(client, 6) == b"answer"


def test_a_client_that_has_ended_its_side_still_hears_the_server(connected, proxy):
    client, peer = connected()
    client.sendall(b"question")
    client.shutdown(socket.SHUT_WR)
    assert len(read(peer, 9)) == 8

    peer.sendall(b"answer")

    assert read(client, 6) == b"answer"


def test_what_a_server_says_to_a_client_that_is_gone_goes_nowhere(connected, proxy):
    client, peer = connected()
    client.sendall(b"x" * 1000)
    client.close()
    assert len(read(peer, 1001)) == 1000

    for _ in range(3):
        peer.sendall(bytes(100_000))
    peer.close()
    proxy.close()

    assert proxy.idle


def test_the_connections_end_can_be_awaited(proxy, connected):
    client, peer = connected()
    assert not proxy.await_end(0)
    ending = threading.Timer(0, client.close)
    ending.start()
    peer.close()
    assert proxy.await_end(20)
    assert proxy.idle
    ending.join()


def test_real_messages_are_told_and_close_leaves_nothing():
    before = threading.active_count()
    with EmbeddedServer() as server, FaultProxy((server.host, server.port)) as proxy:
        proxy.after_message(20, proxy.freeze)
        with socket.create_connection(("127.0.0.1", proxy.port), 10) as client:
            client.sendall(b"SSH-2.0-Test_1\r\n")
            words = client.makefile("rb")
            assert words.readline().startswith(b"SSH-2.0-paramiko")
            length = int.from_bytes(words.read(4), "big")
            assert words.read(length)[1] == 20
            words.close()
    assert threading.active_count() == before
