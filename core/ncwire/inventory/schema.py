"""The keys that a device, a group or the defaults may have, and what their values may be."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ncwire._algorithms.offer import KINDS
from ncwire._algorithms.policy import AlgorithmPolicy, settled
from ncwire._ssh.options import parameters
from ncwire._ssh.options.parameters import Jump, Parameters
from ncwire.driver.algorithms import Algorithms
from ncwire.driver.timeouts import Timeouts
from ncwire.errors import OptionError
from ncwire.inventory.references import reference
from ncwire.inventory.secrets import Secret
from ncwire.inventory.values import (
    Invalid,
    flag,
    items,
    known,
    number,
    shown,
    string,
    strings,
    table,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True, slots=True)
class Key:
    """One key: how its value is read, and what it means."""

    read: Callable[[object, Path], Any]
    """Given the value and the folder of the file; raises `Invalid`."""
    meaning: str
    show: Callable[[object, Any], str] = lambda given, _read: shown(given)
    """Given the value as it was written and as it was read, returns it for a table."""


@dataclass(frozen=True, slots=True)
class JumpReference:
    """A jump host whose password or passphrase is somewhere else."""

    jump: Jump
    references: Mapping[str, Secret]
    """By the name of the parameter."""

    def resolved(self) -> Jump:
        """Return the jump with its secrets. Raises `SecretError`."""
        read: Mapping[str, Any] = {name: each.read() for name, each in self.references.items()}
        return dataclasses.replace(self.jump, **read)

    @property
    def host(self) -> str:
        """The host's name."""
        return self.jump.host


def _checked(name: str, value: Any) -> Any:
    """Return a value that `connect` takes for this parameter."""
    given: dict[str, Any] = {"host": "device"} | {name: value}
    try:
        parameters.check(Parameters(**given))
    except OptionError as error:
        raise Invalid(error.problem) from None
    return value


def _host(value: object, _folder: Path) -> str:
    return str(_checked("host", string(value)))


def _port(value: object, _folder: Path) -> int:
    return int(_checked("port", number(value, int)))


def _seconds(name: str) -> Callable[[object, Path], float]:
    return lambda value, _folder: float(_checked(name, number(value, float)))


def _count(name: str) -> Callable[[object, Path], int]:
    return lambda value, _folder: int(_checked(name, number(value, int)))


def _text(name: str) -> Callable[[object, Path], str]:
    return lambda value, _folder: str(_checked(name, string(value)))


def _name(value: object, _folder: Path) -> str:
    return string(value)


def _flag(value: object, _folder: Path) -> bool:
    return flag(value)


def _names(value: object, _folder: Path) -> tuple[str, ...]:
    return strings(value)


def _options(value: object, _folder: Path) -> tuple[str, ...]:
    options = strings(value, empty=True)
    for option in options:
        if "=" not in option:
            raise Invalid(f'{option!r} is not of the form "Key=Value"')
    return options


def _path(text: str, folder: Path) -> str:
    try:
        path = Path(text).expanduser()
    except RuntimeError as error:
        raise Invalid(f"{text!r}: {error}") from None
    if "\0" in text:
        raise Invalid(f"{text!r} is no path")
    return os.fspath(folder / path)


def _paths(value: object, folder: Path) -> tuple[str, ...]:
    return tuple(_path(text, folder) for text in strings(value))


def _ssh_config(value: object, folder: Path) -> str | bool:
    return value if isinstance(value, bool) else _path(string(value, "or true or false"), folder)


def _environment(value: object, _folder: Path) -> dict[str, str]:
    return dict(_checked("environment", {k: string(v) for k, v in table(value).items()}))


def _timeouts(value: object, _folder: Path) -> Timeouts:
    given = table(value)
    known(given, [field.name for field in dataclasses.fields(Timeouts)])
    try:
        return Timeouts(**{name: number(seconds, float) for name, seconds in given.items()})
    except OptionError as error:
        raise Invalid(f"{error.option.removeprefix('timeouts.')}: {error.problem}") from None


def _algorithms(value: object, _folder: Path) -> AlgorithmPolicy:
    given = table(value)
    known(given, [field.name for field in dataclasses.fields(AlgorithmPolicy)])
    policy = AlgorithmPolicy(**{word: _lists(lists) for word, lists in given.items()})
    try:
        settled(policy)
    except OptionError as error:
        place = error.option.removeprefix("algorithms.")
        raise Invalid(f"{place}: {error.problem}") from None
    return policy


def _lists(value: object) -> Algorithms:
    given = table(value)
    known(given, KINDS)
    return Algorithms(**{kind: strings(names) for kind, names in given.items()})


