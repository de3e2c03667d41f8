"""The words of a line of a configuration, told apart as OpenSSH 9.2 does (misc.c, argv_split)."""

from __future__ import annotations

import re
from typing import Final

_BLANK: Final = " \t"
_QUOTES: Final = "\"'"
# What stands in a word outside of quotes, and inside of each kind: an escape, or one character.
# A blank is escaped outside only; before whatever else a backslash is a character like any other.
_PLAIN: Final = re.compile(r"""\\(['"\\ ])|([^'" \t])""")
_QUOTED: Final = {
    '"': re.compile(r"""\\(['"\\])|([^"])"""),
    "'": re.compile(r"""\\(['"\\])|([^'])"""),
}


def words(text: str) -> list[str]:
    """Return the words without their quotes and escapes, up to a comment.

    Raises ValueError where a quote is not closed.
    """
    found: list[str] = []
    at = 0
    while at < len(text) and text[at] != "#":
        if text[at] in _BLANK:
            at += 1
        else:
            word, at = _word(text, at)
            found.append(word)
    return found


def _word(text: str, at: int) -> tuple[str, int]:
    """Return the word that begins there, and where it ends."""
    word = ""
    while at < len(text) and text[at] not in _BLANK:
        if text[at] in _QUOTES:
            part, at = _characters(_QUOTED[text[at]], text, at + 1)
            if at == len(text):
                raise ValueError("a quote is not closed")
            at += 1
        else:
            part, at = _characters(_PLAIN, text, at)
        word += part
    return word, at


def _characters(kind: re.Pattern[str], text: str, at: int) -> tuple[str, int]:
    found = ""
    while (each := kind.match(text, at)) is not None:
        found += each[1] or each[2]
        at = each.end()
    return found, at
