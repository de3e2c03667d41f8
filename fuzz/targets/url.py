"""A URL of a NETCONF server: read, written and read again; no password comes out of it."""

from __future__ import annotations

import urllib.parse

from ncwire._plugins.url import URL, parse
from ncwire.errors import OptionError
from targets.property import Raised, agree, outcome, require

TOKENS = (
    b"netconf://", b"netconf+", b"unix", b"://", b"@", b":", b"[", b"]", b"22", b"host", b"::1",
    b"/", b"?", b"&", b"=", b"#", b"profile=", b"path=", b"%40", b"%", b"%25eth0", b"\xc2\xb2",
)  # fmt: skip
LONGEST = 256
_PASSWORD = "Hunter2Hunter2"


def one(data: bytes) -> None:
    """Read a URL, and one with a password in it."""
    text = data.decode(errors="replace")
    found = outcome(lambda: parse(text), OptionError)
    if isinstance(found, URL):
        _agrees(found)
    head, _, tail = text.partition("\n")
    for spoilt in (f"netconf://{head}:{_PASSWORD}{tail}@r1", f"{head}:{_PASSWORD}@{tail}"):
        refused = outcome(lambda url=spoilt: parse(url), OptionError)
        told = refused.text if isinstance(refused, Raised) else ""
        require(_PASSWORD not in told, "an error does not repeat a password")
        require(
            isinstance(refused, Raised) or "@r1" not in spoilt, "a URL with a password is refused"
        )


def _agrees(found: URL) -> None:
    require(found.port is None or 0 < found.port < 1 << 16, "a port is one")
    require(found.host is not None or found.driver is not None, "there is a host, or a driver")
    agree("what is read is read again", found, parse(_written(found)))


def _written(url: URL) -> str:
    user = "" if url.username is None else f"{_quoted(url.username)}@"
    host = url.host or ""
    place = f"[{_quoted(host)}]".replace("%3A", ":") if ":" in host else _quoted(host)
    port = "" if url.port is None else f":{url.port}"
    pairs = [("profile", url.profile)] if url.profile is not None else []
    pairs += [(name, text) for name, each in url.driver_options.items() for text in each.texts]
    query = "&".join(f"{_quoted(name)}={_quoted(text)}" for name, text in pairs)
    scheme = "netconf" if url.driver is None else f"netconf+{url.driver}"
    return f"{scheme}://{user}{place}{port}?{query}"


def _quoted(text: str) -> str:
    return urllib.parse.quote(text, safe="")
