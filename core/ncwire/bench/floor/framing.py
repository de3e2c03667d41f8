"""The least that tells when a reply is complete, for one rpc in flight and nothing else.

`feed` is given each read and returns True once the reply is whole. Nothing is taken apart or
copied: a reply is the list of its reads. What a framework must do besides (limits, errors that
explain, several messages in a read, a document in one piece) is what it is measured by.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ncwire.bench.target import CHUNKED

if TYPE_CHECKING:
    from collections.abc import Callable

    from ncwire.bench.target import Case

BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"
END_OF_MESSAGE = b"]]>]]>"
END_OF_CHUNKS = b"\n##\n"
_MARKER = len(END_OF_MESSAGE)
_LONGEST_HEADER = 13
_HEADER = re.compile(rb"\n#(\d+)\n")


class Chunks:
    """Counts the bytes of chunks: what looks like their end within one is data."""

    __slots__ = ("_begun", "_left")

    def __init__(self) -> None:
        self._left = 0
        self._begun = b""

    def feed(self, data: bytes) -> bool:
        """Take in a read; True once the reply is whole."""
        if self._begun:
            data = self._begun + data
            self._begun = b""
        at = self._left
        size = len(data)
        find = data.find
        while at < size:
            end = find(b"\n", at + 2, at + _LONGEST_HEADER)
            if end < 0:
                self._begun = data[at:]
                self._left = 0
                return False
            count = data[at + 2 : end]
            if count == b"#":
                return True
            at = end + 1 + int(count)
        self._left = at - size
        return False


class EndMarker:
    """Looks for the marker where it must be, in the last bytes."""

    __slots__ = ("_tail",)

    def __init__(self) -> None:
        self._tail = b""

    def feed(self, data: bytes) -> bool:
        """Take in a read; True once the reply is whole."""
        tail = data[-_MARKER:]
        if len(tail) < _MARKER:
            tail = (self._tail + tail)[-_MARKER:]
        self._tail = tail
        return tail == END_OF_MESSAGE


def hello(framing: str) -> bytes:
    """Return a client's hello that has the server use this framing, framed."""
    version = "1.1" if framing == CHUNKED else "1.0"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><hello xmlns="{BASE}"><capabilities><capability>'
        f"urn:ietf:params:netconf:base:{version}</capability></capabilities></hello>"
    ).encode() + END_OF_MESSAGE


def request(case: Case) -> bytes:
    """Return an rpc, framed: always the same, for there is one in flight."""
    document = f'<rpc message-id="1" xmlns="{BASE}">{case.operation()}</rpc>'.encode()
    if case.framing == CHUNKED:
        return b"\n#%d\n%b%b" % (len(document), document, END_OF_CHUNKS)
    return document + END_OF_MESSAGE


def receiver(case: Case) -> Callable[[], Chunks | EndMarker]:
    """Return what makes a receiver of one reply."""
    return Chunks if case.framing == CHUNKED else EndMarker


def document(reads: list[bytes], case: Case) -> bytes:
    """Return the document that these reads are."""
    stream = b"".join(reads)
    if case.framing != CHUNKED:
        return stream.removesuffix(END_OF_MESSAGE)
    chunks = []
    at = 0
    while (header := _HEADER.match(stream, at)) is not None:
        at = header.end() + int(header[1])
        chunks.append(stream[header.end() : at])
    if stream[at:] != END_OF_CHUNKS:
        raise ValueError(f"{stream[at : at + 40]!r} where a message was to end")
    return b"".join(chunks)
