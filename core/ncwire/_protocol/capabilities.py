"""Capabilities: the URIs that client and server announce in their hellos (RFC 6241 section 8)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ncwire.driver.seconds import shown
from ncwire.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

BASE_1_0 = "urn:ietf:params:netconf:base:1.0"
BASE_1_1 = "urn:ietf:params:netconf:base:1.1"

_STANDARD = re.compile(r"urn:ietf:params:netconf:(?:capability:([^:]+)|(base)):([^:]+)")
_LEGACY_BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"
_LEGACY_CAPABILITY = "urn:ietf:params:xml:ns:netconf:capability:"
_MISSPELT = {"writeable-running": "writable-running"}  # IOS and IOS-XE
_NOT_IN_A_URI = re.compile(r"[\s\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Capability:
    """One capability; `namespace_uri` is its URI without the parameters after the "?"."""

    uri: str
    names: frozenset[str] = field(init=False, repr=False, compare=False)
    """Everything by which it is found in `Capabilities`."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", frozenset(_names(self.uri)))

    @property
    def namespace_uri(self) -> str:
        """The URI without its parameters."""
        return self.uri.partition("?")[0]

    @property
    def parameters(self) -> Mapping[str, str]:
        """The parameters, percent-decoded: {"scheme": "http,ftp"}, {"module": ..., ...}."""
        # Nothing else of a session needs it, and it takes long to import.
        from urllib.parse import parse_qsl  # noqa: PLC0415

        return dict(parse_qsl(self.uri.partition("?")[2], keep_blank_values=True))


class Capabilities:
    """The capabilities of a client or of a server: an ordered set of URIs.

    Where one is looked up (`in`, `[]`, `remove`), these stand for it: the URI, the URI without
    its parameters, and for those of the IETF the shorthand ":candidate" or, with its version,
    ":candidate:1.0"; likewise ":base" and ":base:1.1". Iteration gives the URIs as announced.

    Old spellings count for what they mean: `urn:ietf:params:xml:ns:netconf:base:1.0` and
    `urn:ietf:params:xml:ns:netconf:capability:...` (Junos), and IOS's `writeable-running`.

    Raises `OptionError` for what cannot be a URI: nothing, white space, control characters.
    """

    def __init__(self, uris: Iterable[str] = ()) -> None:
        if isinstance(uris, str | bytes):
            raise OptionError("capabilities", "give several URIs, in a list, not one string")
        if not isinstance(uris, Iterable):
            raise OptionError("capabilities", f"must be URIs, not {type(uris).__name__}")
        self._by_uri: dict[str, Capability] = {}
        for uri in uris:
            self.add(uri)

    def add(self, uri: str) -> None:
        """Add a capability at the end; one that is there already keeps its place."""
        if not _is_uri(uri):
            raise OptionError("capabilities", f"{shown(uri)} is no URI")
        self._by_uri.setdefault(uri, Capability(uri))

    def remove(self, key: str) -> None:
        """Remove every capability that `key` stands for; ignored if there is none."""
        for capability in self._all(key):
            del self._by_uri[capability.uri]

    def base_versions(self) -> tuple[str, ...]:
        """Return the versions of the protocol itself, "1.0" and "1.1", in their order."""
        return tuple(version for version in ("1.0", "1.1") if f":base:{version}" in self)

    def __getitem__(self, key: str) -> Capability:
        """Return the first capability that `key` stands for; raises KeyError."""
        for capability in self._all(key):
            return capability
        raise KeyError(key)

    def __contains__(self, key: object) -> bool:
        return any(key in capability.names for capability in self._by_uri.values())

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_uri)

    def __len__(self) -> int:
        return len(self._by_uri)

    def __eq__(self, other: object) -> bool:
        """Compare as sets: the order of a hello means nothing."""
        if not isinstance(other, Capabilities):
            return NotImplemented
        return self._by_uri.keys() == other._by_uri.keys()

    __hash__ = None  # type: ignore[assignment]  # it can change

    def __repr__(self) -> str:
        return f"Capabilities({list(self._by_uri)!r})"

    def _all(self, key: str) -> list[Capability]:
        return [each for each in self._by_uri.values() if key in each.names]


def default_client_capabilities() -> Capabilities:
    """Return what a client can claim by carrying messages: NETCONF 1.0 and 1.1.

    All other capabilities of RFC 6241 section 8 tell what a *server* does.
    """
    return Capabilities([BASE_1_0, BASE_1_1])


def _is_uri(given: object) -> bool:
    return isinstance(given, str) and given != "" and not _NOT_IN_A_URI.search(given)


def _names(uri: str) -> Iterator[str]:
    yield uri
    namespace_uri, _, query = uri.partition("?")
    yield namespace_uri
    # With a query, the legacy base URI is no base version: it is the namespace of the YANG
    # module ietf-netconf, which 1.1 servers announce ("...base:1.0?module=ietf-netconf&...").
    if (namespace_uri == _LEGACY_BASE and not query) or uri.startswith(_LEGACY_CAPABILITY):
        namespace_uri = namespace_uri.replace("xml:ns:", "", 1)
        yield namespace_uri
    standard = _STANDARD.fullmatch(namespace_uri)
    if standard is None:
        return
    name = standard[1] or standard[2]
    for spelling in (name, _MISSPELT.get(name, name)):
        yield f":{spelling}"
        yield f":{spelling}:{standard[3]}"
