"""What a target holds ncwire to."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ncwire.errors import NcwireError

if TYPE_CHECKING:
    from collections.abc import Callable


class ViolatedError(AssertionError):
    """A promise of ncwire's does not hold for this input."""


class Raised(NamedTuple):
    """A documented error, so that it can be compared."""

    kind: str
    text: str


def outcome(
    call: Callable[[], object], documented: type[Exception] | tuple[type[Exception], ...]
) -> object:
    """Return what a call returns, or which of the documented errors it raises; others pass."""
    try:
        return call()
    except documented as error:
        return Raised(type(error).__name__, str(error))


def told(call: Callable[[], object]) -> object:
    """Return what a call returns, or which of ncwire's errors it raises."""
    return outcome(call, NcwireError)


def require(holds: bool, promise: str) -> None:  # noqa: FBT001 - as `assert` has it
    """Raise `ViolatedError` unless it holds."""
    if not holds:
        raise ViolatedError(promise)


def agree(promise: str, expected: object, found: object) -> None:
    """Raise `ViolatedError`, which shows both, unless they are equal."""
    if expected != found:
        raise ViolatedError(f"{promise}\n  expected {expected!r}\n  found    {found!r}")
