"""What a document says: its elements, and each `<rpc-error>` of a reply, however it is written."""

from __future__ import annotations

import copy
from importlib import import_module
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from ncwire._protocol.messages import read_root, spellings
from ncwire._protocol.root_fastpath import plain_root
from ncwire.errors import ErrorElement, ForbiddenXMLError, MessageError, OptionError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element

_RPC_ERROR = spellings("rpc-error")
_WARNING = "warning"
_HEAD = 4096


def parsed(raw: str, what: str = "reply") -> Element:
    """Return the root of a document, read with defusedxml; errors call it `what` it is.

    Raises `MessageError` for what is not well-formed, `ForbiddenXMLError` for a DOCTYPE.
    """
    try:
        root: Element = fromstring(
            raw.lstrip(), forbid_dtd=True, forbid_entities=True, forbid_external=True
        )
    except DefusedXmlException as error:
        raise ForbiddenXMLError(f"the {what} has a DOCTYPE, which is refused") from error
    except (ParseError, ValueError) as error:
        raise MessageError(f"the {what} is not well-formed: {error}") from error
    return root


def parsed_by_lxml(raw: str, parser: Any = None, what: str = "reply") -> Any:
    """Return the root of a document, read with lxml: by a parser of the caller's, or a safe one.

    Errors call it `what` it is. Raises what `parsed` does, and `OptionError` where lxml is not
    installed.
    """
    # Only who asks for it needs it.
    try:
        etree = import_module("lxml.etree")
    except ImportError as error:
        raise OptionError("lxml", "is not installed; pip install lxml") from error
    if parser is None:
        # The encoding is ours, whatever the declaration says: it was decoded when it came.
        parser = etree.XMLParser(encoding="utf-8", resolve_entities=False, no_network=True)
    # Whatever the parser would make of a DOCTYPE: none gets as far as that.
    plain_root(raw[:_HEAD]) or read_root(raw)
    try:
        root = etree.fromstring(raw.lstrip().encode(), parser)
    except etree.XMLSyntaxError as error:
        raise MessageError(f"the {what} is not well-formed: {error}") from error
    return root


def error_elements(
    root: Element,
) -> tuple[tuple[ErrorElement, ...], tuple[ErrorElement, ...]]:
    """Return the errors of a reply, and apart from them the warnings, in the order they stand in.

    They are looked for at any depth: Junos has them within its own elements, beside data. Raises
    `MessageError` for an `<error-info>` that is nested too deep to be written, some 1,000 levels.
    """
    found = [_error_element(each) for each in root.iter() if each.tag in _RPC_ERROR]
    errors = tuple(each for each in found if each.severity != _WARNING)
    return errors, tuple(each for each in found if each.severity == _WARNING)


def children(parent: Element, name: str) -> Iterator[Element]:
    """Yield the children of that local name, in whatever namespace."""
    return (child for child in parent if _local(child) == name)


def _error_element(element: Element) -> ErrorElement:
    texts = {name: text for child in element if (text := _text(child)) and (name := _local(child))}
    info = next(children(element, "error-info"), None)
    return ErrorElement(
        type=texts.get("error-type", ""),
        tag=texts.get("error-tag", ""),
        severity=texts.get("error-severity", ""),
        app_tag=texts.get("error-app-tag"),
        path=texts.get("error-path"),
        message=texts.get("error-message"),
        info=None if info is None else _written(info),
    )


def _local(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _text(element: Element) -> str:
    # Some devices have elements in the message.
    return "".join(element.itertext()).strip()


def _written(element: Element) -> str:
    element = copy.copy(element)  # another thread may use the reply's own
    element.tail = None
    try:
        return ET.tostring(element, encoding="unicode")
    except RecursionError:
        raise MessageError("an <error-info> of the reply is nested too deep") from None
