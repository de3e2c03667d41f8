"""Errors in what describes devices: profiles, the inventory, its secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncwire.errors.base import NcwireError, OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence


class ProfileError(OptionError):
    """A device profile is not as it must be, or there is none of that name.

    `file` is where it stands, `profile` its name, `key` the option with dots for tables ("" where
    it is about the whole). Nothing was sent.
    """

    def __init__(self, file: str, profile: str, key: str, problem: str) -> None:
        super().__init__("profile", problem)
        self.file = file
        self.profile = profile
        self.key = key

    def _text(self) -> str:
        named = f"profile {self.profile!r}" if self.profile else "profile"
        place = f"{named} in {self.file}" if self.file else named
        return ": ".join(filter(None, (place, self.key, self.problem)))


class ProfileNotFoundError(ProfileError):
    """There is no profile of that name."""


class InventoryError(NcwireError, ValueError):
    """The inventory cannot be used; `path` is its file.

    `problems` are all that were found, each with its place in the file: line where that is
    known, and key.
    """

    def __init__(self, path: str, problems: Sequence[str]) -> None:
        super().__init__(path, problems)
        self.path = path
        self.problems = tuple(problems)

    def _text(self) -> str:
        if len(self.problems) == 1:
            return f"inventory {self.path}: {self.problems[0]}"
        listed = "\n".join(f"  {problem}" for problem in self.problems)
        return f"inventory {self.path}: {len(self.problems)} errors\n{listed}"


class SecretError(NcwireError):
    """A secret could not be had from where the inventory says it is; the text never has it."""

    def __init__(self, source: str, problem: str) -> None:
        super().__init__(f"{source}: {problem}")
        self.source = source
        self.problem = problem


class TraceError(NcwireError):
    """A file is no trace of `ncwire.observe`'s, or not one that can be read here, or played."""
