"""The root element without a parser: what it recognises is what the parser says."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ncwire._protocol.messages import BASE_NS, read_root
from ncwire._protocol.root_fastpath import Alike, plain_root
from ncwire.errors import NcwireError

PIECES = (
    "<", ">", "/>", "/", "a", "rpc-reply", "nc:rpc-reply", "x:", " ", "\n", "\t", "=", "'", '"',
    "<a", "<nc:a", ' xmlns="u"', ' xmlns:nc="urn:x"', ' xmlns:nc=""', ' xmlns=""',
    ' xmlns:xml="u"', ' xmlns:b="http://www.w3.org/2000/xmlns/"', ' message-id="1"', " a='1'",
    ' nc:a="2"', ' b:c="1"', ' xml:lang="e"', ' a="1\n2"', "&amp;", "<!--c-->", "<!DOCTYPE a>",
    '<?xml version="1.0"?>', '<?xml version="1.0" encoding="UTF-8"?>',
    '<?xml version="1.0" encoding="latin1"?>', "é", "\ufeff", "\0", "}",
)  # fmt: skip


def parsed(raw: str) -> object:
    try:
        return read_root(raw.encode("utf-8", "surrogatepass"))  # bytes are always parsed
    except NcwireError as error:
        return type(error)


TEXTS = st.lists(st.sampled_from(PIECES), max_size=9).map("".join)


def plain_is_what_the_parser_reads(raw):
    root = plain_root(raw)
    if root is not None:
        assert root == parsed(raw)


@settings(max_examples=300)
@given(TEXTS)
def test_what_is_plain_is_what_the_parser_reads(raw):
    plain_is_what_the_parser_reads(raw)


@pytest.mark.exhaustive
@settings(max_examples=5000)
@given(TEXTS)
def test_what_is_plain_is_what_the_parser_reads_of_many(raw):
    plain_is_what_the_parser_reads(raw)


@pytest.mark.parametrize(
    "raw",
    [
        f'<rpc-reply xmlns="{BASE_NS}" message-id="101"><ok/></rpc-reply>',
        f'<?xml version="1.0" encoding="UTF-8"?>\n<rpc-reply message-id="7" xmlns="{BASE_NS}"/>',
        f"<nc:rpc-reply xmlns:nc='{BASE_NS}' nc:x='y' message-id='1'\n>",
        "<rpc-reply>",
    ],
)
def test_what_servers_send_is_plain(raw):
    assert plain_root(raw) is not None
    assert plain_root(raw) == parsed(raw + "</rpc-reply>")


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "<",
        "<?xml version=\"1.0'?><a>",
        "<a b='&amp;'>",
        "<a b='1' b='2'>",
        "<p:a>",
        "<!--c--><a>",
        "<!DOCTYPE a><a>",
    ],
)
def test_what_is_not_plain_is_left_to_the_parser(raw):
    assert plain_root(raw) is None


def learned(raw: str) -> Alike:
    alike = Alike()
    alike.learn(raw, read_root(raw))
    return alike


def test_replies_that_differ_in_their_message_id_are_alike():
    alike = learned(f'<rpc-reply xmlns="{BASE_NS}" message-id="9" a="b"><ok/></rpc-reply>')
    another = f'<rpc-reply xmlns="{BASE_NS}" message-id="10" a="b"><data/></rpc-reply>'
    assert alike.root(another) == read_root(another)


@pytest.mark.parametrize(
    "other",
    [
        f'<rpc-reply xmlns="{BASE_NS}" message-id="1&amp;2" a="b"/>',
        f'<rpc-reply xmlns="{BASE_NS}" message-id="1" a="c"/>',
        f'<rpc-reply xmlns="{BASE_NS}" message-id="1" a="b" c="d"/>',
        f'<rpc-reply xmlns="{BASE_NS}" message-id="" a="b"/>',
        f'<rpc-reply xmlns="{BASE_NS}" message-id="1',
        f'<notification xmlns="{BASE_NS}"/>',
        "",
    ],
)
def test_whatever_else_differs_is_not_alike(other):
    alike = learned(f'<rpc-reply xmlns="{BASE_NS}" message-id="9" a="b"/>')
    assert alike.root(other) is None


def alike_is_what_the_parser_reads(first, second):
    root = plain_root(first)
    if root is not None:
        alike = Alike()
        alike.learn(first, root)
        found = alike.root(second)
        assert found is None or found == parsed(second)


@settings(max_examples=200)
@given(TEXTS, TEXTS)
def test_what_is_alike_is_what_the_parser_reads(first, second):
    alike_is_what_the_parser_reads(first, second)


@pytest.mark.exhaustive
@settings(max_examples=2000)
@given(TEXTS, TEXTS)
def test_what_is_alike_is_what_the_parser_reads_of_many(first, second):
    alike_is_what_the_parser_reads(first, second)


@pytest.mark.parametrize("raw", ["<rpc-reply/>", '\0x"', '\0x" message-id="1"/>'])
def test_nothing_is_alike_before_something_was_learned(raw):
    assert Alike().root(raw) is None
    assert learned("<a/>").root(raw) is None
