"""In what two requests differ, and how one is shown, for who reads why a test failed."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape, quoteattr

from ncwire.errors.printable import one_line
from ncwire.testing.document import local_name, parse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element

_TEXT: Final = 60


def without_namespaces(operation: str) -> str:
    """Return an operation's XML with local names alone, and no white space around texts."""
    return _shown(parse(operation.encode()))


def difference(expected: str, got: str) -> tuple[str, str] | None:
    """Return the first thing that two operations of one name differ in: what each of them has.

    None where they differ in nothing that counts.
    """
    return next(_differences(parse(expected.encode()), parse(got.encode()), ""), None)


def _shown(element: Element) -> str:
    name = local_name(element)
    attributes = "".join(
        f" {key.rpartition('}')[2]}={quoteattr(each)}" for key, each in element.attrib.items()
    )
    inner = escape((element.text or "").strip())
    inner += "".join(_shown(each) + escape((each.tail or "").strip()) for each in element)
    return f"<{name}{attributes}>{inner}</{name}>" if inner else f"<{name}{attributes}/>"


def _differences(expected: Element, got: Element, path: str) -> Iterator[tuple[str, str]]:
    here = f" in {path}" if path else ""
    if expected.tag != got.tag:
        names = [f"<{local_name(each)}>" for each in (expected, got)]
        if names[0] == names[1]:
            spaces = [each.tag.rpartition("}")[0].lstrip("{") for each in (expected, got)]
            yield f"{names[0]} of namespace {spaces[0]!r}{here}", repr(spaces[1])
        else:
            yield f"{names[0]}{here}", names[1]
        return
    below = f"{path}/{local_name(expected)}" if path else local_name(expected)
    within = f" in {below}"
    for name in sorted({*expected.attrib, *got.attrib}):
        if expected.get(name) != got.get(name):
            local = name.rpartition("}")[2]
            yield f"{local}={_quoted(expected.get(name))}{within}", _quoted(got.get(name))
    yield from _texts(expected.text, got.text, within)
    for one, other in zip_longest(expected, got):
        if one is not None and other is not None:
            yield from _differences(one, other, below)
            yield from _texts(one.tail, other.tail, within)
        else:
            has = ["nothing more" if e is None else f"<{local_name(e)}>" for e in (one, other)]
            yield f"{has[0]}{within}", has[1]


def _texts(expected: str | None, got: str | None, within: str) -> Iterator[tuple[str, str]]:
    if (expected or "").strip() != (got or "").strip():
        yield f"{_quoted(expected)}{within}", _quoted(got)


def _quoted(text: str | None) -> str:
    stripped = (text or "").strip()
    return repr(one_line(stripped, _TEXT)) if stripped else "nothing"
