"""An operation, in whichever form it is given, and what is checked of it before it is sent."""

from __future__ import annotations

import copy
import re
import sys
from collections.abc import Iterable
from typing import Any, Protocol
from xml.etree import ElementTree as ET
from xml.parsers import expat

from ncwire._protocol.messages import read_root, spellings
from ncwire._protocol.root_fastpath import plain_root
from ncwire.errors import MessageError, OptionError


class XMLElement(Protocol):
    """An element of `xml.etree.ElementTree`, or of lxml."""

    @property
    def tag(self) -> Any:
        """Its name."""

    @property
    def attrib(self) -> Any:
        """Its attributes."""

    @property
    def tail(self) -> str | None:
        """What stands behind it in the document that it is from, and is no part of it."""


WholeOperation = str | bytes | XMLElement
"""An operation that is held whole."""
Operation = WholeOperation | Iterable[bytes]
"""An operation that is held whole, or comes in pieces."""

HEAD = 4096
"""How much of an operation in pieces is looked at, in bytes."""

# Compiled where one is first needed, by few operations: `import ncwire` is to be quick.
_XML_DECLARATION = rb"(?s:(?:\xef\xbb\xbf)?\s*(?:<\?xml\s.*?\?>\s*)?)"
_MISCELLANEOUS = rb"(?s:(?:\s+|<\?.*?\?>|<!--.*?-->)*)"
_START_TAG = rb"<(?:[^\s<>/?!:]+:)?([^\s<>/?!:]+)"
_PLAIN = re.compile(rb"<(?!rpc[\s/>])[A-Za-z_][A-Za-z0-9_.-]*+[\s/>]")
_DOCTYPE = b"<!DOCTYPE"
_RPC_TAGS = spellings("rpc")
# The parser holds the interpreter's lock: others have a turn between two of these.
_PARSED_AT_ONCE = 256 * 1024
_CODES = expat.errors.codes
_IN_OTHER_WORDS = {
    _CODES[expat.errors.XML_ERROR_JUNK_AFTER_DOC_ELEMENT]: "has something after its element",
    _CODES[expat.errors.XML_ERROR_NO_ELEMENTS]: "is not well-formed: it ends too early",
    _CODES[expat.errors.XML_ERROR_INVALID_TOKEN]: "is not well-formed: invalid token",
}


def as_whole(operation: Operation) -> bytes | None:
    """Return an operation in UTF-8, None if it comes in pieces.

    An element is serialised, without its tail. Raises `OptionError` for text that is not UTF-8,
    an element that cannot be serialised, and what is no operation at all.
    """
    if isinstance(operation, str):
        return _encoded(operation)
    if isinstance(operation, bytes):
        if not operation.isascii():
            _check_utf8(operation)
        return operation
    if isinstance(operation, bytearray | memoryview):
        return as_whole(bytes(operation))
    written = serialised(operation)
    if isinstance(written, bytes):
        return written
    if not isinstance(operation, Iterable):
        raise OptionError(
            "operation",
            "must be str, bytes, an XML element or an iterable of bytes, not "
            f"{type(operation).__name__}",
        )
    return None


def serialised(operation: Any) -> Any:
    """Return an element, or a tree's root, as XML in UTF-8 without its tail; else what is given.

    Raises `OptionError` for an element that cannot be written.
    """
    try:
        if isinstance(operation, ET.Element | ET.ElementTree):
            return _written(operation)
        lxml = sys.modules.get("lxml.etree")  # nothing is lxml's as long as it is not imported
        if lxml is not None and lxml.iselement(operation):
            return lxml.tostring(operation, encoding="UTF-8", with_tail=False)
        if lxml is not None and isinstance(operation, type(lxml.ElementTree())):
            return serialised(operation.getroot())
    except (TypeError, ValueError, LookupError, AttributeError, RecursionError) as error:
        problem = f"cannot be written as XML: {type(error).__name__}: {error}"
        raise OptionError("operation", problem) from error
    return operation


def body_of(operation: bytes) -> bytes | memoryview:
    """Return an operation without the byte order mark and the XML declaration before it.

    Raises `OptionError` for one that is empty, does not begin with an element, or has a DOCTYPE.
    """
    if _PLAIN.match(operation):
        return operation
    body = memoryview(operation)[_declared(operation) :]
    if not body:
        raise OptionError("operation", "is empty")
    _start_of(body)
    return body


