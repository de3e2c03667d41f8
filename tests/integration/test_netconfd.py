"""The main job, against yuma123's netconfd behind sshd."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from ncwire.errors import RPCError, RPCTimeoutError

pytestmark = pytest.mark.netconfd

SYSTEM = "urn:ietf:params:xml:ns:yang:ietf-system"
NC = "urn:ietf:params:xml:ns:netconf:base:1.0"


def ok(reply) -> bool:
    return ET.fromstring(reply.raw).find(f"{{{NC}}}ok") is not None


def running(session) -> str:
    return session.rpc("<get-config><source><running/></source></get-config>").raw


@pytest.fixture
def open_session(netconfd, connect):
    """Open a session that netconfd listens to.

    netconfd 2.13 loses a chunked request that it reads together with the client's hello, as
    OpenSSH's client shows when it sends both in one write: so ask until it answers.
    """

    def open_session():
        session = connect(netconfd)
        for _ in range(20):
            try:
                running = session.rpc("<get-config><source><running/></source></get-config>", 1)
            except RPCTimeoutError:
                continue
            assert running.message_id
            return session
        raise AssertionError("netconfd does not answer")

    return open_session


def test_hello(open_session):
    session = open_session()
    assert session.connected
    assert int(session.id) > 0
    assert ":candidate" in session.server_capabilities
    assert ":base:1.1" in session.server_capabilities
    assert len(list(session.server_capabilities)) > 20


def test_edit_of_the_candidate_is_committed(open_session):
    session = open_session()
    contact = f"contact of session {session.id}"
    edit = (
        "<edit-config><target><candidate/></target><config>"
        f'<system xmlns="{SYSTEM}"><contact>{contact}</contact></system></config></edit-config>'
    )
    edited = session.rpc(edit)
    assert ok(edited), edited.raw
    assert contact not in running(session)
    committed = session.rpc("<commit/>")
    assert ok(committed), committed.raw
    assert contact in running(session)


def test_get_schema(open_session):
    reply = open_session().rpc(
        '<get-schema xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring">'
        "<identifier>ietf-interfaces</identifier></get-schema>"
    )
    assert "module ietf-interfaces" in reply.raw


def test_notifications_after_a_subscription(open_session):
    session = open_session()
    with session.notifications() as reader:
        subscribed = session.rpc(
            '<create-subscription xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0"/>'
        )
        assert ok(subscribed), subscribed.raw
        other = open_session()  # its start is an event
        notification = reader.get(timeout=20)
        assert "netconf-session-start" in notification.raw
        assert f"<session-id>{other.id}</session-id>" in notification.raw.replace("ncn:", "")


def test_rpc_error_is_in_the_reply(open_session):
    reply = open_session().rpc("<no-such-operation xmlns='urn:example:none'/>")
    assert "<rpc-error" in reply.raw.replace("nc:", "")


def test_close_session_is_answered(open_session):
    session = open_session()
    assert ok(session.rpc("<close-session/>"))
    session.close()
    assert not session.is_alive()


def test_a_lock_that_another_has_is_an_error_that_says_who(open_session):
    first, second = open_session(), open_session()
    lock = "<lock><target><candidate/></target></lock>"
    assert first.rpc(lock, check=True).ok
    with pytest.raises(RPCError, match="lock-denied") as caught:
        second.rpc(lock, check=True)
    denied = caught.value
    assert (denied.type, denied.severity) == ("protocol", "error")
    assert ET.fromstring(denied.info).findtext(f"{{{NC}}}session-id") == first.id
    assert second.rpc("<get/>", check=True).data.tag == f"{{{NC}}}data"
    assert first.rpc("<unlock><target><candidate/></target></unlock>", check=True).ok


def test_what_is_wrong_with_an_edit_has_its_path(open_session):
    edit = (
        "<edit-config><target><candidate/></target><config>"
        f'<system xmlns="{SYSTEM}"><nonsense/></system></config></edit-config>'
    )
    reply = open_session().rpc(edit)
    assert not reply.ok
    assert reply.errors[0].tag == "unknown-element"
    assert reply.errors[0].path.endswith(":system")
    assert "nonsense" in reply.errors[0].info
    with pytest.raises(RPCError, match="unknown-element"):
        _ = reply.data


def test_get_schema_has_its_data_in_another_namespace(open_session):
    monitoring = "urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring"
    get_schema = (
        f'<get-schema xmlns="{monitoring}"><identifier>ietf-system</identifier></get-schema>'
    )
    data = open_session().rpc(get_schema, check=True).data
    assert data.tag == f"{{{monitoring}}}data"
    assert "module ietf-system" in data.text
