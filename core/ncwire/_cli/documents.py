"""Documents: an operation from a file; a reply laid out, with or without an `<rpc-error>`."""

from __future__ import annotations

import sys
from io import StringIO
from pathlib import Path
from typing import IO, TYPE_CHECKING
from xml.dom.minidom import Element, Text
from xml.parsers.expat import ExpatError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, iterparse
from defusedxml.minidom import parseString

from ncwire._protocol.messages import spellings
from ncwire._protocol.rpc import RPCWriter
from ncwire.errors import OptionError

if TYPE_CHECKING:
    from xml.dom.minidom import Node

_STDIN = "-"
_RPC_ERROR = spellings("rpc-error")
_UNREADABLE = (ParseError, ExpatError, DefusedXmlException, ValueError, LookupError)
_DEPTH_OF_AN_RPC_ERROR = 2


def operation(filename: str) -> bytes:
    """Return the operation in a file, or from stdin for "-".

    Raises `OptionError`, which names the file, for one that cannot be read or sent.
    """
    document = _read(filename)
    try:
        RPCWriter().write(document)
    except OptionError as error:
        where = "stdin" if filename == _STDIN else filename
        raise OptionError(where, error.problem) from error
    return document


def _read(filename: str) -> bytes:
    if filename == _STDIN:
        return sys.stdin.buffer.read()
    try:
        return Path(filename).read_bytes()
    except OSError as error:
        raise OptionError(filename, error.strerror or str(error)) from error


def has_rpc_error(raw: str) -> bool:
    """Tell whether a reply has an `<rpc-error>` (RFC 6241 section 4.3); read in a stream.

    A reply that cannot be read to its end counts for what was read of it.
    """
    return "rpc-error" in raw and is_rpc_error(StringIO(raw))


def is_rpc_error(file: IO[str] | IO[bytes]) -> bool:
    """Tell the same of a reply in a file."""
    depth = 0
    try:
        for event, element in iterparse(file, ("start", "end"), forbid_dtd=True):
            if event == "start":
                depth += 1
                if depth == _DEPTH_OF_AN_RPC_ERROR and element.tag in _RPC_ERROR:
                    return True
            else:
                depth -= 1
                element.clear()
    except _UNREADABLE:
        pass
    return False


def laid_out(raw: str) -> str:
    """Return a document with an element a line and its depth as indentation.

    What is blank between elements goes; text beside which there are no elements is not touched.
    What is not well-formed, or nested beyond reason, comes back as it is.
    """
    try:
        document = parseString(raw, forbid_dtd=True)
        if document.documentElement is None:
            return raw
        _drop_blanks(document.documentElement)
        return document.documentElement.toprettyxml(indent="  ").rstrip("\n")
    except (*_UNREADABLE, RecursionError):
        return raw


def _drop_blanks(root: Element) -> None:
    elements = [root]
    while elements:
        element = elements.pop()
        inside = [node for node in element.childNodes if isinstance(node, Element)]
        if inside:
            for node in list(element.childNodes):
                if _is_blank(node):
                    element.removeChild(node)
        elements.extend(inside)


def _is_blank(node: Node) -> bool:
    return isinstance(node, Text) and not node.data.strip()
