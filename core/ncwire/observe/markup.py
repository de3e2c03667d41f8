"""XML cut at its marks, each kept as it is written: so what is shown of it is what came."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAME = r"[^\s<>/=\"'&!?]+"
_ATTRIBUTE = re.compile(rf"\s+({_NAME})\s*=\s*(?:\"([^<\"]*)\"|'([^<']*)')")
_START = re.compile(rf"<({_NAME})((?:\s+{_NAME}\s*=\s*(?:\"[^<\"]*\"|'[^<']*'))*)\s*(/?)>")
_END = re.compile(rf"</({_NAME})\s*>")
# A text with all that may stand in it and is no element.
_RUN = re.compile(r"(?:[^<]+|<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>)+", re.DOTALL)


class NotWellFormedError(ValueError):
    """It is no XML, or has a DOCTYPE. The text is not quoted."""


class Markup(NamedTuple):
    """A tag, or all the text between two tags.

    `path` are the names of the elements that it stands in, from the root: "{namespace}local", or
    the local name where there is no namespace; the last of a start tag is its own.
    `attributes`: name, and where the value begins and ends in `text`.
    """

    kind: str
    """ "start", "end" or "text"."""
    text: str
    path: tuple[str, ...] = ()
    attributes: tuple[tuple[str, int, int], ...] = ()
    empty: bool = False
    """Whether a start tag is an end tag, too."""


def markup(text: str) -> Iterator[Markup]:
    """Yield the marks of a document, which are together all of it.

    Raises `NotWellFormedError` where it is not: what came before was right as far as it went.
    """
    at, end = 0, len(text)
    path: tuple[str, ...] = ()
    tags: list[tuple[str, dict[str, str]]] = []
    done = False
    while at < end:
        # What it can be is seen at once, and each is tried for one of them alone.
        after = text[at + 1 : at + 2] if text[at] == "<" else "!"
        if after in "!?":
            run = _RUN.match(text, at)
            if run is None or (not tags and _has_text(run[0])):
                raise NotWellFormedError
            yield Markup("text", run[0], path)
            at = run.end()
        elif after != "/":
            tag = _START.match(text, at)
            if tag is None or done:
                raise NotWellFormedError
            known = tags[-1][1] if tags else {}
            attributes, declared = _attributes(tag)
            if declared:
                known = {**known, **declared}
            own = (*path, _qualified(tag[1], known))
            yield Markup("start", tag[0], own, attributes, bool(tag[3]))
            if not tag[3]:
                tags.append((tag[1], known))
                path = own
            done = not tags
            at = tag.end()
        else:
            tag = _END.match(text, at)
            if tag is None or not tags or tags[-1][0] != tag[1]:
                raise NotWellFormedError
            tags.pop()
            path = path[:-1]
            yield Markup("end", tag[0], path)
            done = not tags
            at = tag.end()
    if not done:
        raise NotWellFormedError


def _has_text(run: str) -> bool:
    """Return whether there is more than may stand outside the root."""
    if run.isspace():
        return False
    bare = re.sub(r"<!--.*?-->|<\?.*?\?>", "", run, flags=re.DOTALL)
    return bool(bare.strip("\ufeff \t\r\n"))


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


def _qualified(name: str, known: dict[str, str]) -> str:
    prefix, _, local = name.rpartition(":")
    namespace = known.get(prefix, "")
    return f"{{{namespace}}}{local}" if namespace else local
