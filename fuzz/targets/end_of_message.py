"""End-of-message framing, received: against its description, and in reads of every size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncwire._protocol.framing import END_OF_MESSAGE, EndOfMessageDecoder
from targets import decoding

if TYPE_CHECKING:
    from ncwire._protocol.framing import Decoder

TOKENS = (
    b"]]>]]>", b"]]>", b"]]", b"]", b">", b"<a/>]]>]]>", b"<a>", b"\xef\xbb\xbf", b"\xef",
    b"\xbb", b"\0", b" ", b"\r\n", b"\n##\n", b"login: ", b"]]>]]>]]>", b"<![CDATA[]]>",
)  # fmt: skip
LONGEST = 512
_PADDING = b" \t\r\n\0"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def one(data: bytes) -> None:
    """Decode a stream with end markers."""
    decoding.check(_decoder, description, data)


def description(data: bytes) -> tuple[list[bytes], bool]:
    """Return what RFC 6242 section 4.3 and the decoder's documentation say of a stream."""
    messages: list[bytes] = []
    while data := data.lstrip(_PADDING):
        if not data.startswith((b"<", _BYTE_ORDER_MARK)):
            return messages, not _BYTE_ORDER_MARK.startswith(data)
        message, marker, data = data.partition(END_OF_MESSAGE)
        if not marker:
            break
        messages.append(message)
    return messages, False


def _decoder(limit: int) -> Decoder:
    return EndOfMessageDecoder(limit)
