"""A jump host as it is written: "[user@]host[:port]" or "ssh://...", read as ssh reads it."""

from __future__ import annotations

from ncwire._ssh.options.jumps import parse
from ncwire._ssh.options.parameters import Jump
from ncwire.errors import OptionError
from targets.property import agree, outcome, require

TOKENS = (
    b"ssh://",
    b"@",
    b":",
    b"[",
    b"]",
    b"22",
    b"host",
    b"::1",
    b"/",
    b"%40",
    b"%",
    b"\xc2\xb2",
)
LONGEST = 256
_NOT_WRITTEN_AGAIN = frozenset("@:[]/%")


def one(data: bytes) -> None:
    """Read a jump host."""
    text = data.decode(errors="replace")
    found = outcome(lambda: parse(text), OptionError)
    if not isinstance(found, Jump):
        return
    require(found.port is None or found.port >= 0, "a port is a number")
    if _NOT_WRITTEN_AGAIN.isdisjoint(f"{found.host}{found.username or ''}"):
        user = f"{found.username}@" if found.username else ""
        port = "" if found.port is None else f":{found.port}"
        agree("what is read is read again", found, parse(f"{user}[{found.host}]{port}"))
