"""Chunked framing, received (RFC 6242 section 4.2)."""

from __future__ import annotations

import re
from collections import deque
from typing import NoReturn

from ncwire._protocol.framing.decoder import EXCERPT, Decoder, broken
from ncwire._protocol.framing.document import Document
from ncwire._protocol.framing.limits import DEFAULTS
from ncwire.errors import MessageSizeError

END_OF_CHUNKS = b"\n##\n"
"""What ends a message in chunked framing (RFC 6242 section 4.2)."""
MAX_CHUNK_SIZE = 4294967295
"""The largest chunk that the grammar allows, in bytes (RFC 6242 section 4.2)."""

_MAX_DIGITS = len(str(MAX_CHUNK_SIZE))
_LONGEST_HEADER = len("\n#\n") + _MAX_DIGITS
_CHUNK_HEADER = re.compile(rb"\n#(?:([1-9][0-9]*)|#)\n")
_CHUNK_HEADER_BEGUN = re.compile(rb"(?:\n(?:#(?:#|([1-9][0-9]*))?)?)?")
_EXPECTED_AFTER = {
    b"": r"a line feed before '#'",
    b"\n": "'#' after the line feed of a chunk header",
    b"\n#": "a chunk size from 1 to 4294967295 without leading zeros, or '#'",
    b"\n##": "the line feed that ends a message",
}
_NONE = b"\0"  # begins no chunk header


class ChunkedDecoder(Decoder):
    r"""Decodes chunked framing: chunks, each after "\n#SIZE\n", then "\n##\n".

    A chunk's bytes are data, whatever they look like. A size is checked against the limit as
    soon as it is read, before any of the chunk is taken in, and nothing is allocated for it.
    `max_header` is `Limits.chunk_header`.
    """

    def __init__(
        self,
        max_message: int = DEFAULTS.message,
        offset: int = 0,
        *,
        max_header: int = DEFAULTS.chunk_header,
    ) -> None:
        super().__init__(max_message, offset)
        self._max_header = min(max_header, _LONGEST_HEADER)
        self._reads: deque[bytes] = deque()
        self._at = 0  # how much of the first read has been consumed
        self._header = b""  # as far as it has arrived; kept until its chunk's first byte comes
        self._left = 0  # bytes of the chunk that are still to come
        self._like = _NONE  # the last chunk's header, which the next one's is probably like
        self._like_size = -1

    def receive(self, data: bytes | bytearray | memoryview) -> None:
        """Take in bytes, without a copy if they are `bytes`; see `Decoder.receive`."""
        if self._failure is None and data:
            self._reads.append(data if isinstance(data, bytes) else bytes(data))

    def take_whole(self, data: bytes) -> bytes | None:
        """See `Decoder.take_whole`."""
        if self._reads or self._left or self._header or self.unfinished.size:
            return None
        like, size = self._like, self._like_size
        if not data.startswith(like):
            header = _CHUNK_HEADER.match(data, 0, self._max_header)
            if header is None or header[1] is None:
                return None
            like, size = header[0], int(header[1])
        start = len(like)
        end = start + size
        if (
            len(data) != end + len(END_OF_CHUNKS)
            or size > self.max_message
            or not data.endswith(END_OF_CHUNKS)
            or self._failure is not None
        ):
            return None
        self._like, self._like_size = like, size
        self.offset += len(data)
        return data[start:end]

    def next_document(self) -> bytes | Document | None:
        """Return the next message; see `Decoder.next_document`."""
        if self._failure is not None:
            self._raise_failure()
        while self._reads:
            if self._left:
                self._take_data()
            elif self._take_header():
                message, self.unfinished = self.unfinished, Document()
                return message.end()
        return None

    def pending(self) -> bytes:
        """Return the data of an unfinished message, then what is not consumed yet."""
        return self.unfinished.join() + self._header + self._unread()

    def _take_data(self) -> None:
        """Consume what there is of a chunk, and of those that follow it."""
        data, begin = self._reads[0], self._at
        size, end = len(data), begin + self._left
        if begin == 0 and end >= size:
            self.unfinished.add(data)
            self._left -= size
            self._header = b""
            self._advance(size)
            return
        bounds: list[int] = []
        room = self.max_message - self.unfinished.size - self._left
        like, count = self._like, self._like_size
        while end < size:
            # Whatever is not plainly in order is left to `_take_header`.
            if not data.startswith(like, end):
                header = _CHUNK_HEADER.match(data, end, end + self._max_header)
                if header is None or header[1] is None:
                    break
                like, count = header[0], int(header[1])
                if count > MAX_CHUNK_SIZE:
                    break
            if count > room:
                break
            room -= count
            bounds += begin, end
            begin = end + len(like)
            end = begin + count
        self._like, self._like_size = like, count
        stop = max(begin, min(end, size))
        bounds += begin, stop
        self._header = like if begin == stop else b""
        self._left = end - stop
        had = self.unfinished.size
        self.unfinished.add_parts(data, bounds, self.max_message - had - room - self._left)
        self._advance(stop - self._at)

    def _take_header(self) -> bool:
        """Consume what there is of a header; return whether it ended the message."""
        known = len(self._header)
        header = self._header + self._reads[0][self._at : self._at + self._max_header - known]
        whole = _CHUNK_HEADER.match(header)
        if whole is None or (whole[1] is None and not self.unfinished.size):
            self._check_header(header)
            self._header = header
            self._advance(len(header) - known)
            return False
        self._check_chunk_size(whole[1] or b"")
        self._advance(whole.end() - known)
        if whole[1] is None:
            self._header = b""
            return True
        self._header = self._like = whole[0]
        self._left = self._like_size = int(whole[1])
        self._check_size(self.unfinished.size + self._left)
        return False

    def _check_header(self, header: bytes) -> None:
        """Fail if no way of going on makes this a valid header, at its first wrong byte."""
        begun = _CHUNK_HEADER_BEGUN.match(header)
        good, digits = (begun.end(), begun[1]) if begun else (0, None)
        if header.startswith(END_OF_CHUNKS[:3]) and not self.unfinished.size:
            self._break("a chunk size: a message has at least one chunk", 2)
        self._check_chunk_size((digits or b"")[:_MAX_DIGITS])
        if good < len(header):
            self._break(
                _EXPECTED_AFTER.get(header[:good], "a digit or the line feed after a chunk size"),
                good,
            )
        if len(header) >= self._max_header:
            self._fail(MessageSizeError("chunk header", self._max_header))

    def _check_chunk_size(self, digits: bytes) -> None:
        if int(digits or b"0") > MAX_CHUNK_SIZE:
            self._break(f"a chunk size of at most {MAX_CHUNK_SIZE}", 2)

    def _break(self, expected: str, index: int) -> NoReturn:
        start = self.offset - len(self._header)
        excerpt = (self._header + self._reads[0][self._at : self._at + EXCERPT])[index:]
        self._fail(broken(expected, start + index, excerpt[:EXCERPT]))

    def _advance(self, count: int) -> None:
        self.offset += count
        self._at += count
        if self._at == len(self._reads[0]):
            self._reads.popleft()
            self._at = 0

    def _unread(self) -> bytes:
        return b"".join(self._reads)[self._at :]
