"""Operations: which forms are taken, and what is refused before anything is sent."""

from __future__ import annotations

import sys
import threading
from xml.etree import ElementTree as ET

import pytest
from callers import asked

from ncwire._protocol.dialect import Dialect
from ncwire._protocol.rpc import RPCWriter, wrap_rpc
from ncwire.errors import OptionError
from servers.requirement import missing

try:
    from lxml import etree
except ImportError:
    etree = None

BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"
DECLARED = "<?xml version='1.0'?>"


def body(operation) -> str:
    """Return what stands in the rpc."""
    return wrap_rpc(operation, "1").decode().partition(">")[2].removesuffix("</rpc>")


def assert_nothing_was_sent(peer, session):
    peer.script(lambda: peer.reply(asked(peer), "<lives/>"))
    assert "<lives/>" in session.rpc("<last/>", 20).raw


# --- forms -------------------------------------------------------------------------------------


@pytest.fixture(params=["xml.etree.ElementTree", "lxml"])
def library(request):
    if request.param == "lxml" and etree is None:
        missing("lxml is not installed: pip install lxml")
    return etree if request.param == "lxml" else ET


def test_an_element_is_written_without_what_stands_behind_it(library):
    root = library.fromstring("<a><get><é>x &amp; y</é></get> tail </a>")
    assert body(root[0]) == "<get><é>x &amp; y</é></get>"
    assert root[0].tail == " tail "


def test_an_element_of_a_namespace_stays_in_it(library):
    element = library.fromstring('<a xmlns="urn:x" xmlns:y="urn:y"><y:b y:c="d"/></a>')
    assert ET.fromstring(body(element[0])).tag == "{urn:y}b"
    assert ET.fromstring(body(element[0])).attrib == {"{urn:y}c": "d"}


def test_a_tree_counts_for_its_root(library):
    assert body(library.ElementTree(library.fromstring("<get/>"))) in ("<get/>", "<get />")


@pytest.mark.parametrize("call", ["rpc", "stream", "submit", "send"])
def test_every_call_takes_an_element(peer, session, library, call):
    element = library.fromstring("<get><filter/></get>")
    received = []
    peer.script(lambda: [received.append(peer.receive()), peer.reply(None)])
    done = getattr(session, call)(element)
    peer.played()
    assert ET.fromstring(received[0]).findall(".//{*}filter")
    if call == "stream":
        done.close()


def test_request_takes_an_element_too(peer, session, library):
    came = threading.Event()
    session.request(library.fromstring("<get/>"), lambda _: came.set(), lambda _: None)
    peer.reply(asked(peer))
    assert came.wait(20)


def test_bytes_of_any_kind_are_taken():
    assert body(bytearray(b"<get/>")) == body(memoryview(b"<get/>")) == "<get/>"


def test_an_element_that_cannot_be_written_is_refused():
    element = ET.Element("a")
    element.text = 5
    with pytest.raises(OptionError, match="cannot be written as XML: TypeError"):
        wrap_rpc(element, "1")


def test_an_element_that_cannot_be_well_formed_is_refused():
    with pytest.raises(OptionError, match="is not well-formed: invalid token"):
        wrap_rpc(ET.Element("a b<"), "1")


def test_what_is_no_element_of_lxmls_is_refused(library):
    for none in (library.Comment("x"), library.ProcessingInstruction("x", "y")):
        with pytest.raises(OptionError, match="does not begin with an XML element"):
            wrap_rpc(none, "1")


@pytest.mark.parametrize("operation", [None, 5, 2.5, object(), True, ET])
def test_what_is_no_operation_is_refused_by_name(peer, session, operation):
    for call in (session.rpc, session.submit, session.stream):
        with pytest.raises(OptionError, match="operation: must be str, bytes, an XML element or"):
            call(operation)
    assert_nothing_was_sent(peer, session)


def test_lxml_is_not_imported_for_an_operation():
    before = "lxml" in sys.modules
    body("<get/>")
    assert ("lxml" in sys.modules) == before


