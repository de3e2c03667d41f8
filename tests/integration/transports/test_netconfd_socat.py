"""The main job over TLS and a Unix socket, against yuma123's netconfd behind socat."""

from __future__ import annotations

import pytest

import ncwire
from ncwire.errors import AuthenticationError, RPCTimeoutError
from servers.certificates import Authority
from servers.netconfd_socat import NetconfdBehindSocat

pytestmark = pytest.mark.netconfd

SYSTEM = "urn:ietf:params:xml:ns:yang:ietf-system"
PATIENCE = 60
RUNNING = "<get-config><source><running/></source></get-config>"


@pytest.fixture(scope="module")
def netconfd():
    with NetconfdBehindSocat() as server:
        yield server


@pytest.fixture(scope="module")
def tls_port(netconfd, certificates):
    return netconfd.over_tls(certificates.server, certificates.authority.certificate)


@pytest.fixture(scope="module")
def path(netconfd):
    return netconfd.over_a_unix_socket()


@pytest.fixture(params=["tls", "unix"])
def session(request, certificates):
    """One that netconfd listens to; see `open_session` in test_netconfd.py."""
    if request.param == "tls":
        session = ncwire.TLSSession()
        port = request.getfixturevalue("tls_port")
        session.connect("127.0.0.1", port, **certificates.credentials())
    else:
        session = ncwire.UnixSocketSession()
        session.connect(request.getfixturevalue("path"))
    for _ in range(20):
        try:
            session.rpc(RUNNING, 1)
        except RPCTimeoutError:
            continue
        break
    yield session
    session.close()


def test_an_edit_is_committed_and_the_end_is_answered(session):
    assert ":candidate" in session.server_capabilities
    contact = f"contact of session {session.id}"
    edited = session.rpc(
        "<edit-config><target><candidate/></target><config>"
        f'<system xmlns="{SYSTEM}"><contact>{contact}</contact></system></config></edit-config>'
    )
    assert "ok/>" in edited.raw
    assert "ok/>" in session.rpc("<commit/>").raw
    assert contact in session.rpc(RUNNING).raw
    schema = session.rpc(
        '<get-schema xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring">'
        "<identifier>ietf-interfaces</identifier></get-schema>"
    )
    assert "module ietf-interfaces" in schema.raw
    session.close_session()
    assert session.cause.closed_by == "us"


def test_20_mb_go_each_way_whole(session):
    """In messages of 4 MB: netconfd 2.13 ends a session in the middle of one of 20 MB."""
    candidate = "<get-config><source><candidate/></source></get-config>"
    for letter in "abcde":
        text = f"0123456789{letter * 6}" * 250_000
        edited = session.rpc(
            "<edit-config><target><candidate/></target><config>"
            f'<system xmlns="{SYSTEM}"><location>{text}</location></system></config>'
            "</edit-config>",
            timeout=PATIENCE,
        )
        assert "ok/>" in edited.raw
        assert f"<location>{text}</location>" in session.rpc(candidate, timeout=PATIENCE).raw
    assert "ok/>" in session.rpc("<discard-changes/>", timeout=PATIENCE).raw


def test_notifications_after_a_subscription(session, request):
    with session.notifications() as reader:
        subscribed = session.rpc(
            '<create-subscription xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0"/>'
        )
        assert "ok/>" in subscribed.raw
        other = ncwire.UnixSocketSession()
        with other:
            other.connect(request.getfixturevalue("path"))  # its start is an event
            started = reader.get(timeout=PATIENCE).raw
            assert "netconf-session-start" in started
            assert f"<session-id>{other.id}</session-id>" in started.replace("ncn:", "")


def test_many_rpcs_in_flight(session):
    pending = [session.submit(RUNNING) for _ in range(50)]
    assert {"data" in each.result(20).raw for each in pending} == {True}


def test_a_client_of_another_authority_is_refused(tls_port, certificates, tmp_path):
    stranger = Authority(tmp_path, "stranger").issue("stranger")
    session = ncwire.TLSSession()
    with pytest.raises(AuthenticationError, match='alert is "unknown ca"'):
        session.connect(
            "127.0.0.1",
            tls_port,
            certfile=stranger.both,
            ca_certs=certificates.authority.certificate,
        )
