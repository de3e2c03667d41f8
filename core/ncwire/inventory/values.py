"""Values of TOML, as what they have to be."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_Number = TypeVar("_Number", int, float)
_KINDS = {
    bool: "true or false",
    str: "a string",
    int: "a whole number",
    float: "a number",
    list: "an array",
    dict: "a table",
}


class Invalid(ValueError):  # noqa: N818 - no error of the API's: it is collected, with its place
    """A value is not what it has to be; the text says what is wrong, and never shows a secret."""


def string(value: object, otherwise: str = "") -> str:
    """Return a string that is not empty."""
    if not isinstance(value, str):
        raise _wrong("a string", value, otherwise)
    if not value:
        raise Invalid("is empty")
    return value


def strings(value: object, *, empty: bool = False) -> tuple[str, ...]:
    """Return one string or several; none at all only where that has a meaning."""
    if isinstance(value, str):
        return (string(value),)
    if not isinstance(value, list):
        raise _wrong("a string, or an array of strings", value)
    if not value and not empty:
        raise Invalid("is empty")
    return tuple(string(each) for each in value)


def items(value: object) -> list[object]:
    """Return an array's items."""
    if not isinstance(value, list):
        raise _wrong("an array", value)
    return value


def flag(value: object) -> bool:
    """Return true or false."""
    if not isinstance(value, bool):
        raise _wrong("true or false", value)
    return value


def number(value: object, kind: type[_Number]) -> _Number:
    """Return a number of that kind; a whole one is one with a fraction, too."""
    if isinstance(value, bool) or not isinstance(value, int if kind is int else int | float):
        raise _wrong(_KINDS[kind], value)
    try:
        return kind(value)
    except OverflowError:
        raise Invalid("is too large") from None


def table(value: object, otherwise: str = "") -> Mapping[str, Any]:
    """Return a table."""
    if not isinstance(value, dict):
        raise _wrong("a table", value, otherwise)
    return value


def known(given: Iterable[str], names: Iterable[str]) -> None:
    """Raise `Invalid` for the first name that is not among those that there are."""
    names = list(names)
    for name in given:
        if name not in names:
            raise Invalid(unknown(name, names))


def unknown(name: str, names: Iterable[str]) -> str:
    """Say that there is no such key, and which was meant, or which there are."""
    names = list(names)
    close = difflib.get_close_matches(name, names, n=2)
    hint = f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(names)}"
    return f"{name!r} is no key here; {hint}"


def shown(value: object) -> str:
    """Return a value about as TOML has it."""
    if isinstance(value, list):
        return ", ".join(map(shown, value))
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name} = {shown(each)}' for name, each in value.items())}}}"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _wrong(wanted: str, value: object, otherwise: str = "") -> Invalid:
    # Not the value: what stands in the wrong place may be a secret.
    found = next((words for kind, words in _KINDS.items() if isinstance(value, kind)), "a date")
    return Invalid(f"must be {' '.join(filter(None, (wanted, otherwise)))}, not {found}")
