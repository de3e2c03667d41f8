"""URLs of NETCONF servers: `netconf+DRIVER://USER@HOST:PORT?profile=NAME&OPTION=VALUE`.

The generic syntax is RFC 3986's. NETCONF has no registered scheme; the word behind the "+" is a
driver's name, as SQLAlchemy has it. What is behind the host is that driver's own: the path is its
option `path`, and each name of the query but `profile` is the option of that name.
"""

from __future__ import annotations

import re
import urllib.parse
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from ncwire._plugins import registry
from ncwire._plugins.driver_options import PerDriver, Written
from ncwire._plugins.option_values import key_of
from ncwire.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEME: Final = "netconf"
PROFILE: Final = "profile"
PATH: Final = "path"
_HIGHEST_PORT = 65535
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+._-]*", re.ASCII)
_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_PLACE = "the URL"


@dataclass(frozen=True, slots=True, kw_only=True)
class URL:
    """What a URL says; None, or nothing, of what it leaves open."""

    host: str | None
    port: int | None = None
    username: str | None = None
    driver: str | None = None
    profile: str | None = None
    driver_options: Mapping[str, Written] = field(default_factory=lambda: MappingProxyType({}))

    def check_names(self) -> None:
        """Raise `OptionError` for an option that the driver has not.

        The driver is imported; raises a `DriverError` where there is none of that name.
        """
        if self.driver is None:
            return
        found = registry.find(self.driver)
        if found.transport == "unix" and self.host is not None and PATH in self.driver_options:
            raise _wrong(f"the host must be empty: {SCHEME}+{self.driver}:///PATH")
        known = [each.name for each in found.driver_options]
        for name in self.driver_options:
            if name == PATH and PATH not in known:
                raise _wrong(f"driver {self.driver!r} has no use for a path")
            if name not in known:
                have = ", ".join([PROFILE, *known])
                raise _wrong(f"driver {self.driver!r} has no option {name!r}; known here: {have}")

    def parameters(self) -> dict[str, Any]:
        """Return what it says as parameters of `ncwire.connect`, but for the driver's options."""
        said = {"port": self.port, "username": self.username}
        said |= {"driver": self.driver, "profile": self.profile}
        return {name: value for name, value in said.items() if value is not None}


def is_url(host: object) -> bool:
    """Tell whether what stands in the place of a host is a URL: no host has "://" in its name.

    One that lacks the slashes is taken for a URL, so that it is told what is wrong.
    """
    return isinstance(host, str) and ("://" in host or _without_slashes(host))


def _without_slashes(text: str) -> bool:
    scheme, colon, _ = text.partition(":")
    word, plus, _ = scheme.partition("+")
    return bool(colon and plus) and word.lower() == SCHEME


def parse(text: str) -> URL:
    """Return what a URL says. Whether the driver has those options is left to `check_names`.

    Raises `OptionError` for one that is not of the form, that has a password, or another scheme.
    The text never repeats what may be part of a password.
    """
    scheme, slashes, rest = text.partition("://")
    if not slashes:
        raise _wrong(f"// is missing: {SCHEME}+DRIVER://HOST, or {SCHEME}+unix:///PATH")
    driver = _driver(scheme)
    if any(character.isspace() or not character.isprintable() for character in rest):
        raise _wrong("it has white space or a control character: write %20 and the like")
    if _ESCAPE.search(rest):
        raise _wrong("a % is not followed by two hexadecimal digits: write %25 for itself")
    if "#" in rest:
        raise _wrong("a # means nothing here: write %23 for itself")
    before, _, query = rest.partition("?")
    authority, slash, path = before.partition("/")
    if "@" in path + query:
        # A password with a "/" or a "?" in it makes it look so.
        raise _wrong("an @ behind the host: write %40 for itself")
    host, port, username = _authority(authority)
    if host is None and driver is None:
        raise _wrong("the host is missing")
    profile, options = _query(query, driver)
    if path:
        if driver is None:
            raise _wrong(f"a path is an option of a driver's, which {SCHEME}+DRIVER:// names")
        options[PATH] = Written(_PLACE, (_decoded(slash + path),), passed_on=True)
    return URL(
        host=host,
        port=port,
        username=username,
        driver=driver,
        profile=profile,
        driver_options=MappingProxyType(options),
    )


