"""Every option of a device profile: its key in TOML, what it means, and what it may be."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from ncwire._protocol.capabilities import Capabilities
from ncwire._protocol.dialect import extends_ascii
from ncwire._protocol.framing import MAX_CHUNK_SIZE
from ncwire.driver.features import Feature
from ncwire.driver.seconds import LONGEST
from ncwire.errors import OptionError

_HIGHEST_PORT = 65535
_NCNAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_IN_NO_ATTRIBUTE = re.compile(r"[\s<>\"'\x00-\x20\ud800-\udfff\ufffe\uffff]")
_AUTH_METHODS = ("publickey", "keyboard-interactive", "password")
_BASES = ("1.0", "1.1")

Reader = Callable[[object], object]


@dataclass(frozen=True, slots=True)
class Option:
    """One option. `read` returns the value as `DeviceProfile` holds it, or raises ValueError."""

    key: str
    """As in TOML, with dots for tables: "rpc.prefix"."""
    path: str
    """Where in a `DeviceProfile` the value is: "dialect.rpc_prefix"."""
    meaning: str
    allowed: str
    read: Reader


def _text(value: object) -> str:
    if not isinstance(value, str) or _CONTROL.search(value):
        raise ValueError
    return value


def _name(value: object) -> str:
    text = _text(value)
    if not text.strip():
        raise ValueError
    return text


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise ValueError  # noqa: TRY004 - one error for whatever is not allowed
    return tuple(_name(each) for each in value)


def _names(value: object) -> tuple[str, ...]:
    names = _texts(value)
    if len(set(names)) != len(names):
        raise ValueError
    return names


def _drivers(value: object) -> tuple[str, ...]:
    names = _names([value] if isinstance(value, str) else value)
    if not names:
        raise ValueError
    return names


def _some_of(*known: str) -> Reader:
    def read(value: object) -> tuple[str, ...]:
        names = _names(value)
        if not names or not set(names) <= set(known):
            raise ValueError
        return names

    return read


def _features(value: object) -> tuple[Feature, ...]:
    if isinstance(value, tuple) and all(isinstance(each, Feature) for each in value):
        return value
    return tuple(Feature(name) for name in _names(value))


def _number(least: float, most: float, *, above: bool = False) -> Reader:
    def read(value: object) -> float | None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError  # noqa: TRY004 - one error for whatever is not allowed
        if not least <= value <= most or (above and value == least):
            raise ValueError
        return float(value)

    return read


def _whole(least: int, most: int) -> Reader:
    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError
        return value

    return read


def _switch(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError  # noqa: TRY004 - one error for whatever is not allowed
    return value


def _command(value: object) -> str | None:
    return None if value is None else (_text(value).strip() or None)


def _uris(value: object) -> tuple[str, ...]:
    try:
        return tuple(Capabilities(_names(value)))
    except OptionError as error:
        raise ValueError from error


def _prefix(value: object) -> str:
    text = _text(value)
    if text and (not _NCNAME.fullmatch(text) or text.lower().startswith("xml")):
        raise ValueError
    return text


def _encoding(value: object) -> str:
    name = _text(value)
    if name and not extends_ascii(name):
        raise ValueError
    return name


def _namespaces(value: object) -> tuple[tuple[str, str], ...]:
    pairs = value.items() if isinstance(value, Mapping) else value
    if not isinstance(pairs, tuple | type({}.items())):
        raise ValueError  # noqa: TRY004 - one error for whatever is not allowed
    read = []
    for prefix, uri in pairs:
        if not _prefix(prefix) or _IN_NO_ATTRIBUTE.search(_name(uri)) or "&" in uri:
            raise ValueError
        read.append((prefix, uri))
    return tuple(read)


_SECONDS = "a number of seconds, more than 0 and up to a million"
_STRINGS = "a list of strings"
_KINDS = {
    "kex": "key exchanges",
    "host_keys": "host key algorithms",
    "ciphers": "ciphers",
    "macs": "MACs",
    "compression": "compression methods",
}
_TIMEOUTS = {
    "connect": "name resolution and TCP connect",
    "handshake": "SSH identification and key exchange",
    "auth": "each authentication attempt",
    "channel": "opening the channel and starting the subsystem",
    "hello": "the server's hello",
    "rpc": "a reply",
    "close": "ending the session",
    "overall": "all of ``connect``",
}
_LIMITS = {
    "message": ("any message but the first", 1, 2**62),
    "hello": ("the server's hello", 1, 2**62),
    "chunk_header": ("a chunk header", 4, MAX_CHUNK_SIZE),
}
_POLICY = {
    "allow": "offered besides ncwire's own, as the last resort",
    "prefer": "offered first",
    "forbid": "not offered",
}

_ALL: Final = (
    Option(
        "description", "description",
        "What the profile is for, in a line.",
        "a line of text", _text,
    ),
    Option(
        "notes", "notes",
        "What is known about the family beyond the options; only shown.",
        _STRINGS, _texts,
    ),
    Option(
        "driver", "driver",
        "The driver, or several in order of preference: the first that is available and can do "
        "what is needed is taken.",
        "a driver's name, or a list of different ones", _drivers,
    ),
    Option(
        "requires.features", "requires.features",
        "What the driver must be able to do, in the words of ``ncwire drivers --json``.",
        "a list of some of " + ", ".join(feature.value for feature in Feature), _features,
    ),
    *(
        Option(
            f"requires.{kind}", f"requires.algorithms.{kind}",
            f"The {what} of which the driver must have at least one.",
            "a list of algorithms' names", _names,
        )
        for kind, what in _KINDS.items()
    ),
    Option(
        "port", "port",
        "The port, unless ssh_config has one for the host.",
        f"a whole number from 1 to {_HIGHEST_PORT}", _whole(1, _HIGHEST_PORT),
    ),
    Option(
        "subsystems", "subsystems",
        "The SSH subsystems to try, in this order.",
        "a list of different names", _names,
    ),
    Option(
        "command", "command",
        "What is executed when the server has refused every subsystem, or when there are none; "
        '"" is none.',
        "a command in a line", _command,
    ),
    Option(
        "auth_methods", "auth_methods",
        "The authentication methods to try, in this order, unless ssh_config has "
        "PreferredAuthentications.",
        "a list of some of " + ", ".join(_AUTH_METHODS), _some_of(*_AUTH_METHODS),
    ),
    Option(
        "keepalive", "keepalive",
        "After how many seconds of silence the peer must answer; 0 is never. ssh_config's "
        "ServerAliveInterval wins.",
        "a number of seconds, from 0 to a million", _number(0, LONGEST),
    ),
    Option(
        "keepalive_count", "keepalive_count",
        "How many keepalives in a row may go unanswered. ssh_config's ServerAliveCountMax wins.",
        "a whole number from 1 to 1000", _whole(1, 1000),
    ),
    Option(
        "pause", "pause",
        "How many seconds ``connect`` waits after the hellos before it returns the session.",
        "a number of seconds, from 0 to 60", _number(0, 60),
    ),
    Option(
        "capabilities", "capabilities",
        "The URIs of our hello, in place of ncwire's own two, base 1.0 and 1.1.",
        "a list of different URIs", _uris,
    ),
    Option(
        "extra_capabilities", "extra_capabilities",
        "URIs of our hello besides those.",
        "a list of different URIs", _uris,
    ),
    Option(
        "base", "base",
        'The versions of NETCONF that we offer: ["1.0"] forces end-of-message framing.',
        "a list of some of " + ", ".join(_BASES), _some_of(*_BASES),
    ),
    Option(
        "hello.prefix", "dialect.hello_prefix",
        'The namespace prefix of our hello\'s elements; "" is the default namespace.',
        'an XML name without a colon, or ""', _prefix,
    ),
    Option(
        "rpc.prefix", "dialect.rpc_prefix",
        'The namespace prefix of ``<rpc>``; "" is the default namespace. The default namespace '
        "is declared either way, so that operations need no prefix.",
        'an XML name without a colon, or ""', _prefix,
    ),
    Option(
        "rpc.declaration", "dialect.rpc_declaration",
        "Whether each rpc begins with an XML declaration, as our hello always does.",
        "true or false", _switch,
    ),
    Option(
        "rpc.namespaces", "dialect.rpc_namespaces",
        "Prefixes and their URIs that ``<rpc>`` declares besides.",
        "a table of prefixes and URIs", _namespaces,
    ),
    Option(
        "received.drop_control_characters", "dialect.drop_control_characters",
        "Whether characters that XML forbids, NUL among them, are dropped from what the server "
        "sends. Without it they are handed over as they came.",
        "true or false", _switch,
    ),
    Option(
        "received.encoding", "dialect.encoding",
        "The encoding of messages that are not UTF-8, as a whole; those that are stay UTF-8. "
        '"": the rpc of such a reply fails.',
        'an encoding that Python knows and in which ASCII is ASCII, as "latin-1" or "gb18030", '
        'or ""', _encoding,
    ),
    Option(
        "received.mend_split_tags", "dialect.mend_split_tags",
        "Whether white space inside the name of a tag is dropped from the server's hello, which "
        "otherwise is not well-formed.",
        "true or false", _switch,
    ),
    Option(
        "received.require_session_id", "dialect.require_session_id",
        "Whether the server's hello must have a session-id, as RFC 6241 says. Without one the "
        "session has no ``id``.",
        "true or false", _switch,
    ),
    *(
        Option(
            f"timeouts.{step}", f"timeouts.{step}",
            f"The budget of {what}.",
            _SECONDS, _number(0, LONGEST, above=True),
        )
        for step, what in _TIMEOUTS.items()
    ),
    *(
        Option(
            f"limits.{limit}", f"limits.{limit}",
            f"How long {what} may be, in bytes.",
            f"a whole number of {least} or more", _whole(least, most),
        )
        for limit, (what, least, most) in _LIMITS.items()
    ),
    *(
        Option(
            f"algorithms.{word}.{kind}", f"algorithms.{word}.{kind}",
            f"The {what} that are {how}.",
            "a list of algorithms' names", _names,
        )
        for word, how in _POLICY.items()
        for kind, what in _KINDS.items()
    ),
)  # fmt: skip

OPTIONS: Final[Mapping[str, Option]] = MappingProxyType({each.key: each for each in _ALL})
"""All options by key, in the order in which they are shown."""

TABLES: Final = tuple(
    dict.fromkeys(
        key[:at] for key in OPTIONS for at, character in enumerate(key) if character == "."
    )
)
"""The keys that are TOML tables of options, with dots for tables in them."""

_HOST_KEYS = (
    "a profile says nothing about host keys: they are verified for every device alike; see "
    "load_known_hosts, hostkey_b64 and accept_new of connect"
)
_CREDENTIALS = "a profile holds no credentials: they are the device's or the user's own"

REFUSED: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(
            (
                *("hostkey_verify", "unknown_host_cb", "hostkey_b64", "accept_new"),
                *("known_hosts", "look_for_hostkeys", "stricthostkeychecking"),
                *("strict_host_key_checking", "host_key_checking", "userknownhostsfile"),
            ),
            _HOST_KEYS,
        ),
        **dict.fromkeys(
            ("password", "passphrase", "username", "user", "key_filename", "auth_handler"),
            _CREDENTIALS,
        ),
    }
)
"""What people write that has no place in a profile, in small letters, and why."""
