"""The options that only one driver has: what was given, checked against what it declares."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Protocol

from ncwire._plugins.option_values import checked, key_of
from ncwire.driver.driver_option import DriverOption, OptionKind
from ncwire.errors import OptionError

if TYPE_CHECKING:
    from ncwire.driver.base import Backend
    from ncwire.driver.options import ConnectOptions

_WHOLE = re.compile(r"-?[0-9]+", re.ASCII)
_SWITCHES = {"yes": True, "true": True, "no": False, "false": False}
_NONE: Final[Mapping[str, object]] = MappingProxyType({})
_NO_CREDENTIALS: Final = "is secret, and a profile holds no credentials"
_TRUST: Final = (
    "decides whom to trust, which no profile does: say it in an inventory, on the command line or "
    "in Python"
)
_NOT_IN_A_PROFILE: Final = {
    (False, False): "",
    (False, True): _TRUST,
    (True, False): _NO_CREDENTIALS,
    (True, True): _NO_CREDENTIALS,
}


class Reference(Protocol):
    """Where a value is."""

    def read(self) -> str:
        """Return the value, read anew."""


@dataclass(frozen=True, slots=True)
class Stated:
    """A value that stands in a file, in place of the value itself.

    `place` says in errors where that is; a path is relative to `folder`. A value that is somewhere
    else has a `reference`, which is read only for the driver that is used; a secret needs one.
    """

    place: str = field(compare=False)
    folder: str
    value: object = field(default=None, repr=False)
    reference: Reference | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """A value in text, as on a command line or in a URL, in place of the value itself.

    `place` says in errors where that is; a path is relative to `folder`. One that is several has
    each in a text of its own. What is `passed_on`, as a URL, may be anybody's: it says nothing of
    whom to trust.
    """

    place: str = field(compare=False)
    texts: tuple[str, ...] = field(repr=False)
    folder: str = ""
    passed_on: bool = False


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

    `profile` are the profile's by driver, under `given`, the caller's. Raises what `settled` does,
    and `OptionError` for what no profile may say: a secret, and whom to trust.
    """
    below = (profile or {}).get(driver.name, _NONE)
    for option in driver.driver_options:
        if below.get(option.name) is None:
            continue
        problem = _NOT_IN_A_PROFILE[option.secret, option.trust]
        if problem:
            raise OptionError(key_of(option.name), problem + _at(below[option.name]))
    above = given.of(driver.name) if isinstance(given, PerDriver) else given or _NONE
    merged = dict(below)
    for name, value in above.items():
        if value is not None or name not in merged:
            merged[name] = value
    own = settled(driver, merged)
    jumps = tuple(replace(hop, driver_options=own) for hop in options.jumps)
    return replace(options, driver_options=own, jumps=jumps)


def with_defaults(options: ConnectOptions, driver: type[Backend]) -> ConnectOptions:
    """Return the options with the driver's own, at their defaults unless they are there already.

    For connections that are no session's, as those of the conformance kit.
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
            raise OptionError(key_of(name), _unknown(driver, name) + _at(value))
    return MappingProxyType(
        {name: _settled(option, given.get(name)) for name, option in declared.items()}
    )


def _settled(option: DriverOption, value: object) -> object:
    try:
        match value:
            case Stated():
                return checked(option, _stated(option, value), value.folder)
            case Written():
                return checked(option, _written(option, value), value.folder)
    except OptionError as error:
        raise OptionError(error.option, error.problem + _at(value)) from error
    value = option.default if value is None else value
    return None if value is None else checked(option, value)


def _stated(option: DriverOption, value: Stated) -> object:
    _check_not_an_object(option)
    if value.reference is not None:
        return value.reference.read()
    if option.secret:
        problem = "is secret, and stands in no file; an inventory says where it is instead"
        raise OptionError(key_of(option.name), problem)
    return value.value


def _written(option: DriverOption, value: Written) -> object:
    """Return the value that a text stands for, or the text, which is then of the wrong kind."""
    _check_not_an_object(option)
    if option.secret:
        problem = "is secret, and others can read this; an inventory says where it is instead"
        raise OptionError(key_of(option.name), problem)
    if option.trust and value.passed_on:
        problem = "decides whom to trust, which no URL does: give it beside the URL"
        raise OptionError(key_of(option.name), problem)
    if option.kind in (OptionKind.TEXTS, OptionKind.FILES):
        return value.texts
    if len(value.texts) > 1:
        raise OptionError(key_of(option.name), "is given twice")
    (text,) = value.texts
    try:
        if option.kind is OptionKind.INTEGER and _WHOLE.fullmatch(text):
            return int(text)
        if option.kind is OptionKind.SECONDS:
            return float(text)
    except ValueError:  # as for thousands of digits
        return text
    return _SWITCHES.get(text.lower(), text) if option.kind is OptionKind.SWITCH else text


def _check_not_an_object(option: DriverOption) -> None:
    if option.kind is OptionKind.OBJECT:
        raise OptionError(key_of(option.name), "can be given in Python only")


def _unknown(driver: type[Backend], name: object) -> str:
    names = [each.name for each in driver.driver_options]
    if not names:
        return f"driver {driver.name!r} has no options of its own"
    close = difflib.get_close_matches(str(name), names, n=1)
    guess = f"did you mean {close[0]}? " if close else ""
    return f"driver {driver.name!r} has no such option; {guess}it has {', '.join(names)}"


def _at(value: object) -> str:
    return f" (in {value.place})" if isinstance(value, Stated | Written) else ""
