"""One row: a name, how it is given, what it is seen to do, and the check of that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from ncwire.driver import Feature

    Check = Callable[[Any], None]


@dataclass(frozen=True)
class Row:
    """`check` is called with a bench (see test_matrix.py), and fails if the effect is not seen."""

    name: str
    given: str
    seen: str
    """A sentence, in reStructuredText."""
    check: Check
    needs: Feature | None = None
    """A driver without it must refuse the row's parameters with `UnsupportedOption`."""


PARAMETERS: list[Row] = []
KEYWORDS: list[Row] = []


def parameter(
    name: str, given: str, seen: str, *, needs: Feature | None = None
) -> Callable[[Check], Check]:
    """Make a row of a check: of a parameter of `connect`."""
    return _adding_to(PARAMETERS, name, given, seen, needs)


def keyword(
    name: str, given: str, seen: str, *, needs: Feature | None = None
) -> Callable[[Check], Check]:
    """Make a row of a check: of a keyword of ssh_config."""
    return _adding_to(KEYWORDS, name, given, seen, needs)


def _adding_to(
    rows: list[Row], name: str, given: str, seen: str, needs: Feature | None
) -> Callable[[Check], Check]:
    def add(check: Check) -> Check:
        rows.append(Row(name, given, seen, check, needs))
        return check

    return add
