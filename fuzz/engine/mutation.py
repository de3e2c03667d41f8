"""Inputs that are nearly those there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

_MOST_CHANGES = 6
_LONGEST_PART = 64


class Mutator:
    """Changes inputs at random, with the words of a target; the same for the same chance."""

    def __init__(self, chance: random.Random, tokens: Sequence[bytes], longest: int) -> None:
        self._chance = chance
        self._tokens = tokens
        self._longest = longest
        self._changes = (
            self._flip, self._drop, self._repeat, self._insert_byte, self._insert_token,
            self._insert_token, self._replace_by_token, self._splice,
        )  # fmt: skip

    def mutated(self, inputs: Sequence[bytes]) -> bytes:
        """Return one of the inputs, changed in a few places."""
        data = self._chance.choice(inputs)
        for _ in range(self._chance.randint(1, _MOST_CHANGES)):
            data = self._chance.choice(self._changes)(data, inputs)
        return data[: self._longest]

    def _flip(self, data: bytes, _inputs: Sequence[bytes]) -> bytes:
        at = self._place(data)
        changed = bytes([byte ^ 1 << self._chance.randrange(8) for byte in data[at : at + 1]])
        return data[:at] + changed + data[at + 1 :]

    def _drop(self, data: bytes, _inputs: Sequence[bytes]) -> bytes:
        start, end = self._part(data)
        return data[:start] + data[end:]

    def _repeat(self, data: bytes, _inputs: Sequence[bytes]) -> bytes:
        start, end = self._part(data)
        return data[:end] + data[start:end] + data[end:]

    def _insert_byte(self, data: bytes, _inputs: Sequence[bytes]) -> bytes:
        at = self._place(data)
        return data[:at] + self._chance.randbytes(1) + data[at:]

    def _insert_token(self, data: bytes, _inputs: Sequence[bytes]) -> bytes:
        at = self._place(data)
        return data[:at] + self._chance.choice(self._tokens) + data[at:]

    def _replace_by_token(self, data: bytes, _inputs: Sequence[bytes]) -> bytes:
        start, end = self._part(data)
        return data[:start] + self._chance.choice(self._tokens) + data[end:]

    def _splice(self, data: bytes, inputs: Sequence[bytes]) -> bytes:
        other = self._chance.choice(inputs)
        return data[: self._place(data)] + other[self._place(other) :]

    def _place(self, data: bytes) -> int:
        return self._chance.randint(0, len(data))

    def _part(self, data: bytes) -> tuple[int, int]:
        start = self._place(data)
        return start, min(len(data), start + self._chance.randint(1, _LONGEST_PART))
