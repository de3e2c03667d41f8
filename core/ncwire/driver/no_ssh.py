"""What answers where an SSH server, or a device that calls home, was expected."""

from __future__ import annotations

import re
from typing import Final

from ncwire.driver import one_line

LONGEST: Final = 300
"""How many characters of what a peer says are shown."""

_WITHOUT_A_WORD: Final = (
    # OpenSSL 3.0 sends no alert to what is no TLS.
    "the peer closed without a word; it refuses the connection, or expects another protocol, "
    "such as TLS"
)
_OTHER_PROTOCOLS: Final = (
    # The records of an alert, which a server sends to what is no TLS, and of a client's hello.
    (re.compile(rb"[\x14-\x17]\x03[\x00-\x04]"), "TLS"),
    (re.compile(rb"HTTP/|\s*<(!doctype |)html", re.IGNORECASE), "HTTP"),
    (re.compile(rb"\xff[\xfb-\xfe]"), "telnet"),
    (re.compile(rb"\s*(<\?xml[^>]*>\s*)?<([^\s<>:]+:)?hello[\s>]"), "NETCONF without SSH"),
)


def other_protocol(said: bytes) -> str:
    """Return which protocol a peer speaks that begins so; "" for SSH and what is not known."""
    return next((name for pattern, name in _OTHER_PROTOCOLS if pattern.match(said)), "")


def no_identification(said: bytes) -> str:
    """Return why there is no SSH identification (RFC 4253 section 4.2), for a `HandshakeError`.

    `said` is what the peer sent in its place; of that the first lines stand in the text, cleaned
    and bounded ("Not allowed at this time", as OpenSSH says under PerSourcePenalties).
    """
    if name := other_protocol(said):
        return f"the peer speaks {name}, not SSH"
    text = " ".join(said[: 4 * LONGEST].decode("utf-8", "replace").split())
    if not text:
        return f"no SSH identification came: {_WITHOUT_A_WORD}"
    return f'no SSH identification came: the peer said "{one_line(text, LONGEST)}"'
