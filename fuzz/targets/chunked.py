"""Chunked framing, received: against its grammar, and in reads of every size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncwire._protocol.framing import MAX_CHUNK_SIZE, ChunkedDecoder
from targets import decoding

if TYPE_CHECKING:
    from ncwire._protocol.framing import Decoder

TOKENS = (
    b"\n#", b"\n##\n", b"\n#1\n", b"\n#4\n<a/>", b"\n#4\n<a/>\n##\n", b"\n#0", b"\n#4294967295\n",
    b"\n#4294967296\n", b"#", b"##", b"\n", b"\r\n", b"<a/>", b"]]>]]>", b"\xc3\xa9", b"0", b"9",
)  # fmt: skip
LONGEST = 512


def one(data: bytes) -> None:
    """Decode a stream of chunks."""
    decoding.check(_decoder, grammar, data)


def grammar(data: bytes) -> tuple[list[bytes], bool]:
    """Return what RFC 6242 section 4.2 says of a stream, read byte by byte.

    Chunks of more bytes than any limit here count as broken, as they are for the decoder.
    """
    messages: list[bytes] = []
    message, at = b"", 0
    while at < len(data):
        if not b"\n#".startswith(data[at : at + 2]) or data[at + 2 : at + 3] == b"0":
            return messages, True
        end = at + 2
        if message and data[end : end + 1] == b"#":
            if not b"#\n".startswith(data[end : end + 2]):
                return messages, True
            if data[end + 1 : end + 2]:
                messages.append(message)
                message = b""
            at = end + 2
            continue
        while end < len(data) and data[end : end + 1].isdigit():
            end += 1
        size = int(data[at + 2 : end] or b"0")
        if size > MAX_CHUNK_SIZE:
            return messages, True
        if end >= len(data):
            break
        if not size or data[end : end + 1] != b"\n" or size + len(message) > decoding.LIMITS[-1]:
            return messages, True
        message += data[end + 1 : end + 1 + size]
        at = end + 1 + size
    return messages, False


def _decoder(limit: int) -> Decoder:
    return ChunkedDecoder(limit)
