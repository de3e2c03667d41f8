"""A large message, kept as it came."""

from __future__ import annotations

import codecs

SMALL = 64 * 1024
"""Messages below this many bytes are kept in one piece."""

_PIECE = 16 * 1024


class Document:
    """A message in the pieces in which it came: joined and decoded when it is asked for.

    To take new memory for a hundred megabytes costs as much as to receive them, so neither is
    done in advance. Whether it is UTF-8 is checked piece by piece, while each is at hand.
    """

    __slots__ = ("_decoder", "_few", "_few_size", "_pieces", "_text", "is_utf8", "size")

    def __init__(self) -> None:
        self.size = 0
        self.is_utf8 = True
        """Whether what has come is: complete characters, and perhaps the beginning of one."""
        self._pieces: list[bytes] = []
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

    def end(self) -> bytes | Document:
        """Take it for complete; return it in the form that is cheaper for its size."""
        if self._decoder is not None:
            self._check(b"", final=True)
        if self.size < SMALL:
            return self.join()
        self._gather()
        return self

    def join(self) -> bytes:
        """Return all that has come, in one piece."""
        return b"".join((*self._pieces, *self._few))

    def head(self, size: int) -> str:
        """Return its beginning as text, of `size` bytes or a little less."""
        first = b""
        for piece in (*self._pieces, *self._few):
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
            joined = b"".join(pieces)
            self._pieces = [joined]  # so that there are never more than two copies
            del pieces
            text = self._text = joined.decode()
            self._pieces = []
        return text

    def _check(self, piece: bytes, *, final: bool = False) -> None:
        if not self.is_utf8:
            return
        decoder = self._decoder or codecs.getincrementaldecoder("utf-8")()
        try:
            decoder.decode(piece, final)
        except UnicodeDecodeError:
            self.is_utf8 = False
        else:
            # One that is between two characters is not needed for ASCII.
            self._decoder = decoder if decoder.getstate()[0] else None

    def _gather(self) -> None:
        if self._few:
            self._pieces.append(b"".join(self._few))
            self._few = []
            self._few_size = 0


def text_of(content: str | Document) -> str:
    """Return a message as text, in whichever form it is."""
    return content if isinstance(content, str) else content.text()
