"""RFC 6242 framing in both directions: bytes in, bytes out, no I/O and no XML.

A decoder is fed whatever a read brought, and gives each message as soon as it is whole. Its
cost is linear in what it is fed, whatever the sizes of the reads; what it keeps is bounded by
its limit and by what it was fed since it was last asked for a message.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections import deque
from dataclasses import dataclass, fields
from typing import NoReturn

from ncwire.errors import (
    MessageSizeError,
    NetconfFramingError,
    OptionError,
    UnsendableMessageError,
)

END_OF_MESSAGE = b"]]>]]>"
"""What ends a message in end-of-message framing (RFC 6242 section 4.3)."""
END_OF_CHUNKS = b"\n##\n"
"""What ends a message in chunked framing (RFC 6242 section 4.2)."""
MAX_CHUNK_SIZE = 4294967295
"""The largest chunk that the grammar allows, in bytes (RFC 6242 section 4.2)."""

_MAX_DIGITS = len(str(MAX_CHUNK_SIZE))
_LONGEST_HEADER = len("\n#\n") + _MAX_DIGITS
_JOIN_BELOW = 64 * 1024
_EXCERPT = 40
# Huawei devices pad with NUL, which is part of no XML document either.
_PADDING = re.compile(rb"[ \t\r\n\0]*")
_START_OF_DOCUMENT = re.compile(rb"<|\xef(?:\xbb(?:\xbf|\Z)|\Z)")
_CHUNK_HEADER = re.compile(rb"\n#(?:([1-9][0-9]*)|#)\n")
_CHUNK_HEADER_BEGUN = re.compile(rb"(?:\n(?:#(?:#|([1-9][0-9]*))?)?)?")
_EXPECTED_AFTER = {
    b"": r"a line feed before '#'",
    b"\n": "'#' after the line feed of a chunk header",
    b"\n#": "a chunk size from 1 to 4294967295 without leading zeros, or '#'",
    b"\n##": "the line feed that ends a message",
}


@dataclass(frozen=True, slots=True)
class Limits:
    r"""What a peer may make us keep, each in bytes. Exceeded, it is a `MessageSizeError`.

    `message` is for any message but the first, `hello` for the first. `chunk_header` counts a
    whole chunk header, line feeds included: the longest of the grammar is "\n#4294967295\n",
    13 bytes, so more changes nothing, and less bounds the chunk size that is accepted.

    Raises `OptionError` for one that is not positive; a chunk header takes at least 4 bytes.
    """

    message: int = 2**30
    hello: int = 4 * 2**20
    chunk_header: int = 13

    def __post_init__(self) -> None:
        for each in fields(self):
            least = len(END_OF_CHUNKS) if each.name == "chunk_header" else 1
            if getattr(self, each.name) < least:
                raise OptionError(f"limits.{each.name}", f"less than {least} byte(s)")


_DEFAULTS = Limits()


class Decoder(ABC):
    """Takes a stream apart into messages.

    `max_message` is the limit of a message, in bytes, and can be changed between messages;
    `offset` is how much of the peer's stream has been consumed, and tells in errors where.
    """

    def __init__(self, max_message: int, offset: int) -> None:
        self.max_message = max_message
        self.offset = offset
        self._failure: NetconfFramingError | None = None

    @abstractmethod
    def receive(self, data: bytes | bytearray | memoryview) -> None:
        """Take in bytes, which are the caller's again afterwards.

        Never raises for what they are; after an error they are dropped.
        """

    @abstractmethod
    def next_message(self) -> bytes | bytearray | None:
        """Return the next whole message, without its framing, or None when more is needed.

        Raises `NetconfFramingError` at the first byte that breaks the framing, and
        `MessageSizeError` as soon as a limit is exceeded for certain; every message before it
        is returned first. Nothing can be decoded after an error: it is raised again.
        """

    @abstractmethod
    def pending(self) -> bytes:
        """Return what has arrived and is no part of a message that was returned.

        Framing that has been consumed is left out, except that of a message of which nothing
        else has arrived: empty means that the stream stands between two messages.
        """

    def _fail(self, error: NetconfFramingError) -> NoReturn:
        self._failure = error
        raise error

    def _raise_failure(self) -> None:
        if self._failure is not None:
            # One error for all who ask: its traceback must not grow with each.
            raise self._failure.with_traceback(None)


class EndOfMessageDecoder(Decoder):
    """Decodes end-of-message framing: each message is followed by "]]>]]>".

    White space between messages is dropped, as is the NUL padding of some devices. What
    follows must be an XML document, so its first byte is "<" or a byte order mark: anything
    else (a login banner, a chunk header) is an error at once, not a wait for an end marker.
    """

    def __init__(self, max_message: int = _DEFAULTS.message, offset: int = 0) -> None:
        super().__init__(max_message, offset)
        self._buffer = bytearray()
        self._searched = 0  # no end marker begins before this index

    def receive(self, data: bytes | bytearray | memoryview) -> None:
        """Take in bytes; see `Decoder.receive`."""
        if self._failure is None:
            self._buffer += data

    def next_message(self) -> bytes | bytearray | None:
        """Return the next message, without white space before it; see `Decoder.next_message`."""
        self._raise_failure()
        if not self._searched:
            self._skip_padding()
            self._check_start()
        most = self.max_message + len(END_OF_MESSAGE)
        end = self._buffer.find(END_OF_MESSAGE, self._searched, most)
        if end >= 0:
            return self._cut(end)
        if len(self._buffer) >= most:
            self._fail(MessageSizeError("message", self.max_message))
        self._searched = max(0, len(self._buffer) - len(END_OF_MESSAGE) + 1)
        return None

    def pending(self) -> bytes:
        """Return what has arrived of an unfinished message, padding before it left out."""
        return bytes(memoryview(self._buffer)[self._padding() :])

    def take_rest(self) -> bytes:
        """Give up what follows the last message that was returned; it begins at `offset`.

        It is the other decoder's when the framing switches, which it does only from this one,
        at the end of the hello (RFC 6242 section 4.1).
        """
        rest, self._buffer, self._searched = bytes(self._buffer), bytearray(), 0
        return rest

    def _skip_padding(self) -> None:
        padding = self._padding()
        del self._buffer[:padding]
        self.offset += padding

    def _padding(self) -> int:
        padding = _PADDING.match(self._buffer)
        return padding.end() if padding else 0

    def _check_start(self) -> None:
        if self._buffer and not _START_OF_DOCUMENT.match(self._buffer):
            # An end marker alone would be an empty message: no document either.
            excerpt = bytes(self._buffer[:_EXCERPT])
            self._fail(_broken("'<', the start of an XML document", self.offset, excerpt))

    def _cut(self, end: int) -> bytes | bytearray:
        message: bytes | bytearray
        after = end + len(END_OF_MESSAGE)
        if len(self._buffer) - after <= end:
            # The smaller of the two is copied, so that neither a large message is nor, again
            # and again, what follows each of many small ones.
            message, self._buffer = self._buffer, self._buffer[after:]
            del message[end:]
        else:
            message = bytes(memoryview(self._buffer)[:end])
            del self._buffer[:after]
        self.offset += after
        self._searched = 0
        return message


class ChunkedDecoder(Decoder):
    r"""Decodes chunked framing: chunks, each after "\n#SIZE\n", then "\n##\n".

    A chunk's bytes are data, whatever they look like. A size is checked against the limit as
    soon as it is read, before any of the chunk is taken in, and nothing is allocated for it.
    `max_header` is `Limits.chunk_header`.
    """

    def __init__(
        self,
        max_message: int = _DEFAULTS.message,
        offset: int = 0,
        *,
        max_header: int = _DEFAULTS.chunk_header,
    ) -> None:
        super().__init__(max_message, offset)
        self._max_header = min(max_header, _LONGEST_HEADER)
        self._reads: deque[bytes] = deque()
        self._at = 0  # how much of the first read has been consumed
        self._header = b""  # as far as it has arrived; kept until its chunk's first byte comes
        self._left = 0  # bytes of the chunk that are still to come
        self._message = bytearray()

    def receive(self, data: bytes | bytearray | memoryview) -> None:
        """Take in bytes, without a copy if they are `bytes`; see `Decoder.receive`."""
        if self._failure is None and data:
            self._reads.append(data if isinstance(data, bytes) else bytes(data))

    def next_message(self) -> bytes | bytearray | None:
        """Return the next message; see `Decoder.next_message`."""
        if self._failure is not None:
            self._raise_failure()
        if len(self._reads) == 1 and (whole := self._take_whole()) is not None:
            return whole
        while self._reads:
            if self._left:
                self._take_data()
            elif self._take_header():
                message, self._message = self._message, bytearray()
                return message
        return None

    def pending(self) -> bytes:
        """Return the data of an unfinished message, then what is not consumed yet."""
        return bytes(self._message) + self._header + self._unread()

    def _take_whole(self) -> bytes | None:
        """Consume the only read if it is a message in one chunk and nothing else, as most are."""
        data = self._reads[0]
        if self._at or self._left or self._header or self._message:
            return None
        header = _CHUNK_HEADER.match(data, 0, self._max_header)
        if header is None or header[1] is None:
            return None
        start, size = header.end(), int(header[1])
        end = start + size
        if (
            len(data) != end + len(END_OF_CHUNKS)
            or size > self.max_message
            or not data.endswith(END_OF_CHUNKS)
        ):
            return None
        self.offset += len(data)
        self._reads.clear()
        return data[start:end]

    def _take_data(self) -> None:
        data = memoryview(self._reads[0])[self._at : self._at + self._left]
        self._message += data
        self._left -= len(data)
        self._header = b""
        self._advance(len(data))

    def _take_header(self) -> bool:
        """Consume what there is of a header; return whether it ended the message."""
        known = len(self._header)
        header = self._header + self._reads[0][self._at : self._at + self._max_header - known]
        whole = _CHUNK_HEADER.match(header)
        if whole is None or (whole[1] is None and not self._message):
            self._check_header(header)
            self._header = header
            self._advance(len(header) - known)
            return False
        self._check_size(whole[1] or b"")
        self._advance(whole.end() - known)
        if whole[1] is None:
            self._header = b""
            return True
        self._header = whole[0]
        self._left = int(whole[1])
        if len(self._message) + self._left > self.max_message:
            self._fail(MessageSizeError("message", self.max_message))
        return False

    def _check_header(self, header: bytes) -> None:
        """Fail if no way of going on makes this a valid header, at its first wrong byte."""
        begun = _CHUNK_HEADER_BEGUN.match(header)
        good, digits = (begun.end(), begun[1]) if begun else (0, None)
        if header.startswith(END_OF_CHUNKS[:3]) and not self._message:
            self._break("a chunk size: a message has at least one chunk", 2)
        self._check_size((digits or b"")[:_MAX_DIGITS])
        if good < len(header):
            self._break(
                _EXPECTED_AFTER.get(header[:good], "a digit or the line feed after a chunk size"),
                good,
            )
        if len(header) >= self._max_header:
            self._fail(MessageSizeError("chunk header", self._max_header))

    def _check_size(self, digits: bytes) -> None:
        if int(digits or b"0") > MAX_CHUNK_SIZE:
            self._break(f"a chunk size of at most {MAX_CHUNK_SIZE}", 2)

    def _break(self, expected: str, index: int) -> NoReturn:
        start = self.offset - len(self._header)
        excerpt = (self._header + self._reads[0][self._at : self._at + _EXCERPT])[index:]
        self._fail(_broken(expected, start + index, excerpt[:_EXCERPT]))

    def _advance(self, count: int) -> None:
        self.offset += count
        self._at += count
        if self._at == len(self._reads[0]):
            self._reads.popleft()
            self._at = 0

    def _unread(self) -> bytes:
        return b"".join(self._reads)[self._at :]


def frame_end_of_message(payload: bytes) -> tuple[bytes | memoryview, ...]:
    """Frame a message for NETCONF 1.0: the buffers to be sent, in order, and nothing after.

    A small message is one buffer, so that its end marker goes out in the same packet; a large
    one is not copied. Raises `UnsendableMessageError` for an empty message, and for one that
    contains the end marker. Source: RFC 6242 section 4.3.
    """
    _check_not_empty(payload)
    if _marker_in(payload):
        raise UnsendableMessageError(
            f"the message contains {END_OF_MESSAGE.decode()}, which would end it under NETCONF "
            "1.0's framing; write one of its '>' as '&gt;'"
        )
    return _joined_if_small((payload, END_OF_MESSAGE))


def frame_chunked(
    payload: bytes | memoryview, chunk_size: int = MAX_CHUNK_SIZE
) -> tuple[bytes | memoryview, ...]:
    """Frame a message for NETCONF 1.1: the buffers to be sent, in order, and nothing after.

    Chunks are of `chunk_size` bytes, the last of what is left; by default a message of up to
    4294967295 bytes is one chunk. A small message is one buffer; a large one is not copied.
    Raises `UnsendableMessageError` for an empty message, which the grammar has no form for,
    and `OptionError` for a chunk size that it does not allow. Source: RFC 6242 section 4.2.
    """
    size = len(payload)
    if 0 < size <= chunk_size <= MAX_CHUNK_SIZE and size < _JOIN_BELOW:
        return (b"".join((b"\n#%d\n" % size, payload, END_OF_CHUNKS)),)
    _check_not_empty(payload)
    if not 1 <= chunk_size <= MAX_CHUNK_SIZE:
        raise OptionError("chunk_size", f"not from 1 to {MAX_CHUNK_SIZE}")
    view = memoryview(payload)
    buffers: list[bytes | memoryview] = []
    for start in range(0, len(view), chunk_size):
        chunk = view[start : start + chunk_size]
        buffers += (b"\n#%d\n" % len(chunk), chunk)
    buffers.append(END_OF_CHUNKS)
    return _joined_if_small(tuple(buffers))


def _broken(expected: str, offset: int, excerpt: bytes) -> NetconfFramingError:
    return NetconfFramingError(
        f"framing broken at byte {offset} of the peer's stream: expected {expected}, "
        f"got {excerpt!r}"
    )


def _check_not_empty(payload: bytes | memoryview) -> None:
    if not payload:
        raise UnsendableMessageError("the message is empty")


def _marker_in(payload: bytes) -> bool:
    # The end of a payload and the beginning of the marker can be one too, as in "]]>" + "]]>]]>".
    seam = payload[-len(END_OF_MESSAGE) + 1 :] + END_OF_MESSAGE
    return END_OF_MESSAGE in payload or END_OF_MESSAGE in seam[:-1]


def _joined_if_small(
    buffers: tuple[bytes | memoryview, ...],
) -> tuple[bytes | memoryview, ...]:
    if sum(map(len, buffers)) < _JOIN_BELOW:
        return (b"".join(buffers),)
    return buffers
