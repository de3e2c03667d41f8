"""What the page on moving over says of replies, errors and notifications."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import defusedxml.ElementTree
import pytest
from lxml import etree
from ncclient import manager, operations
from three_ways import login_at

import ncwire
from ncwire.testing import EmbeddedServer
from profiles.peers import NS, Wire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ncwire.testing import ChannelStream

END = b"]]>]]>"
EVENTS = "urn:ietf:params:xml:ns:netconf:notification:1.0"
INTERFACE_TYPES = "urn:ietf:params:xml:ns:yang:iana-if-type"
GET_CONFIG = "<get-config><source><running/></source></get-config>"
ANSWERS = {
    "get-config": f'<data><type xmlns="u" xmlns:t="{INTERFACE_TYPES}">'
    "t:softwareLoopback</type></data>",
    "discard-changes": "<rpc-error><error-type>application</error-type>"
    "<error-tag>in-use</error-tag><error-severity>error</error-severity>"
    "<error-app-tag>busy</error-app-tag><error-path>/a</error-path>"
    "<error-message>not now</error-message><error-info><who>r2</who></error-info></rpc-error>",
    "commit": "<rpc-error><error-severity>warning</error-severity>"
    "<error-message>nothing changed</error-message></rpc-error>",
    "validate": "<a><rpc-error><error-tag>bad-element</error-tag>"
    "<error-severity>error</error-severity>"
    "<error-message>a</error-message></rpc-error><rpc-error><error-severity>error</error-severity>"
    "<error-message>b</error-message></rpc-error></a>",
    "kill-session": "<rpc-error><error-severity>error</error-severity>"
    "<error-message>VLAN with the same name exists</error-message></rpc-error>",
    "create-subscription": "<ok/>",
    "close-session": "<ok/>",
}
NOTIFICATION = (
    f'<notification xmlns="{EVENTS}"><eventTime>2026-01-01T00:00:00Z</eventTime>'
    f'<link-down xmlns="u"/></notification>'
)


def answer(stream: ChannelStream) -> None:
    """Answer each operation by its name; a subscription is followed by one notification."""
    base = "<capability>urn:ietf:params:netconf:base:1.0</capability>"
    candidate = "<capability>urn:ietf:params:netconf:capability:candidate:1.0</capability>"
    validate = "<capability>urn:ietf:params:netconf:capability:validate:1.1</capability>"
    events = "<capability>urn:ietf:params:netconf:capability:notification:1.0</capability>"
    stream.send(
        f'<hello xmlns="{NS}"><capabilities>{base}{candidate}{validate}{events}</capabilities>'
        "<session-id>7</session-id></hello>".encode()
        + END
    )
    wire = Wire(stream)
    wire.until(END)
    while rpc := wire.until(END):
        name, text = next(each for each in ANSWERS.items() if each[0] in rpc)
        number = re.search(r'message-id="([^"]*)"', rpc)
        assert number is not None
        stream.send(
            f'<rpc-reply xmlns="{NS}" message-id="{number[1]}">{text}</rpc-reply>'.encode() + END
        )
        if name == "create-subscription":
            stream.send(NOTIFICATION.encode() + END)
        if name == "close-session":
            break
    stream.close()


@pytest.fixture
def device() -> Iterator[dict[str, Any]]:
    with EmbeddedServer(script=answer) as server:
        yield login_at(server)


def test_what_is_written_keeps_prefixes_that_values_use(device):
    with manager.connect(**device) as m:
        before = m.get_config("running").data_xml
    with ncwire.connect(**device) as s:
        reply = s.rpc(GET_CONFIG, check=True)

    after = etree.tostring(reply.lxml().find("{*}data"), encoding="unicode")
    assert ET.canonicalize(after) == ET.canonicalize(before)
    assert INTERFACE_TYPES in after
    assert INTERFACE_TYPES not in ET.tostring(reply.data, encoding="unicode")


def test_an_error_has_the_same_parts(device):
    with manager.connect(**device) as m, pytest.raises(operations.RPCError) as before:
        m.discard_changes()
    with ncwire.connect(**device) as s, pytest.raises(ncwire.RPCError) as after:
        s.rpc("<discard-changes/>", check=True)

    for name in ("type", "tag", "severity", "app_tag", "path", "message"):
        assert getattr(after.value, name) == getattr(before.value, name)
    own, other = after.value.info, before.value.info
    assert own is not None
    assert ET.canonicalize(own, rewrite_prefixes=True) == ET.canonicalize(
        other, rewrite_prefixes=True
    )


def test_of_several_errors_ncclient_has_no_tag(device):
    with manager.connect(**device) as m, pytest.raises(operations.RPCError) as before:
        m.validate("candidate")
    with ncwire.connect(**device) as s, pytest.raises(ncwire.RPCError) as after:
        s.rpc("<validate><source><candidate/></source></validate>", check=True)

    assert before.value.message == "error: a\nerror: b"
    assert not hasattr(before.value, "tag")
    assert (after.value.tag, after.value.message) == ("bad-element", "a")
    for error in (before.value, after.value):
        assert [each.message for each in error.errors] == ["a", "b"]


def test_an_error_that_the_handler_of_nexus_passes_over(device):
    with manager.connect(**device, device_params={"name": "nexus"}) as m:
        m.kill_session("4")
    with ncwire.connect(**device, profile="nexus") as s:
        reply = s.rpc("<kill-session><session-id>4</session-id></kill-session>")

    assert [each.message for each in reply.errors] == ["VLAN with the same name exists"]


def test_a_warning_is_raised_by_ncclient_alone(device):
    with manager.connect(**device) as m, pytest.raises(operations.RPCError) as before:
        m.commit()
    with ncwire.connect(**device) as s:
        reply = s.rpc("<commit/>", check=True)

    after = ncwire.RPCError(reply.warnings)
    assert (after.severity, after.message) == (before.value.severity, before.value.message)


def test_a_notification_is_read(device):
    with manager.connect(**device) as m:
        m.create_subscription()
        before = m.take_notification(timeout=30)
        assert m.take_notification(block=False) is None
    with ncwire.connect(**device) as s, s.notifications() as notifications:
        s.rpc(f"<create-subscription xmlns='{EVENTS}'/>", check=True)
        after = notifications.get(timeout=30, default=None)
        assert notifications.get(timeout=0, default=None) is None

    assert before is not None
    assert after is not None
    assert after.raw == before.notification_xml
    found = defusedxml.ElementTree.fromstring(after.raw)
    assert [each.tag for each in found] == [each.tag for each in before.notification_ele]


@pytest.mark.parametrize("library", [ET, etree], ids=["ElementTree", "lxml"])
def test_an_element_without_a_namespace_is_in_netconfs_own(library):
    with EmbeddedServer() as server, ncwire.connect(**login_at(server)) as s:
        assert s.rpc(library.fromstring(GET_CONFIG)).ok
        assert not s.rpc(GET_CONFIG.replace("<get-config>", "<get-config xmlns=''>")).ok
