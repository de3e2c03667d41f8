"""What of a message is not shown: secrets, by where they stand and by what they look like."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from xml.parsers import expat

from ncwire.errors import OptionError
from ncwire.observe.markup import Markup, NotWellFormedError, as_read, markup, unescaped
from ncwire.observe.secret_text import (
    HIDDEN,
    HINTS,
    RULES,
    WITHOUT_SECRETS,
    Rules,
    hidden_by_name,
    is_secret_name,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


@dataclass(frozen=True, slots=True)
class Masks:
    """What is hidden in messages that are shown.

    The content of an element is hidden, with all that is in it, where its local name is that of a
    secret on devices (whatever its namespace, and whatever stands around it), or where a path of
    `paths` leads to it: local names, or `{namespace}local`, from any element down, with slashes
    between: "snmp/user/name". So are attributes with such a name. In all other text what
    `patterns` find is hidden, besides ncwire's own: crypt(5) and vendors' hashes, private keys in
    PEM, and what follows a word like "password" or "community" on its line, as in a configuration
    as CLI text.

    `shown` are local names that are never hidden for their name, such as "community" where no
    device has SNMP, or "key".

    Raises `OptionError` for a pattern that is none.
    """

    paths: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    _own: Rules = field(init=False, repr=False, compare=False)
    _ways: tuple[tuple[str, ...], ...] = field(init=False, repr=False, compare=False)
    _known: dict[str, bool] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        own = []
        for pattern in self.patterns:
            try:
                own.append(((), re.compile(pattern, re.DOTALL)))
            except (re.error, TypeError) as error:
                raise OptionError("patterns", f"{pattern!r} is no regular expression") from error
        object.__setattr__(self, "_own", tuple(own))
        object.__setattr__(self, "_ways", tuple(map(_way, self.paths)))
        object.__setattr__(self, "_known", dict.fromkeys(self.shown, False))

    def text(self, text: str) -> str:
        """Return text that is no XML, such as an error's, with what patterns find hidden.

        From a tag on that has the name of a secret everything is hidden.
        """
        masked = self._without_secrets(text)
        return HIDDEN if self._is_hidden_deeper(masked) else masked

    def _without_secrets(self, text: str) -> str:
        return hidden_by_name(_hidden_by(RULES + self._own, text), self._is_secret)

    def document(self, body: bytes | str, limit: int | None = None) -> str | None:
        """Return a message with its secrets hidden, and all else as it is.

        With a `limit` no more than so many characters are made, and what follows is not read.
        None for what is no well-formed XML in UTF-8 as far as that was looked at, or has a
        DOCTYPE: where a secret begins and ends in it is not known.
        """
        read_to = None if limit is None else limit + _BEYOND
        try:
            text = _decoded(body, read_to)
            whole = len(text) != read_to
            if not (self.paths or self.patterns) and _has_nothing_to_hide(text, whole):
                return text[:limit]
            if whole:
                return "".join(_cut(self._pieces(markup(text)), limit))
            pieces = self._pieces(markup(text + _closing(text)))
            return "".join(_cut(_before_the_end(pieces), limit))
        except (NotWellFormedError, UnicodeDecodeError):
            return None

    def _pieces(self, marks: Iterable[Markup]) -> Iterator[str]:
        hidden_below = 0  # how deep the element lies in which everything is hidden; 0: none
        ways = self._ways
        for mark in marks:
            if hidden_below:
                if mark.kind == "end" and len(mark.path) < hidden_below:
                    hidden_below = 0
                    yield mark.text
                continue
            if mark.kind == "text":
                yield self._masked_run(mark.text, mark.path)
            elif mark.kind == "start":
                yield self._masked_attributes(mark)
                path = mark.path
                local = path[-1].rpartition("}")[2]
                if not mark.empty and (
                    self._is_secret(local) or any(_leads(way, path) for way in ways)
                ):
                    hidden_below = len(path)
                    yield HIDDEN
            else:
                yield mark.text

    def _is_secret(self, name: str) -> bool:
        known = self._known.get(name)
        if known is None:
            known = is_secret_name(name)
            if len(self._known) < _KEPT:
                self._known[name] = known
        return known

    def _masked_run(self, run: str, path: Sequence[str] = ()) -> str:
        if path:
            local = path[-1].rpartition("}")[2]
            # Names of modules and features have such words in them, and no secrets.
            if local == "capability":
                return _hidden_by(self._own, run)
            # What stands in it is a secret, and not so what stands in the elements within it.
            if (local in _AUTHENTICATION or _leads(_WORD, path)) and not run.isspace():
                return HIDDEN
        if not self.patterns and WITHOUT_SECRETS.fullmatch(run):
            return run
        if not _CODED.search(run):
            return self._without_secrets(run)
        return self._masked_markup(run) if "<" in run else self._masked_references(run)

    def _masked_references(self, run: str) -> str:
        read = unescaped(run)
        masked = self._without_secrets(read)
        if masked != read:
            return _escaped(masked)
        return HIDDEN if self._is_hidden_deeper(read) else run

    def _masked_markup(self, run: str) -> str:
        whole = _WHOLE_CDATA.fullmatch(run)
        if whole is not None and "]]>" not in whole[2]:
            content = (
                HIDDEN if self._is_hidden_deeper(whole[2]) else self._without_secrets(whole[2])
            )
            return whole[1] + content + whole[3]
        # What is written in another way may be a secret only when it is read; and where something
        # was hidden, a "]]>" may have gone with it.
        read = as_read(run)
        shown = self._without_secrets(run) == run and self._without_secrets(read) == read
        return run if shown and not self._is_hidden_deeper(read) else HIDDEN

    def _is_hidden_deeper(self, read: str) -> bool:
        """Return whether a secret is found in text that has XML in it, and was escaped again."""
        for _ in range(_LEVELS):
            again = unescaped(read)
            if again == read:
                return False
            if self._without_secrets(again) != again:
                return True
            read = again
        return True

    def _masked_attributes(self, mark: Markup) -> str:
        if not mark.attributes:
            return mark.text
        pieces: list[str] = []
        at = 0
        for name, start, end in mark.attributes:
            if name == "xmlns" or name.startswith("xmlns:"):
                continue
            value = mark.text[start:end]
            secret = bool(value) and self._is_secret(name.rpartition(":")[2])
            masked = HIDDEN if secret else self._masked_run(value)
            if masked != value:
                pieces += mark.text[at:start], masked
                at = end
        return "".join(pieces) + mark.text[at:]


_KEPT: Final = 4096
_LEVELS: Final = 3
_BEYOND: Final = 4096
"""How many characters are looked at beyond a limit: what makes a secret may come after it."""
# IOS-XE's NHRP and HSRP.
_AUTHENTICATION: Final = frozenset({"authentication", "auth"})
_WORD: Final = ("authentication", "word")
_CODED: Final = re.compile(r"&(?!amp;)|&amp;[#\w]+;|<")
_WHOLE_CDATA: Final = re.compile(r"(\s*+<!\[CDATA\[)(.*)(\]\]>\s*+)", re.DOTALL)


def _hidden_by(rules: Rules, text: str) -> str:
    lower = text.lower()
    for triggers, pattern in rules:
        if not triggers or any(each in lower for each in triggers):
            text = pattern.sub(HIDDEN, text)
    return text


def _decoded(body: bytes | str, limit: int | None) -> str:
    """Return no more characters than that; fewer are all. Raises as `document` catches."""
    if isinstance(body, str):
        text = body[:limit]
    elif limit is None or len(body) <= limit:
        text = body.decode()
    else:
        # A character has four bytes at most, and the last may be cut in two.
        text = codecs.getincrementaldecoder("utf-8")().decode(body[: 4 * limit])[:limit]
    # UTF-16 is UTF-8 as well, with these between, and so would all words be missed.
    if "\0" in text:
        raise NotWellFormedError
    return text


def _closing(text: str) -> str:
    """Return what ends a comment or a CDATA section in which a document was cut."""
    for begin, end in (("<!--", "-->"), ("<![CDATA[", "]]>")):
        if text.rfind(begin) > text.rfind(end):
            return end
    return ""


def _before_the_end(pieces: Iterator[str]) -> Iterator[str]:
    """Yield the pieces of a document that was cut: where it was, it is not well-formed."""
    try:
        yield from pieces
    except NotWellFormedError:
        return


def _has_nothing_to_hide(text: str, whole: bool) -> bool:  # noqa: FBT001 - as Parse has it
    """Return whether a document is well-formed, and nothing in it begins as any secret does.

    Most replies have nothing, and to know that takes a thirtieth of the time of looking at each
    of their elements.
    """
    # Names are compared without these. It is quicker so than by `translate`.
    plain = text.lower().replace("-", "").replace("_", "").replace(".", "")
    if any(hint in plain for hint in HINTS):
        return False
    try:
        # No "<!" is in it, and so no DOCTYPE, with which a parser could be made to do harm.
        expat.ParserCreate("utf-8").Parse(text.encode(), whole)
    except (expat.ExpatError, ValueError):
        return False
    return True


def _way(path: str) -> tuple[str, ...]:
    # A namespace has slashes of its own.
    parts = re.findall(r"(?:\{[^}]*\})?[^/{}]+", path)
    if not parts:
        raise OptionError("paths", f"{path!r} names no element")
    return tuple(parts)


def _leads(way: tuple[str, ...], path: Sequence[str]) -> bool:
    if len(way) > len(path):
        return False
    return all(
        each == name or each == name.rpartition("}")[2]
        for each, name in zip(reversed(way), reversed(path), strict=False)
    )


def _cut(pieces: Iterator[str], limit: int | None) -> Iterator[str]:
    left = limit
    for piece in pieces:
        if left is None:
            yield piece
            continue
        yield piece[:left]
        left -= len(piece)
        if left < 0:
            return


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
