"""End-of-message framing, received (RFC 6242 section 4.3)."""

from __future__ import annotations

import re
from collections import deque

from ncwire._protocol.framing.decoder import EXCERPT, Decoder, broken
from ncwire._protocol.framing.document import Document
from ncwire._protocol.framing.limits import DEFAULTS

END_OF_MESSAGE = b"]]>]]>"
"""What ends a message in end-of-message framing (RFC 6242 section 4.3)."""

_MARKER = len(END_OF_MESSAGE)
_BEGINNINGS = tuple(END_OF_MESSAGE[:size] for size in range(_MARKER - 1, 0, -1))
# Huawei devices pad with NUL, which is part of no XML document either.
_PADDING = re.compile(rb"[ \t\r\n\0]*")
_START_OF_DOCUMENT = re.compile(rb"<|\xef(?:\xbb(?:\xbf|\Z)|\Z)")
_BYTE_ORDER_MARK = 3
_LESS_THAN = ord("<")
# In how many bytes a "]" is rare, and how many are looked at in any case.
_RARE = 512
_TRIES = 8


class EndOfMessageDecoder(Decoder):
    """Decodes end-of-message framing: each message is followed by "]]>]]>".

    White space between messages is dropped, as is the NUL padding of some devices. What
    follows must be an XML document, so its first byte is "<" or a byte order mark: anything
    else (a login banner, a chunk header) is an error at once, not a wait for an end marker.
    """

    def __init__(self, max_message: int = DEFAULTS.message, offset: int = 0) -> None:
        super().__init__(max_message, offset)
        self._reads: deque[bytes] = deque()
        self._at = 0  # how much of the first read has been consumed
        self._begun = b""  # the last bytes, where the end marker may have begun

    def receive(self, data: bytes | bytearray | memoryview) -> None:
        """Take in bytes, without a copy if they are `bytes`; see `Decoder.receive`."""
        if self._failure is None and data:
            self._reads.append(data if isinstance(data, bytes) else bytes(data))

    def take_whole(self, data: bytes) -> bytes | None:
        """See `Decoder.take_whole`."""
        size = len(data) - _MARKER
        if (
            self._reads
            or self._begun
            or self.unfinished.size
            or not data.startswith(b"<")
            or not data.endswith(END_OF_MESSAGE)
            or data.find(END_OF_MESSAGE) != size
            or size > self.max_message
            or self._failure is not None
        ):
            return None
        self.offset += len(data)
        return data[:size]

    def next_document(self) -> bytes | Document | None:
        """Return the next message, without white space before it; see `Decoder.next_document`."""
        if self._failure is not None:
            self._raise_failure()
        while self._reads:
            if not self.unfinished.size and not self._has_begun():
                break
            if self._begun:
                self._reads[0] = self._begun + self._reads[0]
                self._begun = b""
            data, at = self._reads[0], self._at
            end = _find_marker(data, at)
            size = self.unfinished.size - at
            if end >= 0:
                self._check_size(size + end)
                return self._cut(end)
            self._check_size(size + len(data) - _MARKER + 1)
            self._keep()
        return None

    def pending(self) -> bytes:
        """Return what has arrived of an unfinished message, padding before it left out."""
        if not self.unfinished.size:
            return _PADDING.sub(b"", self._unread(), count=1)
        return self.unfinished.join() + self._begun + self._unread()

    def take_rest(self) -> bytes:
        """Give up what follows the last message that was returned; it begins at `offset`.

        It is the other decoder's when the framing switches, which it does only from this one,
        at the end of the hello (RFC 6242 section 4.1).
        """
        rest = self._unread()
        self._reads.clear()
        self._at = 0
        return rest

    def _has_begun(self) -> bool:
        """Drop the padding before a message; return whether its first character is there."""
        while self._reads:
            data = self._reads[0]
            if data[self._at] == _LESS_THAN:
                return True
            padding = _PADDING.match(data, self._at)
            end = padding.end() if padding else self._at
            self.offset += end - self._at
            self._advance(end)
            if end < len(data):
                return self._check_start()
        return False

    def _check_start(self) -> bool:
        start = b"".join(self._reads)[self._at :]
        if not _START_OF_DOCUMENT.match(start):
            # An end marker alone would be an empty message: no document either.
            self._fail(broken("'<', the start of an XML document", self.offset, start[:EXCERPT]))
        return start[0] == _LESS_THAN or len(start) >= _BYTE_ORDER_MARK

    def _cut(self, end: int) -> bytes | Document:
        part = self._reads[0][self._at : end]
        message, size = self.unfinished, self.unfinished.size + len(part)
        self._advance(end + _MARKER)
        self.offset += size + _MARKER
        if not message.size:
            return part
        message.add(part)
        self.unfinished = Document()
        return message.end()

    def _keep(self) -> None:
        """Consume the first read, in which the message does not end."""
        data = self._reads.popleft()
        stop = len(data)
        if data.endswith(_BEGINNINGS):
            self._begun = next(each for each in _BEGINNINGS if data.endswith(each))
            stop -= len(self._begun)
        if self._at or self._begun:
            data = data[self._at : stop]
        self._at = 0
        if data:
            self.unfinished.add(data)

    def _advance(self, to: int) -> None:
        self._at = to
        if to == len(self._reads[0]):
            self._reads.popleft()
            self._at = 0

    def _unread(self) -> bytes:
        return b"".join(self._reads)[self._at :]


def _find_marker(data: bytes, start: int) -> int:
    at = start
    tries = 0
    # A search for one byte is many times faster, unless there are many of it.
    while (at := data.find(b"]", at)) >= 0:
        if data.startswith(END_OF_MESSAGE, at):
            return at
        at += 1
        tries += 1
        if tries * _RARE > at - start + _TRIES * _RARE:
            return data.find(END_OF_MESSAGE, at)
    return -1
