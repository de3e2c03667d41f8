"""NETCONF documents as far as a transport needs them: hello, and the root of what comes.

Whatever the peer sent is read with defusedxml, and a DOCTYPE is refused, with the entity
declarations and external references that only a DOCTYPE can bring.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from defusedxml import DefusedXmlException, DTDForbidden
from defusedxml.ElementTree import ParseError, fromstring, iterparse

from ncwire._protocol.capabilities import Capabilities
from ncwire._protocol.root_fastpath import plain_root
from ncwire.errors import (
    ForbiddenXMLError,
    HelloMalformedError,
    HelloMissingError,
    HelloSessionIdError,
    MessageError,
    OptionError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from xml.etree.ElementTree import Element

BASE_NS = "urn:ietf:params:xml:ns:netconf:base:1.0"
"""The namespace of `<hello>`, `<rpc>` and `<rpc-reply>`, in every version of NETCONF."""
CAPABILITY_NS = "urn:ietf:params:netconf:base:1.0"
"""The URI of the capability base:1.0, which some devices use as that namespace: Cisco's classic
IOS and CSR 1000v (ncclient 0.7, `perform_qualify_check` of its device handlers)."""
NOTIFICATION_NS = "urn:ietf:params:xml:ns:netconf:notification:1.0"
"""The namespace of `<notification>` (RFC 5277)."""
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'

_EXCERPT = 60
_FIRST_PIECE = 512
_SESSION_ID = re.compile(r"0*([1-9][0-9]{0,9})", re.ASCII)
_MAX_SESSION_ID = 4294967295

# Expat's own; an encoding that it or Python does not know; a str that UTF-8 cannot express.
_UNREADABLE = (ParseError, LookupError, ValueError)


def spellings(name: str) -> frozenset[str]:
    """Return the qualified names by which devices mean an element of NETCONF's own.

    RFC 6241's namespace, the capability's URI, and none, as old IOS and old Junos have it.
    """
    return frozenset({f"{{{BASE_NS}}}{name}", f"{{{CAPABILITY_NS}}}{name}", name})


class Hello(NamedTuple):
    """A server's hello: its session-id, as a string, and its capabilities.

    The session-id is None where there is none, and none is required.
    """

    session_id: str | None
    capabilities: Capabilities


_HELLO = spellings("hello")


def build_hello(capabilities: Iterable[str], prefix: str = "") -> bytes:
    """Return a client's hello with these capabilities, in UTF-8 (RFC 6241 section 8.1).

    Its elements have the prefix, or are in the default namespace.
    """
    nc, xmlns = (f"{prefix}:", f"xmlns:{prefix}") if prefix else ("", "xmlns")
    listed = "".join(f"<{nc}capability>{escaped(uri)}</{nc}capability>" for uri in capabilities)
    # With its declaration, which some devices insist on (CSR 1000v).
    return (
        f"{DECLARATION}"
        f'<{nc}hello {xmlns}="{BASE_NS}"><{nc}capabilities>{listed}</{nc}capabilities></{nc}hello>'
    ).encode()


def parse_hello(raw: str | bytes, *, require_session_id: bool = True) -> Hello:
    """Read a server's hello (RFC 6241 section 8.1).

    White space in a URI is dropped, elements that the RFC does not know are passed over. A
    hello without a namespace, or in the capability's, is accepted: see `spellings`.

    Raises `HelloMissingError` for another document, `HelloMalformedError` for what is not well-
    formed, has no capabilities or one that is no URI, `HelloSessionIdError` unless it has one
    session-id from 1 to 4294967295, and `ForbiddenXMLError`. Where none is required it may be
    missing or empty.
    """
    try:
        root: Element = fromstring(
            raw.lstrip(), forbid_dtd=True, forbid_entities=True, forbid_external=True
        )
    except DefusedXmlException as error:
        raise _forbidden("the hello", raw, error) from error
    except _UNREADABLE as error:
        raise HelloMalformedError(
            f"hello: the server's is not well-formed: {error}: {_excerpt(raw)}"
        ) from error
    if root.tag not in _HELLO:
        raise HelloMissingError(f"hello: the server sent {root.tag} where its hello was due")
    capabilities = _capabilities(root)
    if not capabilities:
        raise HelloMalformedError("hello: the server's has no capabilities")
    return Hello(_session_id(root, require_session_id), capabilities)


def read_root(raw: str | bytes) -> tuple[str, dict[str, str]]:
    """Return the name of a document's root element, and its attributes.

    Names are qualified, "{namespace}local", where they have a namespace. No more of the
    document is read than its beginning, so the cost does not depend on its size, and what
    follows the root's start tag need not be well-formed. White space, comments and processing
    instructions before it are passed over.

    Raises `ForbiddenXMLError`, and `MessageError` when there is no root element.
    """
    if isinstance(raw, str) and (plain := plain_root(raw)) is not None:
        return plain
    try:
        _, root = next(
            iterparse(
                _Pieces(raw),
                events=("start",),
                forbid_dtd=True,
                forbid_entities=True,
                forbid_external=True,
            )
        )
    except DefusedXmlException as error:
        raise _forbidden("the message", raw, error) from error
    except _UNREADABLE as error:
        raise MessageError(
            f"the message has no readable root element: {error}: {_excerpt(raw)}"
        ) from error
    return root.tag, dict(root.attrib)


class _Pieces:
    """A document as a file, without white space before it, in pieces of growing size.

    The first is small, for all of it is parsed; each later one is twice as large, for expat
    before 2.6.0 reads an unfinished tag anew with every piece.
    """

    def __init__(self, raw: str | bytes) -> None:
        self._raw = raw
        self._at = 0
        self._size = _FIRST_PIECE
        self._begun = False

    def read(self, _size: int = -1) -> Any:  # what it is given, str or bytes
        while piece := self._raw[self._at : self._at + self._size]:
            self._at += len(piece)
            self._size *= 2
            if not self._begun:
                piece = piece.lstrip()
                self._begun = bool(piece)
            if piece:
                break
        return piece


def escaped(text: str) -> str:
    """Return text as it stands in an element or in a quoted attribute."""
    # As xml.sax.saxutils has it, which brings in urllib.request, http and email.
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace('"', "&quot;")


def _capabilities(root: Element) -> Capabilities:
    uris = (
        uri
        for listed in _children(root, "capabilities")
        for capability in _children(listed, "capability")
        if (uri := "".join((capability.text or "").split()))
    )
    try:
        return Capabilities(uris)
    except OptionError as error:
        # To a user it is an argument that is wrong; here the peer is.
        raise HelloMalformedError(f"hello: the server's has {error}") from error


def _session_id(root: Element, required: bool) -> str | None:  # noqa: FBT001 - from above
    texts = [child.text or "" for child in _children(root, "session-id")]
    if not required and not "".join(texts).strip():
        return None
    if not texts:
        raise HelloSessionIdError(
            "hello: the server's has no session-id; require_session_id=False, or "
            "received.require_session_id = false in its profile, takes it all the same"
        )
    if len(texts) != 1:
        raise HelloSessionIdError(f"hello: the server's has {len(texts)} session-ids")
    number = _SESSION_ID.fullmatch(texts[0].strip())
    if number is None or int(number[1]) > _MAX_SESSION_ID:
        raise HelloSessionIdError(
            f"hello: the server's session-id is not from 1 to {_MAX_SESSION_ID}: "
            f"{_excerpt(texts[0])}"
        )
    return number[1]


def _children(parent: Element, name: str) -> Iterator[Element]:
    names = spellings(name)
    return (child for child in parent if child.tag in names)


def _forbidden(what: str, raw: str | bytes, error: DefusedXmlException) -> ForbiddenXMLError:
    found = "a DOCTYPE"
    if isinstance(error, DTDForbidden) and error.sysid is not None:
        found = "a DOCTYPE with an external reference"
    elif "<!ENTITY" in _text(raw[:_FIRST_PIECE]):
        found = "a DOCTYPE with an entity declaration"
    return ForbiddenXMLError(f"{what} has {found}, which is refused: {_excerpt(raw)}")


def _excerpt(raw: str | bytes) -> str:
    return repr(_text(raw[: _EXCERPT * 4])[:_EXCERPT])


def _text(raw: str | bytes) -> str:
    return raw if isinstance(raw, str) else raw.decode(errors="replace")
