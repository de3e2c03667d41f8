"""Framing a message that is given in pieces, and is not known as a whole by anybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncwire._protocol.framing.chunked import END_OF_CHUNKS, MAX_CHUNK_SIZE
from ncwire._protocol.framing.end_of_message import END_OF_MESSAGE
from ncwire.errors import OptionError, UnsendableMessageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    Piece = bytes | bytearray | memoryview

PIECE_SIZE = 64 * 1024
"""Smaller pieces are joined to about this size."""

_SLICE = 4 * PIECE_SIZE
_OVERLAP = len(END_OF_MESSAGE) - 1


def end_of_message_pieces(pieces: Iterable[Piece]) -> Iterator[bytes | memoryview]:
    """Frame a message for NETCONF 1.0: yields each buffer as soon as the pieces suffice for it.

    Raises `UnsendableMessageError` at an end marker in the message, also one that begins in one
    piece and ends in another, and for a message without a byte; `OptionError` for what is not
    bytes. What was yielded until then is good. Source: RFC 6242 section 4.3.
    """
    tail = b""
    for piece in _joined(pieces):
        if END_OF_MESSAGE in piece or END_OF_MESSAGE in tail + piece[:_OVERLAP]:
            raise _marker_found()
        tail = (tail + piece[-_OVERLAP:])[-_OVERLAP:]
        yield from _slices(memoryview(piece))
    # The end of a message and the beginning of the marker can be one too: "]]>" + "]]>]]>".
    if END_OF_MESSAGE in (tail + END_OF_MESSAGE)[:-1]:
        raise _marker_found()
    yield END_OF_MESSAGE


def chunked_pieces(pieces: Iterable[Piece]) -> Iterator[bytes | memoryview]:
    """Frame a message for NETCONF 1.1: yields each buffer as soon as the pieces suffice for it.

    Raises `UnsendableMessageError` for a message without a byte, and `OptionError` for what is
    not bytes. What was yielded until then is good. Source: RFC 6242 section 4.2.
    """
    for piece in _joined(pieces):
        if len(piece) <= PIECE_SIZE:
            yield b"\n#%d\n%b" % (len(piece), piece)
            continue
        view = memoryview(piece)
        for start in range(0, len(view), MAX_CHUNK_SIZE):
            chunk = view[start : start + MAX_CHUNK_SIZE]
            yield b"\n#%d\n" % len(chunk)
            yield from _slices(chunk)
    yield END_OF_CHUNKS


def _joined(pieces: Iterable[Piece]) -> Iterator[bytes]:
    small: list[bytes] = []
    size = 0
    sent = False
    for each in pieces:
        piece = as_bytes(each)
        if size + len(piece) > PIECE_SIZE and small:
            yield b"".join(small)
            sent, small, size = True, [], 0
        if len(piece) >= PIECE_SIZE:
            yield piece
            sent = True
        elif piece:
            small.append(piece)
            size += len(piece)
    if small:
        yield b"".join(small)
    elif not sent:
        raise UnsendableMessageError("the message is empty")


def as_bytes(piece: Piece) -> bytes:
    """Return a piece as bytes, which cannot change; raise `OptionError` for what is no bytes."""
    if isinstance(piece, bytes):
        return piece
    if isinstance(piece, bytearray | memoryview):
        return bytes(piece)
    raise OptionError("operation", f"comes in pieces of {type(piece).__name__}, not of bytes")


def _slices(view: memoryview) -> Iterator[memoryview]:
    return (view[start : start + _SLICE] for start in range(0, len(view), _SLICE))


def _marker_found() -> UnsendableMessageError:
    return UnsendableMessageError(
        f"the message contains {END_OF_MESSAGE.decode()}, which would end it under NETCONF "
        "1.0's framing; write one of its '>' as '&gt;'"
    )
