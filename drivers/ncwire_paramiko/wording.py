"""What a server says in words, made UTF-8 before paramiko reads it."""

from __future__ import annotations

from typing import NamedTuple

import paramiko
from paramiko.common import (
    MSG_CHANNEL_OPEN_FAILURE,
    MSG_DISCONNECT,
    MSG_USERAUTH_INFO_REQUEST,
)


class _Place(NamedTuple):
    """Where a message has words: so many texts, after so many bytes."""

    after: int
    texts: int


_PLACES = {
    MSG_DISCONNECT: _Place(4, 1),  # RFC 4253 section 11.1: the description
    MSG_CHANNEL_OPEN_FAILURE: _Place(8, 1),  # RFC 4254 section 5.1: the description
    # RFC 4256 section 3.2: name and instruction. A prompt that is no text is not to be answered.
    MSG_USERAUTH_INFO_REQUEST: _Place(0, 2),
}


def readable(kind: int, message: paramiko.Message) -> paramiko.Message:
    """Return the message with U+FFFD for what is not UTF-8 in its words.

    They are for people only, and paramiko ends the connection over them (5.1, message.py,
    `get_text`), so that nothing of them would be told.
    """
    place = _PLACES.get(kind)
    if place is None:
        return message
    mended = paramiko.Message()
    mended.add_bytes(message.get_bytes(place.after))
    for _ in range(place.texts):
        mended.add_string(message.get_string().decode("utf-8", "replace"))
    mended.add_bytes(message.get_remainder())
    mended.rewind()
    mended.seqno = message.seqno
    return mended
