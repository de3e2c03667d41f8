"""The memory channel's end: what was written arrives."""

from __future__ import annotations

import select
import socket
import time
from concurrent.futures import ThreadPoolExecutor

from ncwire.testing.memory import MemoryChannel

SIZE = 8 << 20
PATIENCE = 20.0


def test_over_tcp_a_peer_that_answers_and_reads_slowly_gets_all():
    """A connection that is closed with answers unread is reset, and what is under way is lost."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        channel = MemoryChannel(socket.create_connection(listener.getsockname()))
        peer, _ = listener.accept()

    def read_slowly() -> int:
        total = 0
        while data := peer.recv(1 << 16):
            total += len(data)
            peer.sendall(b"<ok/>")
        peer.close()
        return total

    with ThreadPoolExecutor(1) as pool:
        poll = select.poll()
        poll.register(channel.fileno(), select.POLLIN | select.POLLOUT)
        view = memoryview(bytes(SIZE))
        view = view[channel.write(view) :]
        reading = pool.submit(read_slowly)
        while view := view[channel.write(view) :]:
            assert poll.poll(PATIENCE * 1000)
        poll.modify(channel.fileno(), select.POLLIN)
        until = time.monotonic() + PATIENCE
        ended = False
        while not ended and not channel.finish():
            while not ended and (data := channel.read(1 << 16)) is not None:
                ended = not data
            assert time.monotonic() < until
            assert ended or poll.poll(PATIENCE * 1000)
        channel.close()
        assert reading.result(PATIENCE) == SIZE


def test_a_pair_keeps_what_was_written_and_waits_for_no_peer():
    channel, peer = MemoryChannel.pair()
    channel.write(memoryview(b"all"))
    assert channel.finish()
    assert channel.finish()
    channel.close()
    assert peer.recv(10) == b"all"
    assert peer.recv(10) == b""
    peer.close()


def test_finishing_what_is_broken_is_left_to_read():
    channel, peer = MemoryChannel.pair()
    peer.close()
    channel.finish()
    assert channel.read(1) == b""
    channel.close()
