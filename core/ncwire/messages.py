"""NETCONF documents as far as a transport needs them: hello, the root of a reply, `<rpc>`.

Whatever the peer sent is read with defusedxml, and a DOCTYPE is refused, with the entity
declarations and external references that only a DOCTYPE can bring.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from defusedxml import DefusedXmlException, DTDForbidden
from defusedxml.ElementTree import ParseError, fromstring, iterparse

from ncwire.capabilities import Capabilities
from ncwire.errors import (
    ForbiddenXMLError,
    HelloMalformedError,
    HelloMissingError,
    HelloSessionIdError,
    MessageError,
    OptionError,
)
from ncwire.plain_root import plain_root

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from xml.etree.ElementTree import Element

    from ncwire.dialect import Dialect

BASE_NS = "urn:ietf:params:xml:ns:netconf:base:1.0"
"""The namespace of `<hello>`, `<rpc>` and `<rpc-reply>`, in every version of NETCONF."""
NOTIFICATION_NS = "urn:ietf:params:xml:ns:netconf:notification:1.0"
"""The namespace of `<notification>` (RFC 5277)."""

_EXCERPT = 60
_FIRST_PIECE = 512
_SESSION_ID = re.compile(r"0*([1-9][0-9]{0,9})", re.ASCII)
_MAX_SESSION_ID = 4294967295
_XML_DECLARATION = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml\s.*?\?>\s*)?", re.DOTALL)
_MISCELLANEOUS = re.compile(rb"(?:\s+|<\?.*?\?>|<!--.*?-->)*", re.DOTALL)
_START_TAG = re.compile(rb"<(?:[^\s<>/?!:]+:)?([^\s<>/?!:]+)")
_PLAIN_OPERATION = re.compile(rb"<(?!rpc[\s/>])[A-Za-z_][A-Za-z0-9_.-]*+[\s/>]")
_DOCTYPE = b"<!DOCTYPE"
_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
_RPC = f'<rpc message-id="%b" xmlns="{BASE_NS}">%b</rpc>'.encode()

# Expat's own; an encoding that it or Python does not know; a str that UTF-8 cannot express.
_UNREADABLE = (ParseError, LookupError, ValueError)


class Hello(NamedTuple):
    """A server's hello: its session-id, as a string, and its capabilities."""

    session_id: str
    capabilities: Capabilities


def build_hello(capabilities: Iterable[str], prefix: str = "") -> bytes:
    """Return a client's hello with these capabilities, in UTF-8 (RFC 6241 section 8.1).

    Its elements have the prefix, or are in the default namespace.
    """
    nc, xmlns = (f"{prefix}:", f"xmlns:{prefix}") if prefix else ("", "xmlns")
    listed = "".join(f"<{nc}capability>{_escaped(uri)}</{nc}capability>" for uri in capabilities)
    # With its declaration, which some devices insist on (CSR 1000v).
    return (
        f"{_DECLARATION}"
        f'<{nc}hello {xmlns}="{BASE_NS}"><{nc}capabilities>{listed}</{nc}capabilities></{nc}hello>'
    ).encode()