# --- well-formed -------------------------------------------------------------------------------

MALFORMED = {
    "<get>": "is not well-formed: it ends too early (line 1, column 6)",
    "<get></gt>": "is not well-formed: mismatched tag (line 1, column 8)",
    "<get>\n  <a b></a>\n</get>": "is not well-formed: invalid token (line 2, column 7)",
    f"{DECLARED}\n\n<a>\n&nbsp;</a>": "is not well-formed: undefined entity (line 4, column 1)",
    f"\ufeff{DECLARED} <get>é&</get>": "is not well-formed: invalid token (line 1, column 30)",
    "<get/><get/>": "has something after its element (line 1, column 7)",
    "<get/>\ntext": "has something after its element (line 2, column 1)",
    "<get/></rpc><rpc>": "is not well-formed: invalid token (line 1, column 8)",
    "<get a='1' a='2'/>": "is not well-formed: duplicate attribute (line 1, column 12)",
    "<get>\0</get>": "is not well-formed: invalid token (line 1, column 6)",
    "<get>]]></get>": "is not well-formed: invalid token (line 1, column 8)",
    "<!-- a -- b --><get/>": "is not well-formed: invalid token (line 1, column 10)",
    "<get><!DOCTYPE a></get>": "is not well-formed: invalid token (line 1, column 8)",
    "<a>" + "x" * 600_000 + "\n<b></a>": "is not well-formed: mismatched tag (line 2, column 6)",
}


@pytest.mark.parametrize("operation", MALFORMED, ids=lambda text: repr(text[:30]))
def test_what_is_not_one_well_formed_element_is_refused_with_its_place(operation):
    for given in (operation, operation.encode()):
        with pytest.raises(OptionError) as caught:
            wrap_rpc(given, "1")
        assert str(caught.value) == f"operation: {MALFORMED[operation]}"


def test_it_is_refused_by_every_call_before_anything_is_sent(peer, session):
    for call in (session.rpc, session.submit, session.stream):
        for _ in range(2):  # it is not remembered as good
            with pytest.raises(OptionError, match=r"line 1, column 6"):
                call("<get>")
    with pytest.raises(OptionError, match=r"line 1, column 6"):
        session.request("<get>", lambda _: None, lambda _: None)
    assert_nothing_was_sent(peer, session)


@pytest.mark.parametrize(
    "operation",
    [
        "<get><![CDATA[ <a> ]]></get>",
        "<get a=\"1\" b='2'>&#x20;&lt;&amp;</get>\n<!-- end --><?pi?>",
        "<if:get/>",  # a prefix that <rpc> may declare
        "<get>" + "<a/>" * 200_000 + "</get>",
    ],
    ids=lambda text: text[:30],
)
def test_what_is_well_formed_is_left_as_it_is(operation):
    assert body(operation) == operation


def test_an_operation_in_pieces_is_the_callers_own(peer, session):
    session.submit([b"<get>"])
    assert "<get></rpc>" in peer.receive()


# --- what is kept of those that were good --------------------------------------------------------


def test_an_operation_that_is_repeated_is_written_alike():
    writer = RPCWriter(Dialect(rpc_declaration=True, rpc_prefix="nc"))
    operations = [f"<?xml version='1.0'?><get-{n}/>" for n in range(40)]
    given = [*operations, *(each.encode() for each in operations)]
    seen = [[writer.write(each) for each in given] for _ in range(3)]
    ids = [message_id for each in seen for message_id, _ in each]
    assert len(set(ids)) == len(ids)
    first, *others = [
        [document.replace(message_id.encode(), b"") for message_id, document in each]
        for each in seen
    ]
    assert all(each == first for each in others)
    assert b"<get-7/></nc:rpc>" in first[7]
    assert first[7] == first[47]


def test_an_element_that_was_changed_is_written_anew():
    writer, element = RPCWriter(), ET.Element("a")
    writer.write(element)
    element.tag = "b"
    assert b"<b />" in writer.write(element)[1]
