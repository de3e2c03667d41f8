"""A server's stream, from its hello on, whatever it says and however it is cut.

An input without a hello is what comes after one: in chunks if it begins with a line feed, with end
markers if not.
"""

from __future__ import annotations

from ncwire._protocol.capabilities import default_client_capabilities
from ncwire._protocol.client import Protocol
from ncwire._protocol.framing import Limits
from targets import streams

TOKENS = (
    b"]]>]]>", b"\n##\n", b"\n#1\n", b"\n#4\n<a/>\n##\n", b"<a/>", b"<rpc-reply ",
    b"<notification ", b' message-id="1"', b' xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"',
    b"<!DOCTYPE a>", b'<?xml version="1.0" encoding="UTF-8"?>', b"<!--x-->", b"\xff", b"\xc3\xa9",
    b"&amp;", b"<hello", b"<capability>urn:ietf:params:netconf:base:1.1</capability>",
    b"<session-id>1</session-id>",
)  # fmt: skip
LONGEST = 1024
_LIMITS = Limits(message=600, hello=700)


def one(data: bytes) -> None:
    """Hear a server."""
    stream = streams.from_server(data)
    streams.check(_protocol, stream)
    streams.check_diverted(_protocol, stream)


def _protocol() -> Protocol:
    return Protocol(default_client_capabilities(), _LIMITS)
