"""Replies as the command reads and shows them."""

from __future__ import annotations

import pytest

from ncwire._cli import documents, terminal

BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (f'<rpc-reply xmlns="{BASE}"><ok/></rpc-reply>', False),
        (f'<rpc-reply xmlns="{BASE}"><rpc-error><x/></rpc-error></rpc-reply>', True),
        (f'<nc:rpc-reply xmlns:nc="{BASE}"><nc:rpc-error/></nc:rpc-reply>', True),
        ("<rpc-reply><rpc-error/></rpc-reply>", True),
        (f'<rpc-reply xmlns="{BASE}"><a/><rpc-error/></rpc-reply>', True),
        (f'<rpc-reply xmlns="{BASE}"><data>rpc-error</data></rpc-reply>', False),
        (f'<rpc-reply xmlns="{BASE}"><data><rpc-error/></data></rpc-reply>', False),
        (f'<rpc-reply xmlns="{BASE}"><rpc-error xmlns="urn:x"/></rpc-reply>', False),
        (f'<rpc-reply xmlns="{BASE}"><rpc-error></rpc-reply>', True),
        (f'<rpc-reply xmlns="{BASE}"><data></rpc-reply>rpc-error', False),
        ('<!DOCTYPE a [<!ENTITY b "c">]><a>rpc-error</a>', False),
    ],
)
def test_an_rpc_error_is_an_element_of_the_reply_itself(raw, expected):
    assert documents.has_rpc_error(raw) is expected


def test_a_document_is_laid_out_with_its_prefixes_and_its_text():
    raw = '<a:b xmlns:a="urn:a"><c d="1"><e> f  g </e>\n\n</c><h/></a:b>'

    assert documents.laid_out(raw).splitlines() == [
        '<a:b xmlns:a="urn:a">',
        '  <c d="1">',
        "    <e> f  g </e>",
        "  </c>",
        "  <h/>",
        "</a:b>",
    ]


@pytest.mark.parametrize(
    "raw",
    [
        "<a><b></a>",
        "",
        "<!DOCTYPE a><a/>",
        '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        "<a>" * 5000 + "</a>" * 5000,
    ],
    ids=["malformed", "empty", "DOCTYPE", "entity", "deep"],
)
def test_what_cannot_be_laid_out_is_left_as_it_is(raw):
    assert documents.laid_out(raw) == raw


@pytest.mark.parametrize("raw", ["<a>\x9b2Jb</a>", "<a>\x1b[2Jb", "<a>\u202e[2Jb</a>"])
def test_a_shown_document_does_not_drive_the_terminal(capsys, raw):
    terminal.show_document(raw)

    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\x9b" not in out
    assert "\u202e" not in out
    assert "[2Jb" in out or "\\x9b2Jb" in out


def test_a_large_document_is_shown_as_it_is(capsys):
    raw = f"<a><b>{'x' * (1 << 20)}</b></a>"

    terminal.show_document(raw)

    assert capsys.readouterr().out == f"{raw}\n"


def test_long_lines_are_left_whole(capsys):
    raw = f"<a>{'word ' * 100}</a>"

    terminal.show_document(raw)

    assert capsys.readouterr().out == f"{raw}\n"
