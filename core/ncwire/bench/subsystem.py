"""A NETCONF server on stdin and stdout that answers as fast as Python can: the benchmarks' server.

sshd starts it as a subsystem. It stands alone, with the standard library only. It offers both
base versions, and speaks chunked framing to a client that offers 1.1. Each rpc is answered, its
message-id echoed, with <ok/>; but

<get-bytes n="N" chunk="C"/>    a <data> element with N bytes, in chunks of C bytes under chunked
                                framing; without a chunk or with 0 in one chunk
<close-session/>                <ok/>, and the end

The N bytes are short elements in lines of 64 bytes. What is sent of them comes from a buffer of
about a megabyte that is made for the first reply of a kind; so a reply of any size costs a few
writev(2) calls, and no memory. `expected` tells what a client must have got.
Other servers of the benchmarks answer by `answer`.
"""

from __future__ import annotations

import functools
import os
import re
import sys
import zlib

BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"
END_OF_MESSAGE = b"]]>]]>"
END_OF_CHUNKS = b"\n##\n"
LINE = b"<interface><name>eth-1/1</name><mtu>1500</mtu><up/></interface>\n"
BLOCK = 1 << 20
READ = 1 << 18
AT_ONCE = 64  # buffers in one writev(2): IOV_MAX is 1024, and a pipe takes less than one of them

HELLO = (
    f'<?xml version="1.0" encoding="UTF-8"?><hello xmlns="{BASE}"><capabilities>'
    "<capability>urn:ietf:params:netconf:base:1.0</capability>"
    "<capability>urn:ietf:params:netconf:base:1.1</capability>"
    f"</capabilities><session-id>{os.getpid()}</session-id></hello>"
).encode()
REPLY = b'<rpc-reply xmlns="%b" message-id="%%b">' % BASE.encode()
OK = b"<ok/></rpc-reply>"
TAIL = b"</data></rpc-reply>"
CLOSE = b"close-session"

MESSAGE_ID = re.compile(rb"""\bmessage-id\s*=\s*["']([^"']*)["']""")
SIZES = re.compile(rb"""<(?:\w+:)?get-bytes\b[^>]*?\bn=["'](\d+)["'](?:\s+chunk=["'](\d+)["'])?""")


