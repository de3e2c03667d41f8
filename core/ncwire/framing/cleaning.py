"""Messages without the characters that XML forbids, for devices that send such."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncwire.framing.decoder import Decoder

if TYPE_CHECKING:
    from ncwire.framing.document import Document

# XML 1.0 section 2.2: of these only tab, line feed and carriage return are characters.
_FORBIDDEN = bytes(set(range(32)) - set(b"\t\n\r"))


class CleaningDecoder(Decoder):
    """Decodes as another does, and drops control characters from each message.

    The framing is taken as it came: in a chunk they count. A large message is held in one piece.
    """

    def __init__(self, decoder: Decoder) -> None:
        super().__init__(decoder.max_message, decoder.offset)
        self._decoder = decoder

    def receive(self, data: bytes | bytearray | memoryview) -> None:
        """Take in bytes; see `Decoder.receive`."""
        self._decoder.receive(data)

    def take_whole(self, data: bytes) -> bytes | None:
        """Take in a read that is one whole message; see `Decoder.take_whole`."""
        document = self._decoder.take_whole(data)
        return None if document is None else cleaned(document)

    def next_document(self) -> bytes | Document | None:
        """Return the next message; see `Decoder.next_document`."""
        document = self._decoder.next_message()
        return None if document is None else cleaned(document)

    def pending(self) -> bytes:
        """Return what has arrived of an unfinished message; see `Decoder.pending`."""
        return self._decoder.pending()


def cleaned(document: bytes) -> bytes:
    """Return a document in UTF-8 without control characters."""
    return document.translate(None, _FORBIDDEN)
