"""XML cut at its marks, each kept as it is written: so what is shown of it is what came."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_NAME = r"[^\s<>/=\"'&!?]+"
_ATTRIBUTE = re.compile(rf"\s+({_NAME})\s*=\s*(?:\"([^<\"]*)\"|'([^<']*)')")
_START = re.compile(rf"<({_NAME})((?:\s+{_NAME}\s*=\s*(?:\"[^<\"]*\"|'[^<']*'))*)\s*(/?)>")
_END = re.compile(rf"</({_NAME})\s*>")
# A text with all that may stand in it and is no element.
_RUN = re.compile(r"(?:[^<]+|<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>)+", re.DOTALL)
_OUTSIDE = re.compile(r"(?:[\ufeff \t\r\n]+|<!--.*?-->|<\?.*?\?>)+", re.DOTALL)
_PARTS = re.compile(r"<!--.*?-->|<\?.*?\?>|<!\[CDATA\[(.*?)\]\]>|([^<]+)", re.DOTALL)


class NotWellFormedError(ValueError):
    """It is no XML, or has a DOCTYPE. The text is not quoted."""


class Markup(NamedTuple):
    """A tag, or all the text between two tags.

    `path` are the names of the elements that it stands in, from the root: "{namespace}local", or
    the local name where there is no namespace; the last of a start tag is its own. It is changed
    for the next mark: a copy for each would take a time that grows as the square of the depth.
    `attributes`: name, and where the value begins and ends in `text`.
    """

    kind: str
    """ "start", "end" or "text"."""
    text: str
    path: Sequence[str] = ()
    attributes: tuple[tuple[str, int, int], ...] = ()
    empty: bool = False
    """Whether a start tag is an end tag, too."""


def markup(text: str) -> Iterator[Markup]:
    """Yield the marks of a document, which are together all of it.

    Raises `NotWellFormedError` where it is not: what came before was right as far as it went.
    """
    at, end = 0, len(text)
    path: list[str] = []
    tags: list[tuple[str, tuple[str, ...]]] = []
    known: dict[str, list[str]] = {}
    done = False
    while at < end:
        # What it can be is seen at once, and each is tried for one of them alone.
        after = text[at + 1 : at + 2] if text[at] == "<" else "!"
        if after in "!?":
            run = (_RUN if tags else _OUTSIDE).match(text, at)
            if run is None:
                raise NotWellFormedError
            yield Markup("text", run[0], path)
            at = run.end()
        elif after != "/":
            tag = _START.match(text, at)
            if tag is None or done:
                raise NotWellFormedError
            attributes, declared = _attributes(tag)
            for prefix, namespace in declared.items():
                known.setdefault(prefix, []).append(namespace)
            path.append(_qualified(tag[1], known))
            yield Markup("start", tag[0], path, attributes, bool(tag[3]))
            tags.append((tag[1], tuple(declared)))
            if tag[3]:
                _leave(tags, path, known)
            done = not tags
            at = tag.end()
        else:
            tag = _END.match(text, at)
            if tag is None or not tags or tags[-1][0] != tag[1]:
                raise NotWellFormedError
            _leave(tags, path, known)
            yield Markup("end", tag[0], path)
            done = not tags
            at = tag.end()
    if not done:
        raise NotWellFormedError


def _leave(
    tags: list[tuple[str, tuple[str, ...]]], path: list[str], known: dict[str, list[str]]
) -> None:
    path.pop()
    for prefix in tags.pop()[1]:
        known[prefix].pop()


def _attributes(
    tag: re.Match[str],
) -> tuple[tuple[tuple[str, int, int], ...], dict[str, str]]:
    if not tag[2]:
        return (), {}
    begin = tag.start()
    found = []
    declared = {}
    for each in _ATTRIBUTE.finditer(tag.string, tag.start(2), tag.end(2)):
        quoted = 2 if each[2] is not None else 3
        found.append((each[1], each.start(quoted) - begin, each.end(quoted) - begin))
        if each[1] == "xmlns":
            declared[""] = each[quoted]
        elif each[1].startswith("xmlns:"):
            declared[each[1].removeprefix("xmlns:")] = each[quoted]
    return tuple(found), declared


def _qualified(name: str, known: dict[str, list[str]]) -> str:
    prefix, _, local = name.rpartition(":")
    declared = known.get(prefix)
    namespace = declared[-1] if declared else ""
    return f"{{{namespace}}}{local}" if namespace else local


def as_read(run: str) -> str:
    """Return a run of text as a parser reads it: comments left out, CDATA and references read."""
    parts = _PARTS.finditer(run)
    return "".join(unescaped(part[2] or "") if part[1] is None else part[1] for part in parts)


def unescaped(text: str) -> str:
    """Return text with its references read; one that XML does not have is left out."""

    def character(found: re.Match[str]) -> str:
        name = found[1]
        if name.startswith("#"):
            digits = name[1:].lstrip("x0") or "0"
            number = int(digits, 16 if name[1] == "x" else 10)
            return chr(number) if number < _CHARACTERS else ""
        return _NAMED.get(name, "")

    return _REFERENCE.sub(character, text)


# As many zeros as one likes may stand before a number.
_REFERENCE = re.compile(r"&((?:#0*+\d{1,7}|#x0*+[0-9a-fA-F]{1,6}|\w++));")
_CHARACTERS: Final = 0x110000
_NAMED: Final = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}
