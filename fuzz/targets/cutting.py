"""Where an input is cut into reads: the same for the same input, so that a finding repeats."""

from __future__ import annotations

import random
import zlib
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_MOST_CUTS = 8


def at_random(data: bytes) -> list[bytes]:
    """Return the input in a few pieces, none of them empty."""
    chance = random.Random(zlib.crc32(data))
    count = chance.randint(0, min(_MOST_CUTS, len(data)))
    return at(data, [chance.randint(0, len(data)) for _ in range(count)])


def byte_by_byte(data: bytes) -> list[bytes]:
    """Return the input in pieces of one byte."""
    return [data[index : index + 1] for index in range(len(data))]


def at(data: bytes, marks: Iterable[int]) -> list[bytes]:
    """Return the input cut at these places."""
    places = sorted({0, len(data), *marks})
    return [data[start:end] for start, end in pairwise(places)]
