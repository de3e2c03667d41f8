"""From the text of an inventory to its devices, or to all that is wrong with it."""

from __future__ import annotations

import os
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ncwire._plugins.driver_options import Stated
from ncwire._plugins.option_values import problem_in_file
from ncwire._plugins.url import is_url
from ncwire._plugins.url import parse as parse_url
from ncwire.errors import InventoryError, OptionError, ProfileError, ProfileNotFoundError
from ncwire.inventory.device import Device, Setting
from ncwire.inventory.schema import DRIVER_OPTIONS, KEYS, REFUSED
from ncwire.inventory.secrets import Secret
from ncwire.inventory.toml_lines import Lines
from ncwire.inventory.values import Invalid, string, table, unknown
from ncwire.profiles import get, load, read_table, resolve
from ncwire.profiles.toml import Stanza, check_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ncwire.profiles import DeviceProfile

_TOP = ("defaults", "groups", "devices", "profiles")
_ONLY_OF_DEVICES = ("host", "hostkey_b64")
_Settings = dict[str, Setting]


def parse(text: str, path: Path) -> tuple[dict[str, Device], dict[str, Stanza]]:
    """Return the devices by name, in the file's order, and the file's own profiles.

    Paths in it are relative to its folder. Raises `InventoryError` with everything that is wrong.
    """
    try:
        data = tomllib.loads(text)
    except ValueError as error:  # beside TOMLDecodeError: a number with too many digits
        raise InventoryError(str(path), [f"is not valid TOML: {error}"]) from None
    except RecursionError:
        raise InventoryError(str(path), ["is nested too deeply"]) from None
    reading = _Reading(text, path)
    devices = reading.devices(data)
    if reading.problems:
        raise InventoryError(str(path), reading.problems)
    return devices, reading.profiles


class _ToldAlready(Exception):  # noqa: N818 - no error: a way out
    """What is wrong is wrong elsewhere, and told there."""