def _jumps(value: object, folder: Path) -> tuple[str | Jump | JumpReference, ...]:
    hops = [value] if isinstance(value, str | dict) else items(value)
    jumps = tuple(hop if isinstance(hop, str) else _jump(hop, folder) for hop in hops)
    _checked_jumps(jumps)
    return jumps


def _checked_jumps(jumps: tuple[str | Jump | JumpReference, ...]) -> None:
    plain = [each.jump if isinstance(each, JumpReference) else each for each in jumps]
    try:
        parameters.hops(plain)
    except OptionError as error:
        raise Invalid(error.problem) from None


def _driver_option(value: object, folder: Path) -> object:
    """Return one value of a driver's option, or the reference that stands for it."""
    return reference(value, folder) if isinstance(value, dict) else value


_OF_A_JUMP = ("host", "port", "username", "password", "passphrase", "key_filename")
_SECRETS = ("password", "passphrase")


def _jump(value: object, folder: Path) -> Jump | JumpReference:
    given = table(value, 'or a string, "[user@]host[:port]"')
    known(given, _OF_A_JUMP)
    if "host" not in given:
        raise Invalid("host is missing")
    read = {name: KEYS[name].read(each, folder) for name, each in given.items()}
    references: dict[str, Secret] = {name: read.pop(name) for name in _SECRETS if name in read}
    jump = Jump(**{"host": "", **read})
    return JumpReference(jump, references) if references else jump


DRIVER_OPTIONS: Final = "driver_options"
"""The one key that is a table of tables, whose values are each a setting of its own."""

KEYS: Final[Mapping[str, Key]] = {
    "host": Key(
        _host,
        "the name or address to connect to; by default the device's name; or a URL, which can say "
        "user, port, driver, profile and options of the driver's as well",
    ),
    "port": Key(
        _port, "the port; by default ssh_config's, or the profile's, or the driver's own, or 830"
    ),
    "username": Key(_text("username"), "the user to log in as"),
    "password": Key(
        reference,
        "where the password is, which is also the keys' passphrase if they have none",
        lambda _given, read: str(read),
    ),
    "passphrase": Key(reference, "where the keys' passphrase is", lambda _given, read: str(read)),
    "key_filename": Key(_paths, "one private key file or several"),
    "allow_agent": Key(_flag, "whether to use the SSH agent's keys"),
    "look_for_keys": Key(_flag, "whether to use ``~/.ssh/id_*``"),
    "known_hosts": Key(_paths, "one known_hosts file or several, in place of the usual"),
    "hostkey_b64": Key(_text("hostkey_b64"), "the one host key that is good"),
    "ssh_config": Key(_ssh_config, "an ssh_config file; true: ``~/.ssh/config``; false: none"),
    "ssh_options": Key(_options, "options as for ssh's ``-o``"),
    "jumps": Key(
        _jumps,
        "the hosts to go through; each a string or a table",
        lambda _given, read: ", ".join(getattr(hop, "host", hop) for hop in read),
    ),
    "bind_addr": Key(_text("bind_addr"), "the local source address"),
    "profile": Key(
        _name,
        "the profile: one of the file's own, of ncwire's or of a package's, or a file's path",
    ),
    "driver": Key(_names, "the driver, or several, of which the first that can be used is taken"),
    "subsystems": Key(_names, "the subsystems to try in turn"),
    "algorithms": Key(_algorithms, "tables ``allow``, ``prefer`` and ``forbid`` of lists by kind"),
    "timeout": Key(_seconds("timeout"), "seconds for each step of connecting"),
    "timeouts": Key(_timeouts, "seconds for single steps, by their names"),
    "keepalive": Key(_seconds("keepalive"), "seconds of silence before a keepalive"),
    "keepalive_count": Key(_count("keepalive_count"), "how many may go unanswered"),
    "environment": Key(_environment, "names and values to set in the channel"),
    DRIVER_OPTIONS: Key(
        _driver_option,
        "tables of options that one driver alone has, by the driver's name; those that are secret "
        "are references",
        # No value is shown here: which are secret the driver says, which may not be installed.
        lambda _given, read: str(read) if isinstance(read, Secret) else "",
    ),
}
"""What a device, a group and the defaults may have; a value means what it means to `connect`."""

REFUSED: Final[Mapping[str, str]] = {
    "hostkey_verify": "host keys are always verified; add the device's to known_hosts",
    "unknown_host_cb": "host keys are always verified; add the device's to known_hosts",
    "accept_new": "an inventory accepts no unknown host key; `ncwire probe` shows it",
    "user": "the key is username",
    "key": "the key is key_filename",
}
"""Keys that somebody might expect, and why there are none such."""
