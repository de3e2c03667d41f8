"""Sessions with a server on libnetconf2, over TLS and over a Unix socket."""

from __future__ import annotations

import getpass

import pytest

import ncwire
from ncwire.errors import ClientCertificateError
from servers.certificates import Authority
from servers.fixtures import serve
from servers.libnetconf2 import Libnetconf2, compiled
from waiting import eventually

pytestmark = pytest.mark.makes

WHO = '<who-am-i xmlns="urn:ncwire:tests"/>'
SUBSCRIBE = '<create-subscription xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0"/>'
CANDIDATE = "<get-config><source><candidate/></source></get-config>"
SIZE = 5_000_000
CHECKS = 30.0
ADDRESSES = ("127.0.0.1", "::1")


class Site:
    """Authorities, certificates of theirs, and the server that they are for."""

    def __init__(self, folder):
        self.authority = Authority(folder)
        self.nameless = Authority(folder, "nameless")
        self.server = self.authority.issue("server", hosts=ADDRESSES)
        self.admin = self.authority.issue("admin")

    def connect(self, port, host="127.0.0.1", client=None, **more):
        client = client or self.admin
        session = ncwire.TLSSession()
        session.connect(
            host,
            port,
            certfile=client.certificate,
            keyfile=client.key,
            ca_certs=self.authority.certificate,
            timeout=CHECKS,
            **more,
        )
        return session


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    return compiled(tmp_path_factory.mktemp("program"))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return Site(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def server(program, site, pytestconfig):
    made = Libnetconf2(program, site.server, site.authority, site.nameless, addresses=ADDRESSES)
    yield from serve(made, pytestconfig)


@pytest.fixture(params=["tls", "unix"])
def transport(request):
    return request.param


@pytest.fixture
def connect(transport, site, server):
    """Open a session over the transport; closed afterwards."""
    sessions = []

    def connect():
        if transport == "tls":
            session = site.connect(server.port)
        else:
            session = ncwire.UnixSocketSession()
            session.connect(server.path, CHECKS)
        sessions.append(session)
        return session

    yield connect
    for session in sessions:
        session.close()


def edit(content):
    return (
        "<edit-config><target><candidate/></target><config>"
        f'<system xmlns="urn:example:system">{content}</system></config></edit-config>'
    )


def test_hello(connect):
    session = connect()
    assert int(session.id) > 0
    assert ":base:1.1" in session.server_capabilities
    assert ":candidate" in session.server_capabilities
    assert any("module=ncwire-tests" in each for each in session.server_capabilities)


def test_the_server_knows_the_user(connect, transport):
    name = "admin" if transport == "tls" else getpass.getuser()
    assert f">{name}</name>" in connect().rpc(WHO, CHECKS).raw


def test_an_edit_is_committed(connect):
    session = connect()
    session.rpc(edit("<contact>first</contact>"), CHECKS)
    session.rpc("<commit/>", CHECKS)
    session.rpc(edit("<contact>second</contact>"), CHECKS)
    session.rpc("<discard-changes/>", CHECKS)
    assert "<contact>first</contact>" in session.rpc("<get/>", CHECKS).raw
    assert "<contact>first</contact>" in session.rpc(CANDIDATE, CHECKS).raw


def test_a_filter(connect):
    assert "<data" in connect().rpc('<get><filter type="subtree"><a/></filter></get>', CHECKS).raw


def test_an_error_is_the_servers(connect):
    nobody = "<kill-session><session-id>4000000</session-id></kill-session>"
    assert ">invalid-value</error-tag>" in connect().rpc(nobody, CHECKS).raw


def test_requests_in_flight_each_have_their_own_reply(connect):
    session = connect()
    pending = [session.submit(WHO) for _ in range(100)]
    replies = [each.result(CHECKS).raw for each in pending]
    assert all("</name>" in each for each in replies)
    assert len(set(replies)) == len(pending)


def test_five_megabytes_up_and_down(connect):
    session = connect()
    session.rpc(edit(f"<note>{'x' * SIZE}</note>"), CHECKS)
    assert f"<note>{'x' * SIZE}</note>" in session.rpc(CANDIDATE, CHECKS).raw


def test_notifications(connect):
    session, other = connect(), connect()
    with session.notifications() as reader:
        session.rpc(SUBSCRIBE, CHECKS)
        for _ in range(3):
            other.rpc("<commit/>", CHECKS)
        for _ in range(3):
            assert "urn:ncwire:tests" in reader.get(CHECKS).raw


def test_close_session(connect):
    session = connect()
    session.close_session()
    assert session.cause.closed_by == "us"


def test_another_session_is_killed(connect):
    killer, killed = connect(), connect()
    killer.rpc(f"<kill-session><session-id>{killed.id}</session-id></kill-session>", CHECKS)
    killed.join(CHECKS)
    assert not killed.connected
    assert getattr(killed.cause, "closed_by", None) != "us"


def test_over_ipv6(site, server):
    with site.connect(server.tls_ports["::1"], "::1") as session:
        assert ">admin</name>" in session.rpc(WHO, CHECKS).raw


def test_a_client_without_a_name_is_refused(site, server):
    stranger = site.nameless.issue("stranger")
    with pytest.raises(ClientCertificateError, match="handshake failure"):
        site.connect(server.port, client=stranger)
    eventually(lambda: "Cert-to-name unsuccessful" in server.log(), server.log)


def test_a_client_of_an_unknown_authority_is_refused(site, server, tmp_path):
    unknown = Authority(tmp_path, "unknown").issue("nobody")
    with pytest.raises(ClientCertificateError, match="unknown ca"):
        site.connect(server.port, client=unknown)