def parse_hello(raw: str | bytes) -> Hello:
    """Read a server's hello (RFC 6241 section 8.1).

    White space in a URI is dropped, elements that the RFC does not know are passed over. A
    hello without a namespace is accepted, for IOS sends such, and so do old Junos.

    Raises `HelloMissingError` for another document, `HelloMalformedError` for what is not well-
    formed or has no capabilities, `HelloSessionIdError` unless it has one session-id from 1 to
    4294967295, and `ForbiddenXMLError`.
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
    if root.tag not in _either("hello"):
        raise HelloMissingError(f"hello: the server sent {root.tag} where its hello was due")
    capabilities = Capabilities(
        uri
        for listed in _children(root, "capabilities")
        for capability in _children(listed, "capability")
        if (uri := "".join((capability.text or "").split()))
    )
    if not capabilities:
        raise HelloMalformedError("hello: the server's has no capabilities")
    return Hello(_session_id(root), capabilities)


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


def rpc_envelope(dialect: Dialect) -> bytes:
    """Return what `wrap_rpc` puts around an operation, in a dialect."""
    nc = f"{dialect.rpc_prefix}:" if dialect.rpc_prefix else ""
    declared = [(dialect.rpc_prefix, BASE_NS)] if nc else []
    declared += dialect.rpc_namespaces
    namespaces = "".join(f' xmlns:{prefix}="{_escaped(uri)}"' for prefix, uri in declared)
    namespaces = namespaces.replace("%", "%%")
    head = _DECLARATION if dialect.rpc_declaration else ""
    return f'{head}<{nc}rpc message-id="%b" xmlns="{BASE_NS}"{namespaces}>%b</{nc}rpc>'.encode()


def wrap_rpc(operation: str | bytes, message_id: str, envelope: bytes = _RPC) -> bytes:
    """Return `<rpc>` with this operation in it, in UTF-8 (RFC 6241 section 4.1).

    The envelope is ncwire's own, or one that `rpc_envelope` has returned.

    `operation` is one XML element; bytes are UTF-8. An XML declaration or a byte order mark
    before it is dropped. Raises `OptionError` when it is empty, no element, not UTF-8, or has a
    DOCTYPE, and when it is a whole `<rpc>`. It is not parsed: that it is well-formed, and no
    more than one element, is the caller's.
    """
    document = operation if isinstance(operation, bytes) else _encoded(operation)
    if not document.isascii():
        _check_utf8(document)
    quoted = message_id if message_id.isalnum() else _escaped(message_id)
    if _PLAIN_OPERATION.match(document):
        return envelope % (quoted.encode(), document)
    declaration = _XML_DECLARATION.match(document)
    body = memoryview(document)[declaration.end() if declaration else 0 :]
    _check_operation(body)
    return envelope % (quoted.encode(), body)


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


def _escaped(text: str) -> str:
    # As xml.sax.saxutils has it, which brings in urllib.request, http and email.
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace('"', "&quot;")


def _session_id(root: Element) -> str:
    texts = [child.text or "" for child in _children(root, "session-id")]
    if len(texts) != 1:
        count = f"{len(texts)} session-ids" if texts else "no session-id"
        raise HelloSessionIdError(f"hello: the server's has {count}")
    number = _SESSION_ID.fullmatch(texts[0].strip())
    if number is None or int(number[1]) > _MAX_SESSION_ID:
        raise HelloSessionIdError(
            f"hello: the server's session-id is not from 1 to {_MAX_SESSION_ID}: "
            f"{_excerpt(texts[0])}"
        )
    return number[1]


def _children(parent: Element, name: str) -> Iterator[Element]:
    return (child for child in parent if child.tag in _either(name))


def _either(name: str) -> tuple[str, str]:
    return f"{{{BASE_NS}}}{name}", name


def _check_operation(body: memoryview) -> None:
    if not body:
        raise OptionError("operation", "is empty")
    before = _MISCELLANEOUS.match(body)
    element = body[before.end() if before else 0 :]
    if bytes(element[: len(_DOCTYPE)]) == _DOCTYPE:
        raise OptionError("operation", "has a DOCTYPE")
    start = _START_TAG.match(element)
    if start is None:
        raise OptionError("operation", "does not begin with an XML element")
    if start[1] == b"rpc":
        raise OptionError("operation", "is a whole <rpc>; give the element inside it")


def _check_utf8(document: bytes) -> None:
    try:
        document.decode()
    except UnicodeError as error:
        raise _not_utf8(error) from error


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeError as error:
        raise _not_utf8(error) from error


def _not_utf8(error: UnicodeError) -> OptionError:
    return OptionError("operation", f"is not UTF-8: {error}")


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
