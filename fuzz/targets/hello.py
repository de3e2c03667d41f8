"""A server's hello: what is taken for one is one, and means what it says."""

from __future__ import annotations

from ncwire._protocol.messages import BASE_NS, build_hello, parse_hello
from ncwire.errors import ForbiddenXMLError, HelloError
from targets import expat
from targets.property import Raised, agree, outcome, require

TOKENS = (
    b"<hello ", b"<hello>", b"</hello>", b"<capabilities>", b"</capabilities>", b"<capability>",
    b"</capability>", b"<session-id>", b"</session-id>", b"4294967295", b"4294967296", b"0",
    b"-1", b'xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"', b"xmlns:nc=", b"nc:",
    b"<!DOCTYPE hello [", b'<!ENTITY a "b">', b"&a;", b"&#10;", b"<![CDATA[", b"]]>", b"<!--",
    b"-->", b"\xef\xbb\xbf", b'<?xml version="1.0" encoding="UTF-8"?>', b'encoding="utf-16"',
    b"urn:x?a=b&amp;c", b"\xff",
)  # fmt: skip
LONGEST = 4096
_ROOTS = (f"{BASE_NS}}}hello", "hello")


def one(data: bytes) -> None:
    """Read a hello."""
    found = outcome(lambda: parse_hello(data), (HelloError, ForbiddenXMLError))
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return
    as_text = outcome(lambda: parse_hello(text), (HelloError, ForbiddenXMLError))
    if isinstance(as_text, Raised):
        return
    judged = expat.judge(text.lstrip().encode())
    require(judged.well_formed, "a hello that is not well-formed is refused")
    require(not judged.doctype, "a hello with a DOCTYPE is refused")
    require(judged.root in _ROOTS, "what is not a hello is refused")
    if "encoding" not in text:  # bytes are in the encoding that they name, text is text
        agree("bytes are read as their text is", as_text, found)
    session_id, capabilities = parse_hello(text)
    require(session_id == str(int(session_id)), "a session-id is a number")
    require(1 <= int(session_id) < 1 << 32, "a session-id is from 1 to 4294967295")
    require(len(capabilities) > 0, "a hello without capabilities is refused")
    written = build_hello(capabilities).decode()
    end = f"<session-id>{session_id}</session-id></hello>"
    agree("what is read is read again", as_text, parse_hello(written.replace("</hello>", end)))
