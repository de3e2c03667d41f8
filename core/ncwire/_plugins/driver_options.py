"""The options that only one driver has: what was given, checked against what it declares."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from ncwire.driver.driver_option import DriverOption, OptionKind
from ncwire.driver.seconds import LONGEST, shown
from ncwire.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ncwire.driver.base import Backend
    from ncwire.driver.options import ConnectOptions

_NAME = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)
_NONE: Final[Mapping[str, object]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Stated:
    """A value that stands in a file, in place of the value itself.

    `place` says in errors where that is; a path is relative to `folder`. A reference to a secret
    has `read`, which is called only for the driver that is used; without one a secret is refused.
    """

    place: str
    folder: str
    value: object = field(default=None, repr=False)
    read: Callable[[], str] | None = None


class PerDriver(dict[str, Mapping[str, object]]):
    """Options of several drivers, by the driver's name, in place of those of the one in use.

    Those under `IN_USE` are of whichever driver is used, and win.
    """

    IN_USE: Final = ""

    def of(self, driver: str) -> Mapping[str, object]:
        """Return the options that count for a driver."""
        return {**self.get(driver, {}), **self.get(self.IN_USE, {})}


def with_driver_options(
    options: ConnectOptions,
    driver: type[Backend],
    profile: Mapping[str, Mapping[str, object]] | None,
    given: Mapping[str, object] | None,
) -> ConnectOptions:
    """Return the options, those of its jump hosts too, with the driver's own.

    `profile` are the profile's by driver, under `given`, the caller's. Raises what `settled` does.
    """
    below = (profile or {}).get(driver.name, _NONE)
    above = given.of(driver.name) if isinstance(given, PerDriver) else given or _NONE
    own = settled(driver, {**below, **above})
    jumps = tuple(replace(hop, driver_options=own) for hop in options.jumps)
    return replace(options, driver_options=own, jumps=jumps)


def with_defaults(options: ConnectOptions, driver: type[Backend]) -> ConnectOptions:
    """Return the options with the driver's own, at their defaults unless they are there already.

    For connections that are no session's: those of a probe, a call home, the conformance kit.
    """
    if options.driver_options or not driver.driver_options:
        return options
    return replace(options, driver_options=settled(driver, {}))


def settled(driver: type[Backend], given: Mapping[str, object]) -> Mapping[str, object]:
    """Return every option that the driver declares: as given, or its default.

    None is as if it were not given. Raises `OptionError` for an option that the driver has not,
    naming those that it has, and for a value that is not of the option's kind; secrets are never
    shown. Raises what reading a secret does.
    """
    declared = {each.name: each for each in driver.driver_options}
    for name, value in given.items():
        if name not in declared:
            raise OptionError(_key(name), _unknown(driver, name) + _at(value))
    return MappingProxyType(
        {name: _settled(option, given.get(name)) for name, option in declared.items()}
    )


def checked(option: DriverOption, value: object, folder: str = "") -> object:
    """Return a value as the driver is to have it. Raises `OptionError`; never shows a secret."""
    return _READERS[option.kind](option, value, folder)


def allowed(option: DriverOption) -> str:
    """Return a phrase that says what a value may be, "a whole number"."""
    if option.choices:
        each = "each one of " if option.kind is OptionKind.TEXTS else "one of "
        return each + ", ".join(option.choices)
    return _ALLOWED[option.kind]


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


def _settled(option: DriverOption, value: object) -> object:
    if not isinstance(value, Stated):
        value = option.default if value is None else value
        return None if value is None else checked(option, value)
    try:
        return checked(option, _stated(option, value), value.folder)
    except OptionError as error:
        raise OptionError(error.option, error.problem + _at(value)) from error


def _stated(option: DriverOption, value: Stated) -> object:
    if option.kind is OptionKind.OBJECT:
        raise OptionError(_key(option.name), "can be given in Python only, not in a file")
    if value.read is not None:
        return value.read()
    if option.secret:
        raise OptionError(
            _key(option.name),
            "is secret, and is not written into a file: see the inventory's references",
        )
    return value.value


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
    try:
        return os.fspath(folder / Path(name).expanduser())
    except RuntimeError as error:  # a user that there is not
        raise OptionError(_key(option.name), f"{shown(name)}: {error}") from error


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
    return OptionError(_key(option.name), f"{found} is not {allowed(option)}")


def _unknown(driver: type[Backend], name: object) -> str:
    names = [each.name for each in driver.driver_options]
    if not names:
        return f"driver {driver.name!r} has no options of its own"
    close = difflib.get_close_matches(str(name), names, n=1)
    guess = f"did you mean {close[0]}? " if close else ""
    return f"driver {driver.name!r} has no such option; {guess}it has {', '.join(names)}"


def _at(value: object) -> str:
    return f" (in {value.place})" if isinstance(value, Stated) else ""


def _key(name: object) -> str:
    return f"driver_options.{name if isinstance(name, str) else shown(name)}"
