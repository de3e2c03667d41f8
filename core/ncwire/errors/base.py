"""The root of all errors, and the one for a parameter."""

from __future__ import annotations

from typing import Self


class NcwireError(Exception):
    """The root: `except NcwireError` catches whatever ncwire raises.

    `jump_host` is the jump host at which it happened ("bastion:22"), with which the text begins;
    None where it was no jump host.
    """

    jump_host: str | None = None

    def __str__(self) -> str:
        return f"jump host {self.jump_host}: {self._text()}" if self.jump_host else self._text()

    def at_jump_host(self, name: str) -> Self:
        """Return this same error, which is said to have happened at that jump host."""
        self.jump_host = self.jump_host or name
        return self

    def _text(self) -> str:
        return super().__str__()


class OptionError(NcwireError, ValueError):
    """A parameter's value is not of the documented form; nothing was sent."""

    def __init__(self, option: str, problem: str) -> None:
        super().__init__(f"{option}: {problem}")
        self.option = option
        self.problem = problem
