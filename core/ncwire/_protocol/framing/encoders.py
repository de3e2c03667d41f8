"""Framing what is to be sent."""

from __future__ import annotations

from ncwire._protocol.framing.chunked import END_OF_CHUNKS, MAX_CHUNK_SIZE
from ncwire._protocol.framing.end_of_message import END_OF_MESSAGE
from ncwire.errors import OptionError, UnsendableMessageError

_JOIN_BELOW = 64 * 1024


def encoded(message: str) -> bytes:
    """Return a message in UTF-8; raise `UnsendableMessageError` if that cannot express it."""
    try:
        return message.encode()
    except UnicodeEncodeError as error:
        raise UnsendableMessageError(
            f"the message cannot be written in UTF-8: {error.reason} at character {error.start}"
        ) from None


def frame_end_of_message(payload: bytes) -> tuple[bytes | memoryview, ...]:
    """Frame a message for NETCONF 1.0: the buffers to be sent, in order, and nothing after.

    A small message is one buffer, so that its end marker goes out in the same packet; a large
    one is not copied. Raises `UnsendableMessageError` for an empty message, and for one that
    contains the end marker. Source: RFC 6242 section 4.3.
    """
    _check_not_empty(payload)
    if _marker_in(payload):
        raise UnsendableMessageError(
            f"the message contains {END_OF_MESSAGE.decode()}, which would end it under NETCONF "
            "1.0's framing; write one of its '>' as '&gt;'"
        )
    return _joined_if_small((payload, END_OF_MESSAGE))


def frame_chunked(
    payload: bytes | memoryview, chunk_size: int = MAX_CHUNK_SIZE
) -> tuple[bytes | memoryview, ...]:
    """Frame a message for NETCONF 1.1: the buffers to be sent, in order, and nothing after.

    Chunks are of `chunk_size` bytes, the last of what is left; by default a message of up to
    4294967295 bytes is one chunk. A small message is one buffer; a large one is not copied.
    Raises `UnsendableMessageError` for an empty message, which the grammar has no form for,
    and `OptionError` for a chunk size that it does not allow. Source: RFC 6242 section 4.2.
    """
    size = len(payload)
    if 0 < size <= chunk_size <= MAX_CHUNK_SIZE and size < _JOIN_BELOW:
        return (b"".join((b"\n#%d\n" % size, payload, END_OF_CHUNKS)),)
    _check_not_empty(payload)
    if not 1 <= chunk_size <= MAX_CHUNK_SIZE:
        raise OptionError("chunk_size", f"not from 1 to {MAX_CHUNK_SIZE}")
    view = memoryview(payload)
    buffers: list[bytes | memoryview] = []
    for start in range(0, len(view), chunk_size):
        chunk = view[start : start + chunk_size]
        buffers += (b"\n#%d\n" % len(chunk), chunk)
    buffers.append(END_OF_CHUNKS)
    return _joined_if_small(tuple(buffers))


def _check_not_empty(payload: bytes | memoryview) -> None:
    if not payload:
        raise UnsendableMessageError("the message is empty")


def _marker_in(payload: bytes) -> bool:
    # The end of a payload and the beginning of the marker can be one too, as in "]]>" + "]]>]]>".
    seam = payload[-len(END_OF_MESSAGE) + 1 :] + END_OF_MESSAGE
    return END_OF_MESSAGE in payload or END_OF_MESSAGE in seam[:-1]


def _joined_if_small(
    buffers: tuple[bytes | memoryview, ...],
) -> tuple[bytes | memoryview, ...]:
    if sum(map(len, buffers)) < _JOIN_BELOW:
        return (b"".join(buffers),)
    return buffers
