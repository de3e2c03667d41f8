"""What is mended of what a server sends, where the dialect says so."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ncwire._protocol.client import Inlet, Protocol
from ncwire.errors import ForbiddenXMLError, HelloMalformedError, MessageError

if TYPE_CHECKING:
    from ncwire._protocol.client import Divert, MessageReceived, Root
    from ncwire._protocol.framing import Document
    from ncwire._protocol.messages import Hello

# XML 1.0 section 2.2: of these only tab, line feed and carriage return are characters.
_FORBIDDEN = bytes(set(range(32)) - set(b"\t\n\r"))
# A tag's name and more, which is no attribute: so it can be in no well-formed document.
_SPLIT_TAG = re.compile(rb"(</?[A-Za-z_][\w.:-]*)\s+([\w.:-]+\s*/?>)")


class LenientProtocol(Protocol):
    """A `Protocol` that mends what it has received, as its dialect says.

    The framing is taken as it came: in a chunk every character counts. A large message that is
    to be cleaned is held in one piece.
    """

    def take_whole(self, data: bytes) -> tuple[Root, str | Document] | None:  # noqa: ARG002 - as its base
        """See `Protocol.take_whole`: what may have to be mended is never taken in so."""
        return None

    def _hello(self, document: bytes) -> Hello:
        dialect = self._dialect
        if dialect.drop_control_characters:
            document = _cleaned(document)
        if dialect.mend_split_tags:
            document = _SPLIT_TAG.sub(rb"\1\2", document)
        try:
            return super()._hello(document)
        except HelloMalformedError:
            mended = self._mended(document)
            if mended is None:
                raise
        return super()._hello(mended)

    def _message(self, document: bytes | Document) -> MessageReceived:
        if self._dialect.drop_control_characters:
            document = _cleaned(document if isinstance(document, bytes) else document.join())
        try:
            return super()._message(document)
        except ForbiddenXMLError:
            raise
        except MessageError:
            mended = self._mended(document)
            if mended is None:
                raise
        return super()._message(mended)

    def divert(self, divert: Divert) -> None:
        """Ask where messages go; see `Protocol.divert`. What is handed over is cleaned too."""

        def cleaning(root: Root) -> Inlet | None:
            inlet = divert(root)
            return None if inlet is None else _CleaningInlet(inlet)

        super().divert(cleaning if self._dialect.drop_control_characters else divert)

    def _mended(self, document: bytes | Document) -> bytes | None:
        if self._dialect.mend is None:
            return None
        try:
            text = document.decode() if isinstance(document, bytes) else document.text()
        except UnicodeDecodeError:
            return None
        mended = self._dialect.mend(text)
        return None if mended is None else mended.encode()


class _CleaningInlet(Inlet):
    def __init__(self, inlet: Inlet) -> None:
        self._inlet = inlet

    @property
    def full(self) -> bool:
        return self._inlet.full

    def put(self, pieces: list[bytes]) -> None:
        self._inlet.put([part for piece in pieces if (part := _cleaned(piece))])

    def finish(self) -> None:
        self._inlet.finish()


def _cleaned(document: bytes) -> bytes:
    return document.translate(None, _FORBIDDEN)