def content(size: int) -> bytes:
    """Return the content of a <data> element, in one piece."""
    return LINE * (size // len(LINE)) + b"\n" * (size % len(LINE))


def expected(size: int) -> int:
    """Return the CRC-32 of the content of a <data> element."""
    crc = 0
    block = LINE * (BLOCK // len(LINE))
    for _ in range(size // BLOCK):
        crc = zlib.crc32(block, crc)
    return zlib.crc32(content(size % BLOCK), crc)


def chunk(data: bytes) -> bytes:
    """Return data as a chunk."""
    return b"\n#%d\n%b" % (len(data), data)


Buffer = bytes | memoryview
Buffers = list[list[Buffer]]


class Data:
    """A reply's buffers: the head but for the message-id, one block many times, and the rest."""

    def __init__(self, size: int, chunk_size: int, *, chunked: bool) -> None:
        if chunked and chunk_size:
            self._prepare_chunks(size, chunk_size)
            return
        self.block = memoryview(LINE * (BLOCK // len(LINE)))
        self.times, rest = divmod(size, BLOCK)
        end = END_OF_CHUNKS if chunked else END_OF_MESSAGE
        self.last = content(rest) + TAIL + end
        self._size = size + len(TAIL) if chunked else 0
        self._head = self._single_chunk if chunked else self._no_chunk

    def _prepare_chunks(self, size: int, chunk_size: int) -> None:
        if chunk_size % len(LINE):
            raise SystemExit(f"chunk: {chunk_size} is no multiple of {len(LINE)}")
        each = chunk(LINE * (chunk_size // len(LINE)))
        many = max(1, BLOCK // chunk_size)
        self.block = memoryview(each * many)
        self.times, rest = divmod(size, many * chunk_size)
        whole, last = divmod(rest, chunk_size)
        of_last = chunk(content(last)) if last else b""
        self.last = each * whole + of_last + chunk(TAIL) + END_OF_CHUNKS
        self._head = chunk

    def buffers(self, message_id: bytes) -> Buffers:
        """Return what is to be sent, for one writev(2) after the other."""
        head = self._head(REPLY % message_id + b"<data>")
        if not self.times:
            return [[head + self.last]]
        blocks: Buffers = [
            [self.block] * min(AT_ONCE, self.times - done)
            for done in range(0, self.times, AT_ONCE)
        ]
        return [[head], *blocks, [self.last]]

    def _single_chunk(self, head: bytes, /) -> bytes:
        return b"\n#%d\n%b" % (len(head) + self._size, head)

    def _no_chunk(self, head: bytes, /) -> bytes:
        return head


@functools.lru_cache(maxsize=64)
def prepared(size: int, chunk_size: int, *, chunked: bool) -> Data:
    """Return the buffers of such replies, made once."""
    return Data(size, chunk_size if chunked else 0, chunked=chunked)


def reply(message_id: bytes, size: int, chunk_size: int, *, chunked: bool) -> bytes:
    """Return a whole reply, framed."""
    buffers = buffers_of(message_id, size, chunk_size, chunked=chunked)
    return b"".join(each for some in buffers for each in some)


def buffers_of(message_id: bytes, size: int, chunk_size: int, *, chunked: bool) -> Buffers:
    """Return a reply, framed: for one writev(2) after the other."""
    if size:
        return prepared(size, chunk_size, chunked=chunked).buffers(message_id)
    document = REPLY % message_id + OK
    return [[chunk(document) + END_OF_CHUNKS if chunked else document + END_OF_MESSAGE]]


def answer(request: bytes, *, chunked: bool) -> Buffers:
    """Return the answer to a request, framed: for one writev(2) after the other."""
    found = MESSAGE_ID.search(request)
    sizes = SIZES.search(request)
    size, chunk_size = (int(sizes[1]), int(sizes[2] or 0)) if sizes else (0, 0)
    return buffers_of(found[1] if found else b"", size, chunk_size, chunked=chunked)


def offers_chunks(hello: bytes) -> bool:
    """Whether a client's hello leads to chunked framing."""
    return b"netconf:base:1.1" in hello


def serve() -> None:
    """Hold one session on stdin and stdout."""
    write([HELLO + END_OF_MESSAGE])
    received = bytearray()
    if not receive(received, END_OF_MESSAGE):
        return
    chunked = offers_chunks(cut(received, END_OF_MESSAGE))
    # None of the benchmarks sends the end of chunks within a chunk.
    end = END_OF_CHUNKS if chunked else END_OF_MESSAGE
    while end in received or receive(received, end):
        request = cut(received, end)
        for buffers in answer(request, chunked=chunked):
            write(buffers)
        if CLOSE in request:
            return


def receive(received: bytearray, end: bytes) -> bool:
    """Read until that has come; False where the client ended before."""
    while end not in received:
        data = os.read(0, READ)
        if not data:
            return False
        received += data
    return True


def cut(received: bytearray, end: bytes) -> bytes:
    """Take a message off the front of what was received."""
    at = received.find(end)
    message = bytes(received[:at])
    del received[: at + len(end)]
    return message


def write(buffers: list[bytes | memoryview]) -> None:
    """Write all of it to stdout."""
    while buffers:
        buffers = unsent(buffers, os.writev(1, buffers))


def unsent(buffers: list[bytes | memoryview], sent: int) -> list[bytes | memoryview]:
    """Return what is left of buffers of which so many bytes were sent."""
    for at, each in enumerate(buffers):
        if sent < len(each):
            return [memoryview(each)[sent:], *buffers[at + 1 :]]
        sent -= len(each)
    return []


if __name__ == "__main__":
    try:
        serve()
    except BrokenPipeError:
        sys.exit(1)
