"""Where in a server's first, unencrypted bytes something ends: sans-IO, for the fault proxy."""

from __future__ import annotations

_LENGTH = 4
_TYPE_AT = 5
IDENTIFICATION = 0
"""Stands for the identification string, which is no message and has no number."""
NEWKEYS = 21
"""What a server sends after it is encrypted (RFC 4253 section 7.3)."""
LAST = 49
"""The last number of the transport's, key exchange included (RFC 4250 section 4.1.1)."""


class Bytes:
    """A place after so many bytes."""

    def __init__(self, size: int) -> None:
        self._left = size

    @property
    def reached(self) -> bool:
        """Whether the bytes that were counted are all there are before the place."""
        return self._left <= 0

    def admits(self, data: bytes) -> int:
        """Return how many of the next bytes come before the place."""
        return min(self._left, len(data))

    def count(self, data: bytes) -> None:
        """Take note of bytes that have passed."""
        self._left -= len(data)


class Messages:
    """The place after the first SSH message of a number (RFC 4253 sections 4.2 and 6)."""

    def __init__(self, number: int) -> None:
        if not IDENTIFICATION <= number <= LAST:
            raise ValueError(f"message {number} is none of the SSH transport's, 1 to {LAST}")
        self._number = number
        self._head = b""
        """What has passed of the line or message that is under way."""
        self._identified = False
        self._encrypted = False
        self.reached = False

    @property
    def between(self) -> bool:
        """Whether nothing is under way: a line or message has ended, or all is encrypted."""
        return not self._head

    def admits(self, data: bytes) -> int:
        """Return how many of the next bytes belong to what is under way."""
        if self._encrypted:
            return len(data)
        head = self._head + data
        end = self._end(head)
        return len(data) if end is None else min(end - len(self._head), len(data))

    def count(self, data: bytes) -> None:
        """Take note of bytes that have passed, of one line or message as `admits` tells."""
        if self._encrypted:
            return
        self._head += data
        if self._end(self._head) != len(self._head):
            return
        passed, self._head = self._head, b""
        if self._identified:
            self.reached = passed[_TYPE_AT] == self._number
            self._encrypted = passed[_TYPE_AT] == NEWKEYS
        elif passed.startswith(b"SSH-"):
            self._identified = True
            self.reached = self._number == IDENTIFICATION

    def _end(self, head: bytes) -> int | None:
        """Return where the line or message that `head` begins with ends; None: not known yet."""
        if not self._identified:
            return head.find(b"\n") + 1 or None
        if len(head) < _LENGTH:
            return None
        return _LENGTH + int.from_bytes(head[:_LENGTH], "big")
