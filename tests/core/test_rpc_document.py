"""`<rpc>` around an operation: what is refused, and an operation in pieces."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from ncwire._protocol.dialect import Dialect
from ncwire._protocol.messages import BASE_NS
from ncwire._protocol.rpc import rpc_envelope, wrap_rpc
from ncwire.errors import OptionError

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'


@pytest.mark.parametrize(
    "operation",
    [
        "<get/>",
        b"<get/>",
        f"{DECLARATION}\n<get/>",
        "\ufeff<get/>",
        f"\ufeff \n{DECLARATION}<get/>",
        b"\xef\xbb\xbf" + DECLARATION.encode() + b"<get/>",
    ],
)
def test_an_operation_is_wrapped_without_its_declaration(operation: str | bytes) -> None:
    assert (
        wrap_rpc(operation, "101")
        == f'<rpc message-id="101" xmlns="{BASE_NS}"><get/></rpc>'.encode()
    )


@pytest.mark.parametrize(
    "operation",
    [
        "<!-- why --><get/>",
        "<?pi?> <get/>",
        "<x:get xmlns:x='urn:x'/>",
        "<rpcs/>",
        "<get>\n</get>\n",
        "<é/>",
        "<é/>".encode(),
    ],
)
def test_an_operation_is_otherwise_left_as_it_is(operation: str | bytes) -> None:
    expected = operation.encode() if isinstance(operation, str) else operation
    assert wrap_rpc(operation, "1").endswith(b">" + expected + b"</rpc>")


def test_a_message_id_is_quoted() -> None:
    root = ET.fromstring(wrap_rpc("<get/>", "<\"'&>"))
    assert root.attrib == {"message-id": "<\"'&>"}


@pytest.mark.parametrize(
    ("operation", "problem"),
    [
        ("", "is empty"),
        (b"", "is empty"),
        (" \n", "is empty"),
        (DECLARATION, "is empty"),
        ("get", "does not begin with an XML element"),
        ("</get>", "does not begin with an XML element"),
        ("<![CDATA[x]]>", "does not begin with an XML element"),
        ("<?xml version='1.0'", "does not begin with an XML element"),
        ("<!-- only a comment -->", "does not begin with an XML element"),
        ("<!-- c --> text", "does not begin with an XML element"),
        ("<!DOCTYPE get><get/>", "has a DOCTYPE"),
        ("<!-- c --> <!DOCTYPE get><get/>", "has a DOCTYPE"),
        ("<rpc message-id='1'><get/></rpc>", "give the element inside it"),
        (f"{DECLARATION}<nc:rpc xmlns:nc='{BASE_NS}'/>", "give the element inside it"),
        ("<rpc/>", "give the element inside it"),
        (b"<a>\xff</a>", "is not UTF-8"),
        ("<a>\ud800</a>", "is not UTF-8"),
    ],
)
def test_what_is_no_operation_is_refused(operation: str | bytes, problem: str) -> None:
    with pytest.raises(OptionError, match=re.escape(problem)) as caught:
        wrap_rpc(operation, "1")
    assert caught.value.option == "operation"


# --- in pieces ---------------------------------------------------------------------------------


def cut(data, size):
    return [data[at : at + size] for at in range(0, len(data), size)]


@pytest.mark.parametrize("size", [1, 2, 3, 1000, 4095, 4096, 4097, 10_000])
def test_an_operation_may_be_cut_anywhere(size):
    operation = "<?xml version='1.0'?>\n<a>é€😀" + "é€😀" * 2000 + "</a>"
    wrapped = b"".join(wrap_rpc(cut(operation.encode(), size), "7"))
    body = operation.partition("\n")[2]
    assert wrapped.decode() == (
        f'<rpc message-id="7" xmlns="urn:ietf:params:xml:ns:netconf:base:1.0">{body}</rpc>'
    )


def test_an_operation_in_pieces_has_its_dialects_envelope():
    envelope = rpc_envelope(Dialect(rpc_prefix="nc", rpc_declaration=True))
    pieces = wrap_rpc([b"<a", b"/>"], "7", envelope)
    assert b"".join(pieces) == wrap_rpc("<a/>", "7", envelope)


def test_what_is_not_utf8_is_refused_at_the_beginning():
    with pytest.raises(OptionError, match="not UTF-8"):
        next(wrap_rpc([b"<a>\xff", b"</a>"], "7"))
