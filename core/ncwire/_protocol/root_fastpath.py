"""The root element of a document in its plain form, without an XML parser: in microseconds.

A parser takes 20 to 50 microseconds for it, half a round trip. Whatever is not plain is left to
one: `plain_root` decides about no document, it recognises the form that nearly all replies have.
"""

from __future__ import annotations

import re

_SPACE = r"[ \t\r\n]"
_NAME = r"[A-Za-z_][A-Za-z0-9_.-]*+"
_QUALIFIED = rf"(?:{_NAME}:)?+{_NAME}"
# No reference, and no white space but the blank, which a parser would turn into one.
_VALUE = r"""(?:"[^"<&\x00-\x1f]*+"|'[^'<&\x00-\x1f]*+')"""
_DECLARATION = (
    r"""<\?xml version=(?:"1\.0"|'1\.0')"""
    r"""(?: encoding=(?:"(?:UTF|utf)-8"|'(?:UTF|utf)-8'))?+ ?\?>"""
)
# Possessive throughout, so that no input makes it try anything twice.
_ROOT = re.compile(
    rf"{_SPACE}*+(?:{_DECLARATION}{_SPACE}*+)?+"
    rf"<({_QUALIFIED})((?:{_SPACE}++{_QUALIFIED}={_VALUE})*+){_SPACE}*+/?>"
)
_LONGEST_ID = 32
_ATTRIBUTE = re.compile(rf"({_QUALIFIED})=({_VALUE})")


def plain_root(raw: str) -> tuple[str, dict[str, str]] | None:
    """Return the root's qualified name and attributes, or None for what is not plain.

    Plain is: at most white space and an XML declaration before it, ASCII names, no reference in
    an attribute, every prefix declared here, and no attribute twice. What is returned is what
    `messages.read_root` returns by parsing.
    """
    root = _ROOT.match(raw)
    if root is None:
        return None
    spaces: dict[str, str] = {}
    attributes: dict[str, str] = {}
    given = _ATTRIBUTE.findall(root[2])
    for name, quoted in given:
        if name == "xmlns":
            spaces[""] = quoted[1:-1]
        elif name.startswith("xmlns:"):
            spaces[name[6:]] = quoted[1:-1]
        else:
            attributes[name] = quoted[1:-1]
    if len(spaces) + len(attributes) != len(given) or not _are_ordinary(spaces):
        return None
    tag = root[1]
    try:
        tag = _in_space(tag, spaces) if ":" in tag else _named(spaces.get("", ""), tag)
        if ":" in root[2]:
            qualified = {
                _in_space(name, spaces) if ":" in name else name: value
                for name, value in attributes.items()
            }
            return (tag, qualified) if len(qualified) == len(attributes) else None
    except KeyError:  # a prefix that is not declared, or "xml", which need not be
        return None
    return tag, attributes


class Alike:
    """Reads the roots of messages that differ in their message-id only, as a server's replies do.

    It remembers what stood before and behind the last message-id: one that stands in the same
    place between the same characters is the only news. None for whatever is not alike.
    """

    def __init__(self) -> None:
        # In no text that was UTF-8: a peer can send whatever else there is, a NUL too.
        self._before = "\ud800"
        self._start = 1
        self._behind = ""
        self._tag = ""
        self._others: dict[str, str] = {}

    def root(self, raw: str) -> tuple[str, dict[str, str]] | None:
        """Return the root's name and attributes, if it is like the one that was learned."""
        if not raw.startswith(self._before):
            return None
        start = self._start
        end = raw.find('"', start, start + _LONGEST_ID)
        message_id = raw[start:end]
        if end < 0 or not message_id.isalnum() or not raw.startswith(self._behind, end):
            return None
        return self._tag, {**self._others, "message-id": message_id}

    def learn(self, raw: str, root: tuple[str, dict[str, str]]) -> None:
        """Remember a message with this root, if it is plain."""
        plain = _ROOT.match(raw)
        message_id = root[1].get("message-id", "")
        before, found, behind = raw[: plain.end() if plain else 0].partition(
            f' message-id="{message_id}"'
        )
        if found:
            self._before = before + ' message-id="'
            self._start = len(self._before)
            self._behind = '"' + behind
            self._tag, self._others = root[0], {**root[1]}


def _are_ordinary(spaces: dict[str, str]) -> bool:
    for prefix, uri in spaces.items():
        # What Namespaces in XML 1.0 section 3 reserves or forbids, and what expat takes apart.
        if prefix in ("xml", "xmlns") or (prefix and not uri) or "}" in uri or "/XML/" in uri:
            return False
        if uri.startswith("http://www.w3.org/"):
            return False
    return True


def _in_space(name: str, spaces: dict[str, str]) -> str:
    prefix, _, local = name.partition(":")
    return _named(spaces[prefix], local)


def _named(space: str, local: str) -> str:
    return f"{{{space}}}{local}" if space else local
