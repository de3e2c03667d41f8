"""From what nornir's inventory says of a host to the parameters of `ncwire.connect`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ncwire._plugins.url import is_url
from ncwire._plugins.url import parse as parse_url
from ncwire._protocol.framing import Limits
from ncwire._ssh.options.parameters import Jump, exists
from ncwire._transports.driver_choice import SSH, candidate
from ncwire._transports.session import as_profile
from ncwire.contrib.nornir.platforms import profile_of
from ncwire.driver import Feature
from ncwire.errors import OptionError
from ncwire.inventory.schema import KEYS
from ncwire.inventory.values import Invalid

if TYPE_CHECKING:
    from nornir.core.configuration import Config

    from ncwire.driver import Backend

_LOGINS: Final = frozenset({Feature.PASSWORD, Feature.PUBLICKEY, Feature.KEYBOARD_INTERACTIVE})
_ELSEWHERE: Final = {"host": "hostname", "port": "port"} | {
    name: name for name in ("username", "password")
}
"""Parameters that the inventory has a place of its own for."""


def settled(
    hostname: str | None,
    username: str | None,
    password: str | None,
    port: int | None,
    platform: str | None,
    extras: Mapping[str, Any] | None,
    configuration: Config | None,
) -> dict[str, Any]:
    """Return the parameters of `ncwire.connect`, `hub` as it was given.

    `extras` are such parameters; what is an object there may be a table here, for an inventory
    is often YAML: `timeouts`, `limits`, `algorithms`, each of `jumps`. What they do not say comes
    from the rest: the profile from `platform`, and over SSH the configuration's `ssh.config_file`,
    if that file is there. User and password mean nothing to a transport without a login, and are
    left out there. Raises `OptionError` and `ProfileError`.
    """
    given = {name: _value(name, value) for name, value in (extras or {}).items()}
    for name, place in _ELSEWHERE.items():
        if name in given:
            raise OptionError(
                f"extras.{name}", f"stands beside extras in the inventory, as its {place}"
            )
    url = parse_url(hostname) if hostname is not None and is_url(hostname) else None
    said = {} if url is None else url.parameters()
    if "profile" not in given and "profile" not in said:
        given["profile"] = profile_of(platform)
    given["host"] = hostname
    if port is not None:
        given["port"] = port
    driver = _driver(given | said)
    if driver is None or driver.transport == SSH or not _LOGINS.isdisjoint(driver.features):
        given |= {"password": password} | ({} if username is None else {"username": username})
    if driver is not None and driver.transport != SSH:
        return given
    config_file = None if configuration is None else configuration.ssh.config_file
    if "ssh_config" not in given and config_file and exists(config_file):
        given["ssh_config"] = config_file
    return given


def _driver(given: Mapping[str, Any]) -> type[Backend] | None:
    profile = given.get("profile")
    return candidate(given.get("driver"), None if profile is None else as_profile(profile))


def _value(name: str, value: Any) -> Any:
    if name == "jumps" and isinstance(value, list | tuple):
        return [_made(name, Jump, hop) if isinstance(hop, Mapping) else hop for hop in value]
    if not isinstance(value, Mapping):
        return value
    if name == "limits":
        return _made(name, Limits, value)
    if name in ("timeouts", "algorithms"):
        try:
            return KEYS[name].read(value, Path())
        except Invalid as error:
            raise OptionError(f"extras.{name}", str(error)) from None
    return value


def _made(name: str, kind: Any, given: Mapping[str, Any]) -> Any:
    known = list(kind.__dataclass_fields__)
    for each in given:
        if each not in known:
            raise OptionError(f"extras.{name}", f"has no {each!r}; there are {', '.join(known)}")
    try:
        return kind(**given)
    except TypeError:
        raise OptionError(f"extras.{name}", f"lacks one of {', '.join(known)}") from None
