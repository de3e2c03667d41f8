"""Lists of algorithms in a configuration, and what they make of ncwire's own."""

from __future__ import annotations

import dataclasses
import fnmatch
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from ncwire._algorithms.offer import MODERN
from ncwire.driver.algorithms import Algorithms
from ncwire.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "kexalgorithms": "kex",
        "hostkeyalgorithms": "host_keys",
        "ciphers": "ciphers",
        "macs": "macs",
    }
)
"""The field of `Algorithms` for each keyword."""

COMPRESSED: Final = ("zlib@openssh.com", "none")


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """What a configuration does to a list: the sign that it begins with, and the names.

    No sign replaces the list, "+" appends to it, "-" removes what matches the patterns, "^"
    puts names first.
    """

    sign: str
    names: tuple[str, ...]

    @classmethod
    def parse(cls, statement: str) -> Change:
        """Return what a statement as written says."""
        sign = statement[:1] if statement[:1] in ("+", "-", "^") else ""
        return cls(sign, names(statement.removeprefix(sign)))

    def apply(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return the changed list."""
        if self.sign == "+":
            return (*names, *(name for name in self.names if name not in names))
        if self.sign == "-":
            return tuple(name for name in names if not self._removes(name))
        if self.sign == "^":
            return (*self.names, *(name for name in names if name not in self.names))
        return self.names

    def _removes(self, name: str) -> bool:
        return any(fnmatch.fnmatchcase(name, pattern) for pattern in self.names)


def names(written: str) -> tuple[str, ...]:
    """Return the names in a list as it is written."""
    return tuple(name for name in written.split(",") if name)


def told_apart(
    keyword: str, statements: Iterable[str], resolved: tuple[str, ...], default: tuple[str, ...]
) -> Change:
    """Return the change that led from OpenSSH's default list to the resolved one.

    `ssh -G` prints the resulting list only, and a list with little removed looks like one that
    was written out. So the statements that may have been in force are tried, whatever block of
    whatever file they stand in; where none fits, as with patterns, the list is taken as it is.

    Raises ValueError when statements of different meaning fit.
    """
    changes = [_in_full(statement, resolved, default) for statement in statements]
    fitting = [change for change in changes if change.apply(default) == resolved]
    if not fitting or any(not change.sign for change in fitting):
        return Change("", resolved)
    ours = getattr(MODERN, KINDS[keyword])
    by_effect = {change.apply(ours): change for change in fitting}
    if len(by_effect) > 1:
        either = (change.sign + ",".join(change.names) for change in by_effect.values())
        raise ValueError(" or ".join(either))
    return fitting[0]


def changed(changes: Mapping[str, Change], *, compressed: bool, source: str) -> Algorithms | None:
    """Return ncwire's algorithms with the changes (by keyword); None where there are none.

    Raises `OptionError` for a list that is left empty.
    """
    kinds: dict[str, tuple[str, ...]] = {}
    for keyword, change in changes.items():
        kind = KINDS[keyword]
        kinds[kind] = change.apply(getattr(MODERN, kind))
        if not kinds[kind]:
            raise OptionError("ssh_config", f"{source}: {keyword} leaves no algorithm")
    if compressed:
        kinds["compression"] = COMPRESSED
    return Algorithms(**kinds) if kinds else None


def _in_full(statement: str, resolved: tuple[str, ...], default: tuple[str, ...]) -> Change:
    change = Change.parse(statement)
    if not any("*" in name or "?" in name for name in change.names):
        return change
    # OpenSSH takes patterns for + and ^ too; the names that they stood for are in the result.
    if change.sign == "+":
        return Change("+", tuple(name for name in resolved if name not in default))
    if change.sign == "^":
        heads = (Change("^", resolved[:count]) for count in range(1, len(resolved) + 1))
        return next((head for head in heads if head.apply(default) == resolved), change)
    return change
