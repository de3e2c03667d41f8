"""A decoder under all ways in which one stream can come: for the targets of both framings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from ncwire.errors import NetconfFramingError
from targets import cutting
from targets.property import ViolatedError, agree

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ncwire._protocol.framing import Decoder

LIMITS = (16, 1 << 20)
"""Of a message: one that is soon exceeded, and one that no input reaches."""

# How much of what follows is shown depends on how much had come.
_EXCERPT = re.compile(r", got .*", re.DOTALL)


class Decoded(NamedTuple):
    """The messages of a stream, and what comes after them."""

    messages: list[bytes]
    error: str | None
    pending: bytes | None
    """What is left of an unfinished message; None after an error."""


def check(
    make: Callable[[int], Decoder],
    reference: Callable[[bytes], tuple[list[bytes], bool]],
    data: bytes,
) -> None:
    """Have the stream come in every way, and be decoded by the reference too.

    `make` returns a new decoder with a limit, `reference` the messages and whether what follows
    them breaks the framing.
    """
    for limit in LIMITS:
        at_once = decoded(make(limit), [data])
        for pieces in (cutting.byte_by_byte(data), cutting.at_random(data)):
            agree(
                "a stream means the same however it is cut", at_once, decoded(make(limit), pieces)
            )
        ends = _ends(make(limit), data)
        quick = _taken_whole(make(limit), cutting.at(data, ends))
        agree("what is taken whole is what is decoded", at_once, quick)
    messages, is_broken = reference(data)
    agree("the messages are those of the grammar", messages, at_once.messages)
    agree("what breaks the grammar, and nothing else, is an error", is_broken, bool(at_once.error))


def decoded(decoder: Decoder, pieces: Sequence[bytes]) -> Decoded:
    """Return what a decoder makes of these reads."""
    messages: list[bytes] = []
    try:
        for piece in pieces:
            decoder.receive(piece)
            while (message := decoder.next_message()) is not None:
                messages.append(message)
    except NetconfFramingError as error:
        return Decoded(messages, _text(decoder, error), None)
    return Decoded(messages, None, decoder.pending())


def _taken_whole(decoder: Decoder, pieces: Sequence[bytes]) -> Decoded:
    messages: list[bytes] = []
    try:
        for piece in pieces:
            if (message := decoder.take_whole(piece)) is not None:
                messages.append(message)
                continue
            decoder.receive(piece)
            while (message := decoder.next_message()) is not None:
                messages.append(message)
    except NetconfFramingError as error:
        return Decoded(messages, _text(decoder, error), None)
    return Decoded(messages, None, decoder.pending())


def _ends(decoder: Decoder, data: bytes) -> list[int]:
    """Return where messages end, for only a read that is a message is taken whole."""
    ends = []
    decoder.receive(data)
    try:
        while decoder.next_message() is not None:
            ends.append(decoder.offset)
    except NetconfFramingError:
        pass
    return ends


def _text(decoder: Decoder, error: NetconfFramingError) -> str:
    try:
        decoder.next_message()
    except NetconfFramingError as again:
        agree("an error is raised again and again", str(error), str(again))
    else:
        raise ViolatedError("a decoder goes on after an error")
    return _EXCERPT.sub("", str(error))
