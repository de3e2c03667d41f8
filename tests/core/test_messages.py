from __future__ import annotations

import re
import tracemalloc
from xml.etree import ElementTree as ET

import pytest

from ncwire._protocol.capabilities import BASE_1_0, BASE_1_1, Capabilities
from ncwire._protocol.messages import BASE_NS, build_hello, parse_hello, read_root
from ncwire.errors import (
    ForbiddenXMLError,
    HelloMalformedError,
    HelloMissingError,
    HelloSessionIdError,
    MessageError,
)

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'
CAPABILITIES = f"<capabilities><capability>{BASE_1_0}</capability></capabilities>"


def hello(*, inside: str = CAPABILITIES + "<session-id>4</session-id>", ns: str = BASE_NS) -> str:
    return f'<hello xmlns="{ns}">{inside}</hello>'


# --- hello, sent -------------------------------------------------------------------------------


def test_our_hello_lists_the_capabilities_and_no_session_id() -> None:
    uri = "urn:x?a=1&b=<]]>]]>"
    document = build_hello([BASE_1_0, uri])
    assert document.startswith(DECLARATION.encode())
    assert b"]]>]]>" not in document
    root = ET.fromstring(document)
    assert root.tag == f"{{{BASE_NS}}}hello"
    assert [each.tag for each in root] == [f"{{{BASE_NS}}}capabilities"]
    assert [each.text for each in root[0]] == [BASE_1_0, uri]


# --- hello, received ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        hello(),
        hello().encode(),
        f"\n {DECLARATION}{hello()}\n",
        f"<!-- a device's greeting -->{hello()}<!-- bye -->",
        hello(inside="<session-id> 4\n</session-id><other/>" + CAPABILITIES),
        hello(ns=""),
        re.sub("(</?)", r"\1nc:", hello()).replace("nc:/", "/nc:").replace("xmlns", "xmlns:nc"),
        hello(
            inside=f"<capabilities><capability>\n  {BASE_1_0}\n</capability><capability/>"
            "</capabilities><session-id>004</session-id>"
        ),
        hello(
            inside="<capabilities><capability>urn:ietf:params:netconf:\n  base:1.0</capability>"
            "</capabilities><session-id>4</session-id>"
        ),
    ],
)
def test_a_hello_is_read(raw: str | bytes) -> None:
    received = parse_hello(raw)
    assert received.session_id == "4"
    assert received.capabilities == Capabilities([BASE_1_0])


def test_capabilities_keep_their_parameters() -> None:
    uri = "http://example.com/ns?module=a&revision=2020-01-01"
    inside = CAPABILITIES.replace(BASE_1_0, uri.replace("&", "&amp;"))
    assert list(parse_hello(hello(inside=inside + "<session-id>1</session-id>")).capabilities) == [
        uri
    ]


@pytest.mark.parametrize("session_id", ["1", "4294967295"])
def test_the_bounds_of_a_session_id(session_id: str) -> None:
    inside = f"{CAPABILITIES}<session-id>{session_id}</session-id>"
    assert parse_hello(hello(inside=inside)).session_id == session_id


@pytest.mark.parametrize(
    "element",
    [
        "",
        "<session-id/>",
        "<session-id>0</session-id>",
        "<session-id>-1</session-id>",
        "<session-id>4294967296</session-id>",
        "<session-id>x</session-id>",
        "<session-id>1.0</session-id>",
        "<session-id>\N{ARABIC-INDIC DIGIT ONE}</session-id>",
        f"<session-id>{'1' * 10_000}</session-id>",
        "<session-id>1</session-id><session-id>1</session-id>",
        '<session-id xmlns="urn:other">1</session-id>',
    ],
)
def test_a_hello_without_a_good_session_id(element: str) -> None:
    with pytest.raises(HelloSessionIdError, match="session-id") as caught:
        parse_hello(hello(inside=CAPABILITIES + element))
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "hello",
        hello()[:-1],
        hello() + hello(),
        hello().replace("</session-id>", "</session>"),
        hello().replace("capability>", "capabil\n\nity>"),
        hello(inside="&undefined;" + CAPABILITIES),
        hello(inside="<session-id>4</session-id>"),
        hello(inside="<capabilities/><session-id>4</session-id>"),
        hello(
            inside="<capabilities><capability> </capability></capabilities>"
            "<session-id>4</session-id>"
        ),
        b'<?xml version="1.0" encoding="unheard-of"?>' + hello().encode(),
        b'<?xml version="1.0" encoding="utf-7"?>' + hello().encode(),
        b"\xff" + hello().encode(),
        hello(inside="\ud800"),
    ],
)
def test_a_malformed_hello(raw: str | bytes) -> None:
    with pytest.raises(HelloMalformedError, match="hello: the server's"):
        parse_hello(raw)


@pytest.mark.parametrize(
    "raw", [f'<rpc-reply xmlns="{BASE_NS}"/>', "<html/>", hello(ns="urn:other")]
)
def test_another_document_is_no_hello(raw: str) -> None:
    with pytest.raises(HelloMissingError, match=r"sent .*\w+ where its hello was due"):
        parse_hello(raw)


