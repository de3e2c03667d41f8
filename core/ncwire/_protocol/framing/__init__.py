"""RFC 6242 framing in both directions: bytes in, bytes out, no I/O and no XML.

A decoder is fed whatever a read brought, and gives each message as soon as it is whole. Its
cost is linear in what it is fed, whatever the sizes of the reads; what it keeps is bounded by
its limit and by what it was fed since it was last asked for a message.
"""

from __future__ import annotations

from ncwire._protocol.framing.chunked import END_OF_CHUNKS, MAX_CHUNK_SIZE, ChunkedDecoder
from ncwire._protocol.framing.decoder import Decoder
from ncwire._protocol.framing.document import Document, Wrong, text_of
from ncwire._protocol.framing.encoders import encoded, frame_chunked, frame_end_of_message
from ncwire._protocol.framing.end_of_message import END_OF_MESSAGE, EndOfMessageDecoder
from ncwire._protocol.framing.limits import Limits
from ncwire._protocol.framing.pieces import (
    ChunkedFramer,
    EndOfMessageFramer,
    Framer,
    as_bytes,
    chunked_pieces,
    end_of_message_pieces,
)

__all__ = [
    "END_OF_CHUNKS",
    "END_OF_MESSAGE",
    "MAX_CHUNK_SIZE",
    "ChunkedDecoder",
    "ChunkedFramer",
    "Decoder",
    "Document",
    "EndOfMessageDecoder",
    "EndOfMessageFramer",
    "Framer",
    "Limits",
    "Wrong",
    "as_bytes",
    "chunked_pieces",
    "encoded",
    "end_of_message_pieces",
    "frame_chunked",
    "frame_end_of_message",
    "text_of",
]
