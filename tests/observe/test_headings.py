"""What the beginning of a message says, in whichever form it is."""

from __future__ import annotations

import pytest

from ncwire._protocol.observed import heading

BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (f'<rpc message-id="a1" xmlns="{BASE}"><get/></rpc>', ("rpc", "a1", "get")),
        (f'<rpc message-id="a1" xmlns="{BASE}">\n <get a="b"/></rpc>', ("rpc", "a1", "get")),
        (f"<rpc message-id='a 1' xmlns='{BASE}'><x:get/></rpc>", ("rpc", "a 1", "get")),
        (f'<rpc xmlns="{BASE}" message-id="a&amp;1"><get/></rpc>', ("rpc", "a&1", "get")),
        (f'<nc:rpc xmlns:nc="{BASE}" message-id="1"><nc:lock/></nc:rpc>', ("rpc", "1", "lock")),
        ('<?xml version="1.0"?><rpc message-id="7"><!-- <a> --><get/></rpc>', ("rpc", "7", "get")),
        (f'<rpc xmlns="{BASE}"><get/></rpc>', ("rpc", None, "get")),
        (f'<rpc message-id="1" xmlns="{BASE}"></rpc>', ("rpc", "1", "")),
        (f'<hello xmlns="{BASE}"><capabilities/></hello>', ("hello", None, "")),
        ('<rpc-reply message-id="3"><ok/></rpc-reply>', ("rpc-reply", "3", "")),
        (f'<rpc xmlns="{BASE}" message-id="1" a=">"><get/></rpc>', ("rpc", "1", "get")),
        (f"<rpc message-id='1' xmlns='{BASE}'>{' ' * 1000}</rpc>", ("rpc", "1", "")),
        (f"<rpc xmlns='{BASE}'>{'<!-- -->' * 400}</rpc>", ("rpc", None, "")),
        (f"<!-- {'-x' * 5000} --><rpc xmlns='{BASE}'><get/></rpc>", ("rpc", None, "get")),
        ("no document", ("", None, "")),
        ("", ("", None, "")),
    ],
)
def test_heading(document, said):
    assert heading(document.encode()) == said
