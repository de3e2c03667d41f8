"""`Flag`: by which it is known, without a call of paramiko's, that a buffer has something."""

from __future__ import annotations


class Flag:
    """Whether a buffer of paramiko's has something, its end included.

    The buffer sets and clears it as its event (paramiko 5.1, buffered_pipe.py), its lock being
    held. With an fd in that place, as paramiko has it, the reader would be woken while the
    lock is still held, and while paramiko's thread still has the interpreter.
    """

    __slots__ = ("on",)

    def __init__(self) -> None:
        self.on = False

    def set(self) -> None:
        """There is something."""
        self.on = True

    def clear(self) -> None:
        """There is nothing."""
        self.on = False
