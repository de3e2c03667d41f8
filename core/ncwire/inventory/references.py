"""How the inventory writes where a secret is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from ncwire.inventory.secrets import (
    CommandSecret,
    EnvironmentSecret,
    FileSecret,
    KeyringSecret,
    Secret,
)
from ncwire.inventory.values import Invalid, items, known, number, string, table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_FORMS = (
    '{env = "VARIABLE"}, {file = "PATH"}, {command = ["PROGRAM", "ARGUMENT"]} '
    'or {keyring = "SERVICE", username = "USER"}'
)
_LONGEST_TIMEOUT = 3600.0


def reference(value: object, folder: Path) -> Secret:
    """Return the reference that a table is. Raises `Invalid`, without what it was given."""
    if isinstance(value, str):
        raise Invalid(f"a secret does not belong into this file; say where it is: {_FORMS}")
    given = table(value, f"that says where the secret is: {_FORMS}")
    sources = [name for name in _READERS if name in given]
    if len(sources) != 1:
        raise Invalid(f"say where the secret is, in one way: {_FORMS}")
    source = sources[0]
    read, more = _READERS[source]
    known(given, (source, *more))
    return read(given, folder)


def _environment(given: Mapping[str, object], _folder: Path) -> Secret:
    name = string(given["env"])
    if "=" in name or "\0" in name:
        raise Invalid("env: no variable can have that name")
    return EnvironmentSecret(name)


def _file(given: Mapping[str, object], folder: Path) -> Secret:
    text = string(given["file"])
    try:
        path = Path(text).expanduser()
    except RuntimeError as error:
        raise Invalid(f"file: {error}") from None
    if "\0" in text:
        raise Invalid("file: no path can be that")
    return FileSecret(folder / path)


def _command(given: Mapping[str, object], _folder: Path) -> Secret:
    if isinstance(given["command"], str):
        raise Invalid('command: give an array, ["PROGRAM", "ARGUMENT"], for no shell is between')
    arguments = tuple(_argument(each) for each in items(given["command"]))
    if not arguments or not arguments[0]:
        raise Invalid("command: is empty")
    if "timeout" not in given:
        return CommandSecret(arguments)
    seconds = number(given["timeout"], float)
    if not 0 < seconds <= _LONGEST_TIMEOUT:
        raise Invalid("timeout: is no positive number of seconds, or more than an hour")
    return CommandSecret(arguments, seconds)


def _argument(value: object) -> str:
    if not isinstance(value, str):
        raise Invalid("command: its arguments must be strings")
    if "\0" in value:
        raise Invalid("command: no argument can have a NUL in it")
    return value


def _keyring(given: Mapping[str, object], _folder: Path) -> Secret:
    if "username" not in given:
        raise Invalid("keyring: username is missing, under which the keyring has it")
    return KeyringSecret(string(given["keyring"]), string(given["username"]))


_READERS: Final[
    Mapping[str, tuple[Callable[[Mapping[str, object], Path], Secret], tuple[str, ...]]]
] = {
    "env": (_environment, ()),
    "file": (_file, ()),
    "command": (_command, ("timeout",)),
    "keyring": (_keyring, ("username",)),
}
