"""What an option of a driver's own may be: the values of each kind, and the declaration."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ncwire.driver.driver_option import DriverOption, OptionKind
from ncwire.driver.seconds import LONGEST, shown
from ncwire.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_NAME = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)


def checked(option: DriverOption, value: object, folder: str = "") -> object:
    """Return a value as the driver is to have it. Raises `OptionError`; never shows a secret."""
    return _READERS[option.kind](option, value, folder)


def allowed(option: DriverOption) -> str:
    """Return a phrase that says what a value may be, "a whole number"."""
    if option.choices:
        each = "each one of " if option.kind is OptionKind.TEXTS else "one of "
        return each + ", ".join(option.choices)
    return _ALLOWED[option.kind]


def problem_in_file(name: str, value: object) -> str:
    """Return what is wrong with an option that stands in a file, whichever driver it is of; or "".

    The text never has the value, which may be a secret.
    """
    if not _NAME.fullmatch(name):
        return "is no name of an option: small letters, digits and '_'"
    several = isinstance(value, list) and all(isinstance(each, str) for each in value)
    if several or isinstance(value, str | int | float):
        return ""
    found = f"a {type(value).__name__}"
    return f"{found} is not a string, a number, true, false or a list of strings"


def problem_of(declared: Any) -> str:
    """Return what is wrong with a driver's declaration; "" for nothing."""
    if not isinstance(declared, tuple):
        return "driver_options is no tuple of DriverOption"
    for option in declared:
        if not isinstance(option, DriverOption):
            return f"driver_options has {shown(option)}, which is no DriverOption"
        for problem in _problems(option):
            return f"its option {shown(option.name)} {problem}"
    names = [option.name for option in declared]
    twice = sorted({name for name in names if names.count(name) > 1})
    return f"it declares the option {twice[0]!r} twice" if twice else ""


def _problems(option: Any) -> Iterator[str]:
    if not isinstance(option.name, str) or not _NAME.fullmatch(option.name):
        yield "has a name that is not of small letters, digits and underscores"
    if not isinstance(option.kind, OptionKind):
        yield "has a kind that is no OptionKind"
    if not isinstance(option.meaning, str) or not option.meaning.strip():
        yield "has no meaning"
    yield from _problems_of_choices(option)
    if not isinstance(option.secret, bool):
        yield "has a secret that is no bool"
    if option.secret and option.kind in (OptionKind.FILE, OptionKind.FILES):
        yield "is secret, and the name of a file is none"
    if option.default is None:
        return
    if option.secret:
        yield "is secret, and has a default"
    try:
        checked(option, option.default)
    except OptionError as error:
        yield f"has a default that cannot be: {error.problem}"


def _problems_of_choices(option: Any) -> Iterator[str]:
    choices = option.choices
    if not isinstance(choices, tuple) or not all(isinstance(each, str) for each in choices):
        yield "has choices that are no tuple of str"
    if choices and option.kind not in (OptionKind.TEXT, OptionKind.TEXTS):
        yield f"has choices, and its kind is {option.kind.value}"


def _text(option: DriverOption, value: object, _folder: str) -> str:
    if not isinstance(value, str) or (option.choices and value not in option.choices):
        raise _wrong(option, value)
    return value


def _integer(option: DriverOption, value: object, _folder: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong(option, value)
    return value


def _seconds(option: DriverOption, value: object, _folder: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= LONGEST:
        raise _wrong(option, value)
    return float(value)


def _switch(option: DriverOption, value: object, _folder: str) -> bool:
    if not isinstance(value, bool):
        raise _wrong(option, value)
    return value


def _file(option: DriverOption, value: object, folder: str) -> str:
    name = os.fspath(value) if isinstance(value, str | os.PathLike) else value
    if not isinstance(name, str) or not name or "\0" in name:
        raise _wrong(option, value)
    if name.startswith("@"):
        return name
    try:
        return os.fspath(folder / Path(name).expanduser())
    except RuntimeError as error:  # a user that there is not
        raise OptionError(key_of(option.name), f"{shown(name)}: {error}") from error


def _texts(option: DriverOption, value: object, folder: str) -> tuple[str, ...]:
    return tuple(_text(option, each, folder) for each in _several(option, value))


def _files(option: DriverOption, value: object, folder: str) -> tuple[str, ...]:
    return tuple(_file(option, each, folder) for each in _several(option, value))


def _several(option: DriverOption, value: object) -> list[object]:
    if isinstance(value, str | os.PathLike):
        return [value]
    if not isinstance(value, list | tuple):
        raise _wrong(option, value)
    return list(value)


def _anything(_option: DriverOption, value: object, _folder: str) -> object:
    return value


_READERS: Final[Mapping[OptionKind, Callable[[DriverOption, object, str], object]]] = {
    OptionKind.TEXT: _text,
    OptionKind.INTEGER: _integer,
    OptionKind.SECONDS: _seconds,
    OptionKind.SWITCH: _switch,
    OptionKind.FILE: _file,
    OptionKind.TEXTS: _texts,
    OptionKind.FILES: _files,
    OptionKind.OBJECT: _anything,
}
_ALLOWED: Final[Mapping[OptionKind, str]] = {
    OptionKind.TEXT: "a string",
    OptionKind.INTEGER: "a whole number",
    OptionKind.SECONDS: "a number of seconds, more than 0 and up to a million",
    OptionKind.SWITCH: "true or false",
    OptionKind.FILE: "a path",
    OptionKind.TEXTS: "a string, or several in a list",
    OptionKind.FILES: "a path, or several in a list",
    OptionKind.OBJECT: "an object",
}


def _wrong(option: DriverOption, value: object) -> OptionError:
    found = f"a {type(value).__name__}" if option.secret else shown(value)
    return OptionError(key_of(option.name), f"{found} is not {allowed(option)}")


def key_of(name: object) -> str:
    """Return how an error names an option."""
    return f"driver_options.{name if isinstance(name, str) else shown(name)}"
