"""A large message, kept as it came."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SMALL = 64 * 1024
"""Messages below this many bytes are kept in one piece."""

_PIECE = 16 * 1024
_PART = 2048
"""Smaller parts of a read, on average, are copied: to refer to one takes 200 bytes."""


class Document:
    """A message in the pieces in which it came: joined and decoded when it is asked for.

    To take new memory for a hundred megabytes costs as much as to receive them, so neither is
    done in advance. Whether it is UTF-8 is checked piece by piece, while each is at hand.
    """

    __slots__ = ("_decoder", "_few", "_few_size", "_pieces", "_taken", "_text", "size", "wrong")

    def __init__(self) -> None:
        self.size = 0
        """How much has come of it, in bytes."""
        self.wrong: str | None = None
        """Where it is not UTF-8, and why; what may be the beginning of a character is none."""
        self._pieces: list[bytes | list[memoryview]] = []
        self._taken = False
        self._few: list[bytes] = []  # too small to be kept: each takes more than its bytes
        self._few_size = 0
        self._decoder: codecs.IncrementalDecoder | None = None
        self._text: str | None = None

    def add(self, piece: bytes) -> None:
        """Take in what has come next."""
        self.size += len(piece)
        if self._decoder is not None or not piece.isascii():
            self._check(piece)
        if len(piece) < _PIECE:
            self._few.append(piece)
            self._few_size += len(piece)
            if self._few_size >= _PIECE:
                self._gather()
        else:
            self._gather()
            self._pieces.append(piece)

    def add_parts(self, parts: list[memoryview], size: int, read: bytes) -> None:
        """Take in what has come next: `size` bytes, in parts of a read, which are not copied."""
        if (
            size < _PART * len(parts)
            or 2 * size < len(read)  # All of it would be kept for their sake.
            or self._decoder is not None
            or not read.isascii()
        ):
            self.add(b"".join(parts))
            return
        self.size += size
        self._gather()
        self._pieces.append(parts)

    def end(self) -> bytes | Document:
        """Take it for complete; return it in the form that is cheaper for its size."""
        if self._decoder is not None:
            self._check(b"", final=True)
        if self.size < SMALL and not self._taken:
            return self.join()
        self._gather()
        return self

    def take(self) -> list[bytes]:
        """Give up what has come since the last call, in pieces; `size` goes on counting all."""
        pieces = [b"".join(each) if isinstance(each, list) else each for each in self._pieces]
        pieces += self._few
        self._taken = True
        self._pieces, self._few, self._few_size = [], [], 0
        return pieces

    def join(self) -> bytes:
        """Return what is there, in one piece."""
        return b"".join((*_parts(self._pieces), *self._few))

    def head(self, size: int) -> str:
        """Return its beginning as text, of `size` bytes or a little less."""
        first = b""
        for piece in (*_parts(self._pieces), *self._few):
            first += piece[: size - len(first)]
            if len(first) == size:
                break
        # What may be cut in two at the end is left out.
        return codecs.getincrementaldecoder("utf-8")("replace").decode(first)

    def text(self) -> str:
        """Return it decoded: once, and it is kept in that form alone from then on.

        To be called when it is complete; from any thread. Raises UnicodeDecodeError.
        """
        # In this order: whoever finds no pieces finds the text.
        pieces = self._pieces
        text = self._text
        if text is None:
            joined = b"".join(_parts(pieces))
            self._pieces = [joined]  # so that there are never more than two copies
            del pieces
            text = self._text = joined.decode()
            self._pieces = []
        return text

    def _check(self, piece: bytes, *, final: bool = False) -> None:
        if self.wrong is not None:
            return
        decoder = self._decoder or codecs.getincrementaldecoder("utf-8")()
        begun = decoder.getstate()[0]
        try:
            decoder.decode(piece, final)
        except UnicodeDecodeError as error:
            start = self.size - len(piece) - len(begun)
            self.wrong = described(begun + piece, start, error)
            self._decoder = None
        else:
            # One that is between two characters is not needed for ASCII.
            self._decoder = decoder if decoder.getstate()[0] else None

    def _gather(self) -> None:
        if self._few:
            self._pieces.append(b"".join(self._few))
            self._few = []
            self._few_size = 0


def _parts(pieces: list[bytes | list[memoryview]]) -> Iterator[bytes | memoryview]:
    for each in pieces:
        if isinstance(each, list):
            yield from each
        else:
            yield each


def described(data: bytes, offset: int, error: UnicodeDecodeError) -> str:
    """Return where and why data, which begins at an offset of a message, is not UTF-8."""
    around = data[max(0, error.start - 20) : error.start + 20]
    return f"not UTF-8 at its byte {offset + error.start} ({error.reason}): {around!r}"


def text_of(content: str | Document) -> str:
    """Return a message as text, in whichever form it is."""
    return content if isinstance(content, str) else content.text()