def check_well_formed(operation: bytes, body: bytes | memoryview) -> None:
    """Raise `OptionError` unless the body of an operation is one well-formed element.

    The error names line and column in the operation. Prefixes are not looked at: `<rpc>` may
    declare them. To be called for what `body_of` returned, which can have no DOCTYPE.
    """
    parser, final = expat.ParserCreate("UTF-8"), True
    try:
        if len(body) <= _PARSED_AT_ONCE:
            parser.Parse(body, final)
            return
        view = memoryview(body)
        for start in range(0, len(view), _PARSED_AT_ONCE):
            parser.Parse(view[start : start + _PARSED_AT_ONCE])
        parser.Parse(b"", final)
    except expat.ExpatError as error:
        before = operation[: len(operation) - len(body)].decode().lstrip("\ufeff")
        line = error.lineno + before.count("\n")
        column = error.offset + (len(before.rpartition("\n")[2]) if error.lineno == 1 else 0)
        problem = _IN_OTHER_WORDS.get(
            error.code, f"is not well-formed: {expat.errors.messages[error.code]}"
        )
        raise OptionError("operation", f"{problem} (line {line}, column {column + 1})") from None


def message_id_of(body: bytes | memoryview) -> str | None:
    """Return the message-id of a body that is a whole `<rpc>`; None if it is an operation.

    Raises `OptionError` for a whole `<rpc>` without one.
    """
    if _start_of(body) != b"rpc":
        return None
    root = _root_of(body)
    if root[0] not in _RPC_TAGS:
        return None
    message_id = root[1].get("message-id")
    if not message_id:
        raise OptionError(
            "operation",
            "is a whole <rpc> without a message-id; give it one, or give the element inside it",
        )
    return message_id


def is_rpc(head: bytes | memoryview) -> bool:
    """Return whether what begins like this is a whole `<rpc>`, or may be one."""
    if _start_of(head) != b"rpc":
        return False
    root = plain_root(bytes(head).decode(errors="replace"))
    return root is None or root[0] in _RPC_TAGS


def rpc_in(message: str | bytes) -> dict[str, str] | None:
    """Return the attributes of a message that is an `<rpc>`; None for any other."""
    head = message[:HEAD]
    text = head if isinstance(head, str) else head.decode(errors="replace")
    if "rpc" not in text:
        return None
    try:
        root = plain_root(text) or read_root(message)
    except MessageError:
        return None
    return root[1] if root[0] in _RPC_TAGS else None


def _written(operation: ET.Element | ET.ElementTree[Any]) -> bytes:
    root = operation.getroot() if isinstance(operation, ET.ElementTree) else operation
    element = copy.copy(root)  # another thread may use the one that was given
    element.tail = None
    written: bytes = ET.tostring(element, encoding="utf-8")
    return written


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise _not_utf8(error, text.count("\n", 0, error.start)) from error


def _check_utf8(document: bytes) -> None:
    try:
        document.decode()
    except UnicodeDecodeError as error:
        raise _not_utf8(error, document.count(b"\n", 0, error.start)) from error


def _not_utf8(error: UnicodeError, newlines: int) -> OptionError:
    return OptionError("operation", f"is not UTF-8: {error} (line {newlines + 1})")


def _declared(operation: bytes) -> int:
    declaration = re.match(_XML_DECLARATION, operation)
    return declaration.end() if declaration else 0


def _start_of(body: bytes | memoryview) -> bytes:
    """Return the local name of the element that a body begins with."""
    before = re.match(_MISCELLANEOUS, body)
    element = body[before.end() if before else 0 :]
    if bytes(element[: len(_DOCTYPE)]) == _DOCTYPE:
        raise OptionError("operation", "has a DOCTYPE")
    start = re.match(_START_TAG, element)
    if start is None:
        raise OptionError("operation", "does not begin with an XML element")
    return bytes(start[1])


def _root_of(body: bytes | memoryview) -> tuple[str, dict[str, str]]:
    head = bytes(body[:HEAD]).decode(errors="replace")
    try:
        return plain_root(head) or read_root(bytes(body))
    except MessageError as error:
        raise OptionError("operation", f"is no <rpc> that can be read: {error}") from error
