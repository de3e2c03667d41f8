"""What is still open when the interpreter exits, and that this is told."""

from __future__ import annotations

import warnings
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def opened(owner: object, told: Callable[[], str]) -> None:
    """Have the owner told of at exit, until it is `closed`; `told` says what it is."""
    _open[id(owner)] = told


def closed(owner: object) -> None:
    """Have the owner told of no more. Idempotent, from any thread."""
    _open.pop(id(owner), None)


def warn_of(text: str) -> None:
    """Warn that something was not closed."""
    warnings.warn(f"unclosed {text}", ResourceWarning, stacklevel=2)


_open: dict[int, Callable[[], str]] = {}
"""One step each to change and to list: no lock, which a fork or a signal could leave held."""


def _tell() -> None:
    failed = []
    for told in list(_open.values()):
        try:
            warn_of(told())
        except ResourceWarning as warning:  # they are errors: the others are told of all the same
            failed.append(warning)
    if failed:
        raise ExceptionGroup("at the exit of the interpreter", failed)


class _Anchor:
    """What a finalizer needs to be bound to."""


_anchor = _Anchor()
# At exit finalizers run in the reverse order of their making, and after the exit handlers that
# were registered later: so what the program closes by either is closed by then.
weakref.finalize(_anchor, _tell)