def spelled_out(host: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of `ncwire.connect` that a URL and the others beside it come to.

    `given` are those that the caller gave. Raises what `parse` and `check_names` do, and
    `OptionError` for what is given in both.
    """
    url = parse(host)
    url.check_names()
    said = url.parameters()
    for name in said:
        if given.get(name) is not None:
            raise OptionError(name, "is given in the URL already")
    return {**given, **said, **with_options_of(url, given), "host": url.host}


def with_options_of(url: URL, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameter `driver_options`, or none, with those of the URL. See `spelled_out`."""
    if not url.driver_options:
        return {}
    own = given.get("driver_options") or {}
    tables = own if isinstance(own, PerDriver) else PerDriver({PerDriver.IN_USE: own})
    in_use = tables.get(PerDriver.IN_USE, {})
    for name in url.driver_options:
        if name in in_use:
            raise OptionError(key_of(name), "is given in the URL already")
    merged = PerDriver({**tables, PerDriver.IN_USE: {**in_use, **url.driver_options}})
    return {"driver_options": merged}


def _driver(scheme: str) -> str | None:
    word, plus, driver = scheme.partition("+")
    if not _SCHEME.fullmatch(scheme):
        raise _wrong("what stands before :// is no scheme")  # it may be a user and a password
    if word.lower() != SCHEME or (plus and not driver):
        known = ", ".join([SCHEME, *(f"{SCHEME}+{name}" for name in registry.names())])
        raise _wrong(f"the scheme {scheme!r} is not known; these are: {known}")
    # A scheme's case means nothing (RFC 3986 section 3.1).
    fitting = (name for name in registry.names() if name.lower() == driver.lower())
    return next(fitting, driver) or None


def _authority(authority: str) -> tuple[str | None, int | None, str | None]:
    userinfo, at, place = authority.rpartition("@")
    if ":" in userinfo:
        raise _wrong(
            "a password does not belong into a URL, which others can read: leave it out, and the "
            "colon before it"
        )
    if at and not userinfo:
        raise _wrong("the user's name before the @ is empty")
    if place.startswith("["):
        host, bracket, port = place[1:].partition("]")
        if not bracket or ":" not in host or (port and not port.startswith(":")):
            raise _wrong("an IPv6 address stands in brackets, and a port after these and a colon")
        port = port[1:]
    else:
        host, _, port = place.partition(":")
    if port and not (port.isascii() and port.isdigit() and 0 < int(port[:6]) <= _HIGHEST_PORT):
        raise _wrong(
            f"the port is no number from 1 to {_HIGHEST_PORT} (an IPv6 address is in brackets)"
        )
    return (
        _decoded(host) or None,
        int(port) if port else None,
        _decoded(userinfo) or None,
    )


def _query(query: str, driver: str | None) -> tuple[str | None, dict[str, Written]]:
    profile: str | None = None
    texts: dict[str, tuple[str, ...]] = {}
    for pair in filter(None, query.split("&")):
        name, equals, value = pair.partition("=")
        name = _decoded(name)
        if not equals:
            raise _wrong(f"{name!r} in the query is not NAME=VALUE")
        if name == PROFILE:
            if profile is not None or not value:
                raise _wrong("one profile can be named, and has a name")
            profile = _decoded(value)
        elif driver is None:
            raise _wrong(
                f"{name!r} is not known here, but {PROFILE}; options of a driver's need its name, "
                f"{SCHEME}+DRIVER://"
            )
        else:
            texts[name] = (*texts.get(name, ()), _decoded(value))
    return profile, {name: Written(_PLACE, each, passed_on=True) for name, each in texts.items()}


def _decoded(text: str) -> str:
    try:
        return urllib.parse.unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise _wrong("what is percent-encoded is not UTF-8") from None


def _wrong(problem: str) -> OptionError:
    return OptionError("host", f"in this URL {problem}")