class _Reading:
    """One file, and what is wrong with it."""

    def __init__(self, text: str, path: Path) -> None:
        self._lines = Lines(text)
        self._path = path
        self._folder = os.fspath(path.parent)
        self._found: list[tuple[int, str]] = []
        self.profiles: dict[str, Stanza] = {}
        self._broken_profiles: set[str] = set()

    @property
    def problems(self) -> list[str]:
        """What is wrong, in the order of the lines."""
        return [problem for _, problem in sorted(self._found, key=lambda each: each[0])]

    def devices(self, data: Mapping[str, Any]) -> dict[str, Device]:
        for name in data:
            if name not in _TOP:
                self._add((name,), unknown(name, _TOP))
        self._read_profiles(self._tables("profiles", data))
        defaults = self._settings(("defaults",), data.get("defaults", {}), of_devices=False)
        groups = {
            name: self._settings(("groups", name), value, of_devices=False)
            for name, value in self._tables("groups", data).items()
        }
        return {
            name: self._device(name, value, groups, defaults)
            for name, value in self._tables("devices", data).items()
        }

    def _device(
        self, name: str, value: object, groups: Mapping[str, _Settings], defaults: _Settings
    ) -> Device:
        place = ("devices", name)
        settings = self._settings(place, value, of_devices=True)
        named = value.get("groups", []) if isinstance(value, dict) else []
        joined = self._groups(place, named, groups)
        # The first that has a key wins, as in ssh_config.
        for group in joined:
            settings = groups[group] | settings
        if "host" not in settings:
            host = self._read((*place, "host"), "host", name, origin="the device's name")
            settings |= {} if host is None else {"host": host}
        return Device(name, tuple(joined), defaults | settings)

    def _read_profiles(self, tables: Mapping[str, object]) -> None:
        file = str(self._path)
        for name, value in tables.items():
            try:
                check_name(name, file)
                self.profiles[name] = read_table(table(value), file, name, self._folder)
            except Invalid as error:
                self._broken_profiles.add(name)
                self._add(("profiles", name), str(error))
            except ProfileError as error:
                self._broken_profiles.add(name)
                self._add(("profiles", name, *filter(None, error.key.split("."))), error.problem)
        # What one extends may stand below it.
        for name, stanza in self.profiles.items():
            try:
                resolve(stanza, self.profiles)
            except ProfileError as error:
                self._add(("profiles", name, *filter(None, error.key.split("."))), error.problem)

    def _profile(self, name: str) -> DeviceProfile:
        try:
            if os.sep in name or name.endswith(".toml"):
                return load(self._path.parent / Path(name).expanduser(), self.profiles)
            return get(name, self.profiles)
        except ProfileNotFoundError as error:
            if name in self._broken_profiles:
                raise _ToldAlready from None
            raise Invalid(error.problem) from None
        except (ProfileError, RuntimeError) as error:
            raise Invalid(str(error)) from None

    def _groups(
        self, place: tuple[str, ...], value: object, groups: Mapping[str, _Settings]
    ) -> list[str]:
        place = (*place, "groups")
        names = [value] if isinstance(value, str) else value
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            self._add(place, "must be a string, or an array of strings")
            return []
        for name in names:
            if name not in groups:
                have = ", ".join(groups) or "none"
                self._add(place, f"there is no group {name!r}; there are: {have}")
        return [name for name in dict.fromkeys(names) if name in groups]

    def _settings(self, place: tuple[str, ...], value: object, *, of_devices: bool) -> _Settings:
        try:
            given = table(value)
        except Invalid as error:
            self._add(place, str(error))
            return {}
        names = [name for name in KEYS if of_devices or name not in _ONLY_OF_DEVICES]
        names += ["groups"] if of_devices else []
        settings: _Settings = {}
        for name, each in given.items():
            if name in REFUSED:
                self._add((*place, name), REFUSED[name])
            elif name not in names:
                self._add((*place, name), unknown(name, names))
            elif name == "host" and is_url(each):
                settings |= self._url((*place, name), each, given)
            elif name == DRIVER_OPTIONS:
                settings |= self._driver_options((*place, name), each, ".".join(place))
            elif name in KEYS:
                setting = self._read((*place, name), name, each, origin=".".join(place))
                settings |= {} if setting is None else {name: setting}
        return settings

    def _url(self, place: tuple[str, ...], text: str, given: Mapping[str, object]) -> _Settings:
        """Return the settings that the URL of a host says; none of them may be given besides."""
        try:
            url = parse_url(text)
        except OptionError as error:
            self._add(place, error.problem)
            return {}
        origin = ".".join(place[:-1])
        settings: _Settings = {}
        for name, value in url.parameters().items():
            if name in given:
                self._add((*place[:-1], name), "is given in the host's URL already")
            elif (setting := self._read(place, name, value, origin=origin)) is not None:
                settings[name] = setting
        host = Setting(None, "", self._at_line(place, origin))
        if url.host is not None:
            host = self._read(place, "host", url.host, origin=origin) or host
        tables = given.get(DRIVER_OPTIONS)
        own = tables.get(url.driver) if isinstance(tables, dict) else None
        for name, value in url.driver_options.items():
            if isinstance(own, dict) and name in own:
                where = (*place[:-1], DRIVER_OPTIONS, url.driver or "", name)
                self._add(where, "is given in the host's URL already")
            stated = replace(value, place=f"{self._path}, {host.origin}", folder=self._folder)
            settings[f"{DRIVER_OPTIONS}.{url.driver}.{name}"] = Setting(stated, "", host.origin)
        return {"host": host, **settings}

    def _driver_options(self, place: tuple[str, ...], value: object, origin: str) -> _Settings:
        """Return the settings of drivers' own options, each by "driver_options.DRIVER.OPTION"."""
        settings: _Settings = {}
        for driver, options in self._tables_at(place, value).items():
            for name, each in self._tables_at((*place, driver), options).items():
                where = (*place, driver, name)
                problem = "" if isinstance(each, dict) else problem_in_file(name, each)
                if problem:
                    self._add(where, problem)
                    continue
                setting = self._read(where, DRIVER_OPTIONS, each, origin=origin)
                if setting is not None:
                    key = f"{DRIVER_OPTIONS}.{driver}.{name}"
                    settings[key] = replace(setting, value=self._stated(setting))
        return settings

    def _tables_at(self, place: tuple[str, ...], value: object) -> Mapping[str, object]:
        try:
            return table(value)
        except Invalid as error:
            self._add(place, str(error))
            return {}

    def _stated(self, setting: Setting) -> Stated:
        place = f"{self._path}, {setting.origin}"
        if isinstance(setting.value, Secret):
            return Stated(place, self._folder, reference=setting.value)
        return Stated(place, self._folder, setting.value)

    def _read(
        self, place: tuple[str, ...], name: str, value: object, *, origin: str
    ) -> Setting | None:
        try:
            read = KEYS[name].read(value, self._path.parent)
            if name == "profile":
                read = self._profile(read)
        except _ToldAlready:
            return None
        except Invalid as error:
            self._add(place, str(error))
            return None
        return Setting(read, KEYS[name].show(value, read), self._at_line(place, origin))

    def _at_line(self, place: tuple[str, ...], origin: str) -> str:
        line = self._lines.of(place)
        return origin if line is None else f"{origin}, line {line}"

    def _tables(self, name: str, data: Mapping[str, Any]) -> dict[str, object]:
        try:
            tables = dict(table(data.get(name, {})))
        except Invalid as error:
            self._add((name,), str(error))
            return {}
        for each in list(tables):
            try:
                string(each)
            except Invalid:
                self._add((name,), "there is one without a name")
                del tables[each]
        return tables

    def _add(self, place: tuple[str, ...], problem: str) -> None:
        line = self._lines.of(place)
        key = ".".join(map(_shown, place))
        at = "" if line is None else f"line {line}: "
        self._found.append((line or 0, f"{at}{key}: {problem}"))


def _shown(part: str) -> str:
    """Return a part of a key as TOML has it."""
    bare = part.replace("-", "").replace("_", "")
    return part if bare.isascii() and bare.isalnum() else repr(part)
