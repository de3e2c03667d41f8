"""A large message, kept as it came."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SMALL = 64 * 1024
"""Messages below this many bytes are kept in one piece."""

_PIECE = 16 * 1024
_PART = 1024
"""Smaller parts of a read, on average, are copied: to refer to one takes 72 bytes."""


_Parts = tuple[bytes, tuple[int, ...]]
"""A read, and where the parts of it begin and end that count."""


class Wrong(NamedTuple):
    """Where a message is not UTF-8, its first byte being number 0, and why.

    What stands there is not told: it may be a secret that the device keeps in another encoding.
    """

    offset: int
    reason: str

    def __str__(self) -> str:
        return f"not UTF-8 at its byte {self.offset} ({self.reason})"


class Document:
    """A message in the pieces in which it came: joined and decoded when it is asked for.

    To take new memory for a hundred megabytes costs as much as to receive them, so neither is
    done in advance. Whether it is UTF-8 is checked piece by piece, as each comes.
    """

    __slots__ = ("_decoder", "_few", "_few_size", "_pieces", "_taken", "_text", "size", "wrong")

    def __init__(self) -> None:
        self.size = 0
        """How much has come of it, in bytes."""
        self.wrong: Wrong | None = None
        """Where it is not UTF-8, if it is not: it has no text then. What may be the beginning of
        a character is no such place."""
        self._pieces: list[bytes | _Parts] = []
        self._taken = False
        self._few: list[bytes] = []  # too small to be kept: each takes more than its bytes
        self._few_size = 0
        self._decoder: codecs.IncrementalDecoder | None = None
        self._text: str | None = None

    @classmethod
    def of(cls, data: bytes) -> Self:
        """Return a message that is complete, whatever its size."""
        document = cls()
        document.add(data)
        document.end()
        return document

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

    def add_parts(self, read: bytes, bounds: Sequence[int], size: int) -> None:
        """Take in what has come next: parts of a read, which are not copied.

        Each has two of the `bounds`; together they are `size` bytes.
        """
        if (
            size < _PIECE
            or 2 * size < _PART * len(bounds)
            or 2 * size < len(read)  # All of it would be kept for their sake.
            or self._decoder is not None
            or not read.isascii()
        ):
            self.add(b"".join(_views(read, bounds)))
            return
        self.size += size
        self._gather()
        # Of numbers alone, so that the garbage collector need not look at each.
        self._pieces.append((read, tuple(bounds)))

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
        pieces = [
            each if isinstance(each, bytes) else b"".join(_views(*each)) for each in self._pieces
        ]
        pieces += self._few
        self._taken = True
        self._pieces, self._few, self._few_size = [], [], 0
        return pieces

    def join(self) -> bytes:
        """Return what is there, in one piece."""
        return b"".join((*_flat(self._pieces), *self._few))

    def head(self, size: int) -> str:
        """Return its beginning as text, of `size` bytes or a little less."""
        first = b""
        for piece in (*_flat(self._pieces), *self._few):
            first += piece[: size - len(first)]
            if len(first) == size:
                break
        # What may be cut in two at the end is left out.
        return codecs.getincrementaldecoder("utf-8")("replace").decode(first)

    def text(self) -> str:
        """Return it decoded: once, and it is kept in that form alone from then on.

        To be called when it is complete, and not `wrong`; from any thread.
        """
        # In this order: a thread that finds no pieces finds the text.
        pieces = self._pieces
        text = self._text
        if text is None:
            joined = b"".join(_flat(pieces))
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
            self.wrong = Wrong(start + error.start, error.reason)
            self._decoder = None
        else:
            # One that is between two characters is not needed for ASCII.
            self._decoder = decoder if decoder.getstate()[0] else None

    def _gather(self) -> None:
        if self._few:
            self._pieces.append(b"".join(self._few))
            self._few = []
            self._few_size = 0


def _views(read: bytes, bounds: Sequence[int]) -> Iterator[memoryview]:
    view = memoryview(read)
    return (view[start:stop] for start, stop in zip(bounds[::2], bounds[1::2], strict=True))


def _flat(pieces: list[bytes | _Parts]) -> Iterator[bytes | memoryview]:
    for each in pieces:
        if isinstance(each, bytes):
            yield each
        else:
            yield from _views(*each)


def text_of(content: str | Document) -> str:
    """Return a message as text, in whichever form it is."""
    return content if isinstance(content, str) else content.text()
