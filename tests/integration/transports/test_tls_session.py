"""The main job over TLS (RFC 7589): hello, rpcs, notifications, large messages, the end."""

from __future__ import annotations

import ssl
from operator import methodcaller

import pytest
from tls_peers import UntilAsked

import ncwire
from ncwire.errors import SessionCloseError

pytestmark = pytest.mark.usefixtures("nothing_left")

SUBSCRIPTION = '<create-subscription xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0"/>'


@pytest.fixture
def server(certificates, version):
    with certificates.serve(version) as server:
        yield server


@pytest.fixture
def connected(certificates, server):
    """A `TLSSession` by the documented call."""
    session = ncwire.TLSSession()
    session.connect("127.0.0.1", server.port, **certificates.credentials())
    yield session
    session.close()


def test_hello_and_what_is_known_of_the_connection(connected, certificates, version):
    assert connected.connected
    assert int(connected.id) > 0
    assert ":base:1.1" in connected.server_capabilities
    assert isinstance(connected.transport, ssl.SSLObject)
    info = connected.channel_info
    assert (info.library, info.tls_version) == ("OpenSSL", version)
    assert info.cipher == connected.transport.cipher()[0]
    assert info.certificate_subject == "CN=server,O=ncwire"
    assert info.certificate_sha256 == certificates.server.sha256
    assert (connected.host, connected.driver_choice.name) == ("127.0.0.1", "tls")


def test_rpcs_in_flight_together(connected):
    pending = [connected.submit("<get/>") for _ in range(50)]
    assert {"data" in each.result(20).raw for each in pending} == {True}


def test_notifications(connected, server):
    with connected.notifications() as reader:
        assert "<ok" in connected.rpc(SUBSCRIPTION).raw
        assert server.notify('<event xmlns="urn:example:event"/>') == 1
        assert "urn:example:event" in reader.get(timeout=20).raw


@pytest.mark.parametrize(
    "size", [1_000_000, pytest.param(20_000_000, marks=pytest.mark.exhaustive)]
)
def test_much_goes_each_way_whole(connected, size):
    text = "0123456789abcdef" * (size // 16)
    edit = (
        "<edit-config><target><running/></target><config>"
        f'<top xmlns="urn:example:top"><text>{text}</text></top></config></edit-config>'
    )
    assert "<ok" in connected.rpc(edit, timeout=100).raw
    reply = connected.rpc("<get-config><source><running/></source></get-config>", timeout=100)
    assert f"<text>{text}</text>" in reply.raw


def test_both_sides_say_the_end(connected, server):
    stream = server.opened.get(timeout=20)
    connected.close_session()
    assert str(connected.cause) == "session closed by us: close-session"
    # With close_notify from both: nothing was broken off.
    assert server.failed.empty()
    server.close()
    with pytest.raises((ssl.SSLZeroReturnError, ssl.SSLError)):
        stream.tls.write(b"more")


def test_a_session_ends_without_close_session_in_good_order_too(connected, server):
    connected.rpc("<get/>")
    connected.close()
    server.close()
    assert server.failed.empty()


@pytest.mark.parametrize(
    ("end", "told"),
    [
        ("close", "session closed by the peer$"),
        ("vanish", "the peer ended the connection without close_notify$"),
    ],
)
def test_the_servers_end_is_the_cause(certificates, version, end, told):
    with certificates.serve(version, script=UntilAsked(methodcaller(end))) as server:
        session = ncwire.TLSSession()
        session.connect("127.0.0.1", server.port, **certificates.credentials())
        with pytest.raises(SessionCloseError, match=told):
            session.rpc("<get/>")


def test_connect_takes_the_class_that_fits(certificates, server):
    options = {name: str(value) for name, value in certificates.credentials().items()}
    with ncwire.connect(
        "127.0.0.1", port=server.port, driver="tls", driver_options=options
    ) as session:
        assert type(session) is ncwire.TLSSession
        assert session.rpc("<get/>").message_id


def test_a_hub_serves_it(certificates, server):
    with ncwire.Hub() as hub:
        sessions = [ncwire.TLSSession(hub=hub) for _ in range(5)]
        for session in sessions:
            session.connect("127.0.0.1", server.port, **certificates.credentials())
        assert {session.rpc("<get/>").message_id is not None for session in sessions} == {True}
        for session in sessions:
            session.close_session()


def test_no_session_is_resumed(certificates, version):
    """Each connection is verified in full: a certificate may have been revoked meanwhile."""
    with certificates.serve(version) as server:
        for _ in range(2):
            session = ncwire.TLSSession()
            session.connect("127.0.0.1", server.port, **certificates.credentials())
            session.rpc("<get/>")
            assert session.transport.session_reused is False
            session.close_session()
