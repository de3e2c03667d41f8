"""`Notification.element` and `lxml`: the document as elements, as a reply has them."""

from __future__ import annotations

import pickle
import sys
from dataclasses import FrozenInstanceError
from xml.etree import ElementTree as ET

import pytest

from ncwire import ForbiddenXMLError, MessageError, Notification, OptionError

NS = "urn:ietf:params:xml:ns:netconf:notification:1.0"


def notification(body: str = "<eventTime>t</eventTime>", before: str = "") -> Notification:
    raw = f'{before}<notification xmlns="{NS}">{body}</notification>'
    return Notification(raw, (f"{{{NS}}}notification", {}))


def test_the_element_is_the_root_and_read_once():
    found = notification(before="\n")
    assert found.element.tag == f"{{{NS}}}notification"
    assert found.element.findtext("{*}eventTime") == "t"
    assert found.element is found.element
    assert isinstance(found.element, ET.Element)


def test_one_that_was_read_is_the_same_as_before():
    found, other = notification(), notification()
    assert found.element is not None
    assert found == other
    assert pickle.loads(pickle.dumps(found)) == other
    assert pickle.loads(pickle.dumps(found)).element.tag == found.element.tag
    assert "eventTime" not in repr(found)
    with pytest.raises(FrozenInstanceError):
        found.raw = "<n/>"


def test_a_doctype_is_refused_by_both():
    wrong = notification(before='<!DOCTYPE a [<!ENTITY b "c">]>')
    with pytest.raises(ForbiddenXMLError, match=r"^the notification has a DOCTYPE"):
        _ = wrong.element
    pytest.importorskip("lxml")
    with pytest.raises(ForbiddenXMLError):
        wrong.lxml()


def test_one_that_is_not_well_formed():
    with pytest.raises(MessageError, match=r"^the notification is not well-formed"):
        _ = notification("<a>").element
    pytest.importorskip("lxml")
    with pytest.raises(MessageError, match=r"^the notification is not well-formed"):
        notification("<a>").lxml()


def test_lxml_reads_the_same_where_it_is_asked_for():
    etree = pytest.importorskip("lxml.etree")
    assert notification().lxml().findtext("{*}eventTime") == "t"
    deep = notification("<a>" * 300 + "</a>" * 300)
    with pytest.raises(MessageError, match="depth"):
        deep.lxml()
    assert deep.lxml(etree.XMLParser(huge_tree=True)).tag == f"{{{NS}}}notification"


def test_where_lxml_is_missing_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "lxml.etree", None)
    with pytest.raises(OptionError, match="pip install lxml"):
        notification().lxml()
