"""What others say can steer no terminal, and adds no line to a log."""

from __future__ import annotations

import unicodedata

import pytest

from ncwire.errors.printable import one_line, printable

STEERING = [
    *map(chr, range(0x20)),
    *map(chr, range(0x7F, 0xA0)),
    *"\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029",
    *"\u200b\u2060\ufeff\ufff9\U000e0041\ud800\udfff",
]
HARMLESS = ["plain", "søn", "日本語", "שלום", "a\u200cb", "👩\u200d🚀", "\xa0", "€", "\\x1b"]


@pytest.mark.parametrize("character", STEERING, ids=ascii)
def test_what_steers_becomes_visible(character):
    line = one_line(f"a{character}b")
    assert line == f"a{_escape(character)}b"
    assert line.isprintable()
    assert line.splitlines() == [line]
    if character in "\t\n":
        assert printable(character) == character
    else:
        assert printable(f"a{character}b") == line


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else ascii(character)[1:-1]


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_only_text_stays(text):
    assert printable(text) == one_line(text) == text


def test_no_control_character_and_no_separator_of_unicode_passes():
    kinds = {"Cc", "Cs", "Zl", "Zp"}
    directions = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    steering = "".join(
        character
        for character in map(chr, range(0x110000))
        if unicodedata.category(character) in kinds
        or unicodedata.bidirectional(character) in directions
    )
    assert one_line(steering).isprintable()


def test_what_is_too_long_is_cut_before_it_grows():
    assert one_line("abc\n", 4) == "abc\\x0a"
    assert one_line("abcde", 4) == "abcd..."
    assert one_line("\x00" * 5, 2) == "\\x00\\x00..."
