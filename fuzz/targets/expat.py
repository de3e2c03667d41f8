"""Python's own XML parser, as a judge that has nothing of ncwire in it."""

from __future__ import annotations

from typing import NamedTuple
from xml.parsers.expat import ExpatError, ParserCreate


class Judged(NamedTuple):
    """What is in a document: whether it is well-formed and has a DOCTYPE, and its root's name."""

    well_formed: bool
    doctype: bool
    root: str | None
    """"namespace}local", as ElementTree has it, or the name alone where it is in no namespace."""
    attributes: dict[str, str]


def judge(document: bytes) -> Judged:
    """Parse a document as UTF-8, whatever it says; what a DOCTYPE refers to is not fetched."""
    doctype = False
    root: str | None = None
    attributes: dict[str, str] = {}

    def doctype_begun(*_: object) -> None:
        nonlocal doctype
        doctype = True

    def element_begun(name: str, given: dict[str, str]) -> None:
        nonlocal root
        if root is None:
            root = name
            attributes.update(given)

    parser = ParserCreate("utf-8", namespace_separator="}")
    parser.StartDoctypeDeclHandler = doctype_begun
    parser.StartElementHandler = element_begun
    try:
        parser.Parse(document, True)
    except (ExpatError, ValueError, LookupError):
        return Judged(False, doctype, root, attributes)
    return Judged(True, doctype, root, attributes)
