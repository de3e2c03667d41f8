"""What is framed is decoded to the same bytes, in both framings, whole and in pieces."""

from __future__ import annotations

import zlib
from functools import partial
from typing import TYPE_CHECKING

from ncwire._protocol.framing import (
    END_OF_MESSAGE,
    ChunkedDecoder,
    EndOfMessageDecoder,
    chunked_pieces,
    end_of_message_pieces,
    frame_chunked,
    frame_end_of_message,
)
from ncwire.errors import UnsendableMessageError
from targets import cutting
from targets.decoding import decoded
from targets.property import agree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ncwire._protocol.framing import Decoder

    Frame = Callable[[], Iterable[bytes | memoryview]]

TOKENS = (
    b"]]>]]>", b"]]>", b"]]", b"]", b"\n##\n", b"\n#1\n", b"<a/>", b"\0", b"\xff",
    b"\xef\xbb\xbf",
)  # fmt: skip
LONGEST = 2048
_LIMIT = 1 << 20


def one(data: bytes) -> None:
    """Frame a message, and take it apart again."""
    some = zlib.crc32(data) % (len(data) + 1) + 1
    for size in (1, 3, some, len(data) + 1):
        _check(data, partial(frame_chunked, data, size), ChunkedDecoder, refused=not data)
    pieces = cutting.at_random(data)
    _check(data, partial(chunked_pieces, pieces), ChunkedDecoder, refused=not data)
    # The decoder takes nothing for a message that does not begin as one.
    message = b"<" + data
    pieces = cutting.at_random(message)
    # A marker may also begin in the message and end in the one that follows it.
    refused = END_OF_MESSAGE in (message + END_OF_MESSAGE)[:-1]
    for frame in (
        partial(frame_end_of_message, message),
        partial(end_of_message_pieces, pieces),
    ):
        _check(message, frame, EndOfMessageDecoder, refused=refused)


def _check(
    message: bytes, frame: Frame, decoder: Callable[[int], Decoder], *, refused: bool
) -> None:
    try:
        framed = b"".join(frame())
    except UnsendableMessageError:
        agree("only what the framing cannot carry is refused", refused, True)
        return
    agree("what the framing cannot carry is refused", refused, False)
    found = decoded(decoder(_LIMIT), cutting.at_random(framed))
    agree("framing carries the message, and nothing else", ([message], b""), found[::2])
