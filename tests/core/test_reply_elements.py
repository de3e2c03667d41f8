"""`Reply.element`, `data` and `lxml`: the document as elements, read safely, when asked for."""

from __future__ import annotations

import pickle
import subprocess
import sys
from xml.etree import ElementTree as ET

import pytest

from ncwire import ForbiddenXMLError, MessageError, OptionError, Reply, RPCError

BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"
DOCTYPE = '<!DOCTYPE a [<!ENTITY b "c">]>'


def reply(body: str, before: str = "") -> Reply:
    raw = f'{before}<rpc-reply xmlns="{BASE}" message-id="5">{body}</rpc-reply>'
    return Reply(raw, ("rpc-reply", {}), "5")


def test_the_element_is_the_root_and_read_once():
    found = reply("<ok/>", before="\n")
    assert found.element.tag == f"{{{BASE}}}rpc-reply"
    assert found.element is found.element
    assert isinstance(found.element, ET.Element)


def test_a_declaration_of_another_encoding_changes_nothing():
    found = reply("<data>\u20ac</data>", before='<?xml version="1.0" encoding="ISO-8859-1"?>')
    assert found.data.text == "\u20ac"
    pytest.importorskip("lxml")
    assert found.lxml()[0].text == "\u20ac"


@pytest.mark.parametrize(
    "namespace",
    [BASE, "urn:ietf:params:xml:ns:yang:ietf-netconf-nmda", "urn:ietf:params:xml:ns:yang:x", ""],
)
def test_data_is_that_of_any_operation(namespace):
    assert reply(f'<data xmlns="{namespace}"><a/></data>').data[0].tag.endswith("a")


def test_data_beside_errors_is_there():
    assert reply("<data>d</data><rpc-error/>").data.text == "d"


def test_errors_in_the_place_of_data_are_raised():
    with pytest.raises(RPCError, match="rpc 5: in-use"):
        _ = reply("<rpc-error><error-tag>in-use</error-tag></rpc-error>").data


@pytest.mark.parametrize(("body", "told"), [("<ok/>", "ok"), ("", "nothing")])
def test_where_there_is_none_the_error_says_what_there_is(body, told):
    with pytest.raises(MessageError, match=rf"rpc 5 has no <data>, but .*{told}$"):
        _ = reply(body).data


def test_a_doctype_is_refused_by_both():
    with pytest.raises(ForbiddenXMLError):
        _ = reply("<data>&b;</data>", before=DOCTYPE).element
    pytest.importorskip("lxml")
    with pytest.raises(ForbiddenXMLError):
        reply("<data>&b;</data>", before=DOCTYPE).lxml()


def test_lxml_reads_the_same_where_it_is_asked_for():
    etree = pytest.importorskip("lxml.etree")
    found = reply("<data><a/></data>", before="\n").lxml()
    assert found.tag == f"{{{BASE}}}rpc-reply"
    assert etree.iselement(found)
    with pytest.raises(MessageError, match="not well-formed"):
        reply("<data>").lxml()


def test_a_parser_of_the_callers_is_used():
    etree = pytest.importorskip("lxml.etree")
    deep = reply("<a>" * 300 + "</a>" * 300)
    with pytest.raises(MessageError, match="depth"):
        deep.lxml()
    assert deep.lxml(etree.XMLParser(huge_tree=True)).tag == f"{{{BASE}}}rpc-reply"


def test_where_lxml_is_missing_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "lxml.etree", None)
    with pytest.raises(OptionError, match="pip install lxml"):
        reply("<ok/>").lxml()


def test_lxml_is_not_imported_by_anything_else():
    program = (
        "import sys\nfrom ncwire import Reply\n"
        "reply = Reply('<rpc-reply><data/></rpc-reply>', ('rpc-reply', {}), '1')\n"
        "assert reply.ok and reply.data is not None\n"
        "assert 'lxml' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_reply_that_was_read_is_pickled_all_the_same():
    found = reply("<data>d</data>")
    assert found.data.text == "d"
    assert pickle.loads(pickle.dumps(found)).data.text == "d"
