"""From TOML to a `Stanza`: the options that one profile itself gives, each checked."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from ncwire._plugins.driver_options import Stated
from ncwire._plugins.option_values import problem_in_file
from ncwire.driver.seconds import shown
from ncwire.errors import ProfileError
from ncwire.profiles.profile import DRIVER_OPTIONS, Given
from ncwire.profiles.schema import OPTIONS, REFUSED, TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator

EXTENDS = "extends"
SOURCES = "sources"

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*", re.ASCII)
_BARE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_OF_DRIVERS = DRIVER_OPTIONS.removesuffix(".")
_KNOWN = (EXTENDS, *OPTIONS, *TABLES, _OF_DRIVERS, SOURCES)


@dataclass(frozen=True, slots=True)
class Stanza:
    """What one profile itself says: its values by key, and the profile that it extends."""

    name: str
    file: str
    extends: str | None
    given: Mapping[str, Given]


def read_toml(text: str, file: str, name: str, folder: str = "") -> Stanza:
    """Return the profile `name` that a TOML document is; `file` is where it stands, for errors.

    Paths among the options of drivers are relative to `folder`; "" is the working folder. Raises
    `ProfileError`.
    """
    import tomllib  # noqa: PLC0415 - `import ncwire` must stay quick

    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        # Beside TOMLDecodeError: a number with too many digits, lists nested too deep.
        reason = "nested too deep" if isinstance(error, RecursionError) else str(error)
        raise ProfileError(file, name, "", f"not TOML: {shown(reason)[1:-1]}") from error
    return read_table(table, file, name, folder)


def read_table(table: Mapping[str, object], file: str, name: str, folder: str = "") -> Stanza:
    """Return the profile that a table as TOML has it is; see `read_toml`."""
    reading = _Reading(table, file, name, folder)
    return Stanza(name, file, reading.extends(), MappingProxyType(dict(reading.values())))


def check_name(name: str, file: str) -> None:
    """Raise `ProfileError` for what can be no profile's name."""
    if not _NAME.fullmatch(name):
        raise ProfileError(
            file, "", "", f"{shown(name)} is no name: small letters, digits and '-', '_', '.'"
        )


class _Reading:
    def __init__(self, table: Mapping[str, object], file: str, name: str, folder: str) -> None:
        self._table = table
        self._file = file
        self._name = name
        self._folder = folder

    def extends(self) -> str | None:
        parent = self._table.get(EXTENDS)
        if parent is None:
            return None
        if not isinstance(parent, str) or not _NAME.fullmatch(parent):
            raise self._error(EXTENDS, f"{shown(parent)} is not the name of a profile")
        return parent

    def values(self) -> Iterator[tuple[str, Given]]:
        sources = self._sources()
        for key, value in self._leaves(self._table, ""):
            if key.startswith(DRIVER_OPTIONS):
                stated = Stated(f"profile {self._name!r} in {self._file}", self._folder, value)
                yield key, Given(stated, self._name, self._file, sources.get(key, ""))
                continue
            option = OPTIONS[key]
            try:
                read = option.read(value)
            except ValueError as error:
                problem = f"{shown(value)} is not {option.allowed}"
                raise self._error(key, problem) from error
            yield key, Given(read, self._name, self._file, sources.get(key, ""))

    def _leaves(self, table: Mapping[str, object], prefix: str) -> Iterator[tuple[str, object]]:
        for name, value in table.items():
            key = f"{prefix}{name if _BARE.fullmatch(name) else shown(name)}"
            if key in (EXTENDS, SOURCES):
                continue
            if key == _OF_DRIVERS:
                yield from self._of_drivers(value)
            elif key in OPTIONS:
                yield key, value
            elif key not in TABLES:
                raise self._unknown(key, name)
            elif not isinstance(value, Mapping):
                raise self._error(key, f"{shown(value)} is not a table, [{key}]")
            else:
                yield from self._leaves(value, f"{key}.")

    def _of_drivers(self, tables: object) -> Iterator[tuple[str, object]]:
        # Which options there are is the driver's to say, which may not be installed.
        for driver, table in self._table_at(_OF_DRIVERS, tables).items():
            place = f"{DRIVER_OPTIONS}{driver}"
            for option, value in self._table_at(place, table).items():
                problem = problem_in_file(option, value)
                if problem:
                    raise self._error(f"{place}.{option}", problem)
                yield f"{place}.{option}", value

    def _table_at(self, key: str, value: object) -> Mapping[str, object]:
        if not isinstance(value, Mapping):
            raise self._error(key, f"is not a table, [{DRIVER_OPTIONS}NAME] by a driver's name")
        return value

    def _sources(self) -> dict[str, str]:
        table = self._table.get(SOURCES, {})
        if not isinstance(table, Mapping):
            raise self._error(SOURCES, f"{shown(table)} is not a table, [{SOURCES}]")
        given = dict(self._leaves(self._table, ""))
        sources: dict[str, str] = {}
        for key, citation in table.items():
            covered = [each for each in given if each == key or each.startswith(f"{key}.")]
            if not covered:
                problem = f"{shown(key)} is no option that this profile gives"
                raise self._error(SOURCES, problem)
            if not isinstance(citation, str) or not citation.strip():
                raise self._error(f"{SOURCES}.{key}", f"{shown(citation)} is not a string")
            sources |= dict.fromkeys(covered, citation)
        return sources

    def _unknown(self, key: str, name: str) -> ProfileError:
        refused = REFUSED.get(name.lower())
        if refused is not None:
            return self._error(key, refused)
        near = difflib.get_close_matches(key, _KNOWN, n=1) or [
            known for known in _KNOWN if known.rpartition(".")[2] == name
        ]
        level = key.rpartition(".")[0]
        allowed = dict.fromkeys(
            known.removeprefix(f"{level}.").partition(".")[0]
            for known in _KNOWN
            if known.startswith(f"{level}." if level else "")
        )
        guess = f"did you mean {near[0]}? " if near else ""
        where = f" in {level}" if level else ""
        return self._error(key, f"no such option; {guess}allowed{where}: {', '.join(allowed)}")

    def _error(self, key: str, problem: str) -> ProfileError:
        return ProfileError(self._file, self._name, key, problem)
