"""In what two requests differ, and how one is shown, for who reads why a test failed."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape, quoteattr

from ncwire.errors.printable import one_line
from ncwire.testing.document import local_name, parse

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_TEXT: Final = 60


def without_namespaces(operation: str) -> str:
    """Return an operation's XML with local names alone, and no white space around texts."""
    return _shown(parse(operation.encode()))


def difference(expected: str, got: str) -> tuple[str, str] | None:
    """Return the first thing that two operations of one name differ in: what each of them has.

    None where they differ in nothing that counts.
    """
    return _between(parse(expected.encode()), parse(got.encode()), "")


def _shown(element: Element) -> str:
    name = local_name(element)
    attributes = "".join(
        f" {key.rpartition('}')[2]}={quoteattr(each)}" for key, each in element.attrib.items()
    )
    inner = escape((element.text or "").strip())
    inner += "".join(_shown(each) + escape((each.tail or "").strip()) for each in element)
    return f"<{name}{attributes}>{inner}</{name}>" if inner else f"<{name}{attributes}/>"


def _between(expected: Element, got: Element, path: str) -> tuple[str, str] | None:
    here = f" in {path}" if path else ""
    if expected.tag != got.tag:
        if local_name(expected) == local_name(got):
            names = [each.tag.rpartition("}")[0].lstrip("{") for each in (expected, got)]
            return f"<{local_name(got)}> of namespace {names[0]!r}{here}", repr(names[1])
        return f"<{local_name(expected)}>{here}", f"<{local_name(got)}>"
    for name in sorted({*expected.attrib, *got.attrib}):
        values = expected.get(name), got.get(name)
        if values[0] != values[1]:
            local = name.rpartition("}")[2]
            return f"the attribute {local} {_quoted(values[0])}{here}", _quoted(values[1])
    if (expected.text or "").strip() != (got.text or "").strip():
        return f"{_quoted(expected.text)}{here}", _quoted(got.text)
    for one, other in zip_longest(expected, got):
        if one is None or other is None:
            more = [f"<{local_name(each)}>" if each is not None else None for each in (one, other)]
            return f"{more[0] or 'nothing more'}{here}", more[1] or "nothing more"
        below = f"{path}/{local_name(one)}".lstrip("/")
        found = _between(one, other, path if one.tag != other.tag else below)
        if found is not None:
            return found
        if (one.tail or "").strip() != (other.tail or "").strip():
            return f"{_quoted(one.tail)}{here}", _quoted(other.tail)
    return None


def _quoted(text: str | None) -> str:
    stripped = (text or "").strip()
    return repr(one_line(stripped, _TEXT)) if stripped else "nothing"