HOSTILE = [
    ("<!DOCTYPE {}>", "a DOCTYPE,"),
    ('<!DOCTYPE {} SYSTEM "file:///etc/hostname">', "a DOCTYPE with an external reference"),
    ('<!DOCTYPE {} [<!ENTITY a "b">]>', "a DOCTYPE with an entity declaration"),
    ('<!DOCTYPE {} [<!ENTITY a SYSTEM "file:///etc/hostname">]>', "an entity declaration"),
    ('<!DOCTYPE {} [<!ENTITY % a "b">]>', "an entity declaration"),
]


@pytest.mark.parametrize(("doctype", "named"), HOSTILE)
@pytest.mark.parametrize("encode", [str, str.encode], ids=["str", "bytes"])
def test_a_hostile_hello_is_refused(doctype: str, named: str, encode: type) -> None:
    with pytest.raises(ForbiddenXMLError, match=named):
        parse_hello(encode(doctype.format("hello") + hello()))


# --- roots -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "root"),
    [
        ("<a/>", ("a", {})),
        (b"<a/>", ("a", {})),
        ("<a", None),
        ("<a b='1'>", ("a", {"b": "1"})),
        (
            f'<rpc-reply message-id="1" xmlns="{BASE_NS}"><ok/></rpc-reply>',
            (f"{{{BASE_NS}}}rpc-reply", {"message-id": "1"}),
        ),
        (
            "<x:a xmlns:x='urn:x' xmlns='urn:d' x:b='&lt;&#65;' c='2'/>",
            ("{urn:x}a", {"{urn:x}b": "<A", "c": "2"}),
        ),
        (f"\n\t {DECLARATION}\n<!-- c --><?pi x?>\n<a/>", ("a", {})),
        ("\ufeff<a/>", ("a", {})),
        (b"\xef\xbb\xbf<a/>", ("a", {})),
        ('<?xml version="1.0" encoding="UTF-16"?><a/>', ("a", {})),
        ("<\N{LATIN SMALL LETTER E WITH ACUTE} b='\N{GRINNING FACE}'/>", ("é", {"b": "😀"})),
        (" " * 5_000 + "<a/>", ("a", {})),
        ("<!--" + "-" * 0 + "c" * 5_000 + "--><a/>", ("a", {})),
        (f"<a b='{'c' * 50_000}'/>", ("a", {"b": "c" * 50_000})),
        (f"<a b='{'é' * 50_000}'/>".encode(), ("a", {"b": "é" * 50_000})),
    ],
)
def test_read_root(raw: str | bytes, root: tuple[str, dict[str, str]] | None) -> None:
    if root is None:
        with pytest.raises(MessageError):
            read_root(raw)
    else:
        assert read_root(raw) == root


@pytest.mark.parametrize("tail", ["</b>", "<<<", "&undefined;", "\x00", "\ud800"])
def test_what_follows_the_root_is_not_read(tail: str) -> None:
    assert read_root("<a>" + " " * 1_000 + tail) == ("a", {})


@pytest.mark.parametrize("size", [10_000, 50_000_000])
@pytest.mark.parametrize("encode", [str, str.encode], ids=["str", "bytes"])
def test_a_large_document_takes_no_more_memory_than_a_small_one(size: int, encode: type) -> None:
    raw = encode("<a b='1'>" + "<c/>" * (size // 4) + "</a>")
    read_root(raw)
    tracemalloc.start()
    try:
        assert read_root(raw) == ("a", {"b": "1"})
        assert tracemalloc.get_traced_memory()[1] < 200_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "raw",
    [
        "",
        " ",
        b"",
        "text",
        "<!-- only a comment -->",
        "<?xml version='1.0'?>",
        "</a>",
        "<a b></a>",
        "<x:a/>",
        "<a b='&undefined;'/>",
        "\0<a/>",
        b"\xff\xff<a/>",
        b"<?xml version='1.0' encoding='unheard-of'?><a/>",
        "<\ud800/>",
    ],
)
def test_a_message_without_a_readable_root(raw: str | bytes) -> None:
    with pytest.raises(MessageError, match="no readable root element"):
        read_root(raw)


def test_the_error_has_a_short_excerpt() -> None:
    with pytest.raises(MessageError) as caught:
        read_root("oops " + "x" * 1_000)
    assert "oops" in str(caught.value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(("doctype", "named"), HOSTILE)
@pytest.mark.parametrize("encode", [str, str.encode], ids=["str", "bytes"])
def test_a_hostile_message_is_refused(doctype: str, named: str, encode: type) -> None:
    with pytest.raises(ForbiddenXMLError, match=named):
        read_root(encode(f"{DECLARATION}<!-- c -->{doctype.format('a')}<a/>"))


def test_both_versions_of_the_protocol_use_one_namespace() -> None:
    assert BASE_NS not in (BASE_1_0, BASE_1_1)


def test_a_capability_that_is_no_uri_makes_a_hello_malformed() -> None:
    hello = f'<hello xmlns="{BASE_NS}"><capabilities><capability>urn:a\x7f</capability>'
    hello += "</capabilities><session-id>1</session-id></hello>"
    with pytest.raises(HelloMalformedError, match="no URI"):
        parse_hello(hello)
