"""XML in and out of the embedded server: read by defusedxml, written by xml.etree."""

from __future__ import annotations

from xml.etree.ElementTree import Element, ParseError, tostring

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

MAX_DEPTH = 100
"""Levels of nesting that a document may have: what walks a tree by recursion is safe below it."""


class DocumentError(ValueError):
    """The bytes are no XML document that a NETCONF peer may send."""


def parse(document: bytes | bytearray) -> Element:
    """Return the root element, names in Clark notation ("{namespace}local").

    Raises `DocumentError` for what is not well-formed, not UTF-8 (RFC 6241 section 3), has a
    DOCTYPE, or is nested deeper than `MAX_DEPTH`.
    """
    parser = DefusedXMLParser(encoding="utf-8", forbid_dtd=True)
    try:
        parser.feed(document)
        root: Element = parser.close()
    except ParseError as error:
        raise DocumentError(f"not well-formed: {error}") from error
    except DefusedXmlException as error:
        raise DocumentError("DOCTYPE and entity declarations are forbidden") from error
    _check_depth(root)
    return root


def serialise(element: Element, inside: str = "") -> bytes:
    """Return `element` as UTF-8 without an XML declaration, to stand in a parent's content.

    `inside` is the parent's default namespace. Elements carry no prefixes: the default
    namespace is declared anew wherever it changes.
    """
    text: bytes = tostring(_with_default_namespaces(element, inside), encoding="utf-8")
    return text


def namespace_of(element: Element) -> str:
    """Return the namespace of an element's name, "" when it has none."""
    return element.tag[1:].partition("}")[0] if element.tag.startswith("{") else ""


def local_name(element: Element) -> str:
    """Return an element's name without its namespace."""
    return element.tag.rpartition("}")[2]


def _check_depth(root: Element) -> None:
    level = [root]
    for _ in range(MAX_DEPTH):
        level = [child for element in level for child in element]
        if not level:
            return
    raise DocumentError(f"nested deeper than {MAX_DEPTH} levels")


def _with_default_namespaces(element: Element, inside: str) -> Element:
    # xml.etree would name every namespace ns0, ns1, ...; an attribute called xmlns on a tag
    # without a namespace comes out as the declaration that it spells.
    namespace = namespace_of(element)
    declaration = {} if namespace == inside else {"xmlns": namespace}
    plain = Element(local_name(element), declaration | element.attrib)
    plain.text = element.text
    plain.extend([_with_default_namespaces(child, namespace) for child in element])
    return plain
