"""Framing a message that is given in pieces, and is not known as a whole by anybody."""

from __future__ import annotations

from abc import ABC, abstractmethod
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


class Framer(ABC):
    """Frames one message as its pieces are put in, for whichever side waits for the next one.

    Raises `OptionError` for what is no bytes, and `UnsendableMessageError` for what the framing
    cannot carry, a message without a byte too. What was yielded until then is good.
    """

    def __init__(self) -> None:
        self._small: list[bytes] = []
        self._size = 0
        self._any = False

    def put(self, piece: Piece) -> Iterator[bytes | memoryview]:
        """Yield the buffers for which the pieces suffice with this one."""
        piece = as_bytes(piece)
        if self._size + len(piece) > PIECE_SIZE and self._small:
            yield from self._joined()
        if len(piece) >= PIECE_SIZE:
            self._any = True
            yield from self._framed(piece)
        elif piece:
            self._small.append(piece)
            self._size += len(piece)

    def end(self) -> Iterator[bytes | memoryview]:
        """Yield the last buffers: there is no more to come."""
        if self._small:
            yield from self._joined()
        elif not self._any:
            raise UnsendableMessageError("the message is empty")
        yield self._marker()

    def _joined(self) -> Iterator[bytes | memoryview]:
        piece = b"".join(self._small)
        self._any, self._small, self._size = True, [], 0
        yield from self._framed(piece)

    @abstractmethod
    def _framed(self, piece: bytes) -> Iterator[bytes | memoryview]:
        """Yield the buffers that carry a piece, which is not empty."""

    @abstractmethod
    def _marker(self) -> bytes:
        """Return the end of the message."""


class EndOfMessageFramer(Framer):
    """Frames a message for NETCONF 1.0. Source: RFC 6242 section 4.3.

    An end marker in the message is an `UnsendableMessageError`, also one that begins in one piece
    and ends in another.
    """

    _tail = b""

    def _framed(self, piece: bytes) -> Iterator[bytes | memoryview]:
        if END_OF_MESSAGE in piece or END_OF_MESSAGE in self._tail + piece[:_OVERLAP]:
            raise _marker_found()
        self._tail = (self._tail + piece[-_OVERLAP:])[-_OVERLAP:]
        return _slices(memoryview(piece))

    def _marker(self) -> bytes:
        # The end of a message and the beginning of the marker can be one too: "]]>" + "]]>]]>".
        if END_OF_MESSAGE in (self._tail + END_OF_MESSAGE)[:-1]:
            raise _marker_found()
        return END_OF_MESSAGE


class ChunkedFramer(Framer):
    """Frames a message for NETCONF 1.1. Source: RFC 6242 section 4.2."""

    def _framed(self, piece: bytes) -> Iterator[bytes | memoryview]:
        if len(piece) <= PIECE_SIZE:
            yield b"\n#%d\n%b" % (len(piece), piece)
            return
        view = memoryview(piece)
        for start in range(0, len(view), MAX_CHUNK_SIZE):
            chunk = view[start : start + MAX_CHUNK_SIZE]
            yield b"\n#%d\n" % len(chunk)
            yield from _slices(chunk)

    def _marker(self) -> bytes:
        return END_OF_CHUNKS


def end_of_message_pieces(pieces: Iterable[Piece]) -> Iterator[bytes | memoryview]:
    """Yield each buffer of a message for NETCONF 1.0: see `EndOfMessageFramer`."""
    return _all_of(pieces, EndOfMessageFramer())


def chunked_pieces(pieces: Iterable[Piece]) -> Iterator[bytes | memoryview]:
    """Yield each buffer of a message for NETCONF 1.1: see `ChunkedFramer`."""
    return _all_of(pieces, ChunkedFramer())


def _all_of(pieces: Iterable[Piece], framer: Framer) -> Iterator[bytes | memoryview]:
    for piece in pieces:
        yield from framer.put(piece)
    yield from framer.end()


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
