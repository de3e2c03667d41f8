"""The embedded server over TLS, asked by OpenSSL's client through the standard library."""

import socket
import ssl
import tempfile
import threading
from pathlib import Path

import pytest
from embedded import SUBSCRIBE
from raw_client import BASE, over_tls

from ncwire.testing import CertificateAuthority, EmbeddedTLSServer, Validity
from ncwire.testing.conformance.resources import Resources

MEGABYTE = 1 << 20
VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


@pytest.fixture
def tls_server():
    with EmbeddedTLSServer(datastore="<config><a/></config>") as server:
        yield server


@pytest.fixture
def trusting(tmp_path):
    """Start a server for the clients of an authority, and return that with it."""
    authority = CertificateAuthority()
    authority.write(tmp_path / "ca.pem")
    authority.server().write(tmp_path / "server.pem")
    servers = []

    def start(**settings):
        server = EmbeddedTLSServer(
            certfile=tmp_path / "server.pem", ca_certs=tmp_path / "ca.pem", **settings
        )
        servers.append(server)
        return server, authority

    yield start
    for server in servers:
        server.close()


@pytest.mark.parametrize("version", VERSIONS.values(), ids=VERSIONS)
def test_a_client_with_the_certificate_is_served(tls_server, version):
    with over_tls(tls_server, maximum_version=version, minimum_version=version) as client:
        assert client.hello().findtext(f"{{{BASE}}}session-id") == "1"
        reply = client.rpc("<get-config><source><running/></source></get-config>")
        assert reply.find(f"{{{BASE}}}data/a") is not None
        assert tls_server.sessions == 1
        assert tls_server.last_session.username == "admin"


def test_the_user_is_the_common_name_of_the_clients_certificate():
    with EmbeddedTLSServer(username="ada") as server, over_tls(server) as client:
        client.hello()
        assert server.last_session.username == "ada"


def test_a_notification_comes_while_the_client_is_silent(tls_server):
    with over_tls(tls_server) as client:
        client.hello()
        client.rpc(SUBSCRIBE)
        assert tls_server.notify("<event/>") == 1
        assert client.receive().find("event") is not None


def test_close_session_ends_with_close_notify(tls_server):
    with over_tls(tls_server) as client:
        client.hello()
        client.rpc("<close-session/>")
        assert client.ended()  # an end without one would be an SSLEOFError


@pytest.mark.parametrize("version", VERSIONS.values(), ids=VERSIONS)
def test_much_flows_both_ways_at_the_same_time(version):
    sizes, taken = (3 * MEGABYTE, 3 * MEGABYTE + 1), threading.Event()
    received = bytearray()

    def script(stream):
        sending = threading.Thread(target=stream.send, args=(bytes(sizes[0]),))
        sending.start()
        while len(received) < sizes[1]:
            received.extend(stream.recv())
        sending.join()
        taken.set()

    with (
        EmbeddedTLSServer(script=script, maximum_version="TLSv1.3") as server,
        over_tls(server, maximum_version=version) as client,
    ):
        client.sock.sendall(bytes(sizes[1]))
        left = sizes[0]
        while left:
            left -= len(client.sock.recv(left))
        assert taken.wait(20)
    assert len(received) == sizes[1]


@pytest.mark.parametrize("clean", [True, False])
def test_a_script_sees_how_the_client_ended(clean):
    ends, ended = [], threading.Event()

    def script(stream):
        assert stream.recv() == b""
        ends.append(stream.clean)
        ended.set()

    with EmbeddedTLSServer(script=script) as server, over_tls(server) as client:
        if clean:
            client.sock.unwrap()
        else:
            client.sock.shutdown(socket.SHUT_RDWR)
        assert ended.wait(20)
    assert ends == [clean]


def test_a_script_may_close_first_and_see_the_clients_end():
    ends, ended = [], threading.Event()

    def script(stream):
        stream.close()
        ends.extend([stream.recv(), stream.clean])
        ended.set()

    with EmbeddedTLSServer(script=script) as server, over_tls(server) as client:
        assert client.ended()
        client.sock.unwrap()
        assert ended.wait(20)
    assert ends == [b"", True]


def test_a_script_may_vanish():
    def script(stream):
        stream.send(b"cut of")
        stream.vanish()

    with EmbeddedTLSServer(script=script) as server, over_tls(server) as client:
        assert client.sock.recv(100) == b"cut of"
        with pytest.raises(ssl.SSLEOFError):
            client.sock.recv(100)


def refusal(server, options, version):
    """Return what a client is told that is not let in; in TLS 1.3 by its first read."""
    with (
        pytest.raises(ssl.SSLError) as raised,
        over_tls(server, options, maximum_version=version) as client,
    ):
        client.receive()
    return raised.value.reason


@pytest.mark.parametrize("version", VERSIONS.values(), ids=VERSIONS)
@pytest.mark.parametrize(
    ("whose", "alert"),
    [
        ("another authority's", "TLSV1_ALERT_UNKNOWN_CA"),
        ("expired", "SSLV3_ALERT_CERTIFICATE_EXPIRED"),
        ("revoked", "SSLV3_ALERT_CERTIFICATE_REVOKED"),
        ("a server's", "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE"),
    ],
)
def test_other_certificates_are_refused_with_the_alert(trusting, tmp_path, version, whose, alert):
    server, authority = trusting()
    certificate = {
        "another authority's": lambda: CertificateAuthority().client(),
        "expired": lambda: authority.client(validity=Validity.past()),
        "revoked": authority.client,
        "a server's": authority.server,
    }[whose]()
    if whose == "revoked":
        (tmp_path / "crl.pem").write_bytes(authority.revocations(certificate))
        server, _ = trusting(crl=tmp_path / "crl.pem")
    certificate.write(tmp_path / "client.pem")
    options = {"certfile": tmp_path / "client.pem", "ca_certs": tmp_path / "ca.pem"}

    assert refusal(server, options, version) == alert


@pytest.mark.parametrize("version", VERSIONS.values(), ids=VERSIONS)
def test_a_client_without_a_certificate_is_refused(tls_server, version):
    options = {"ca_certs": tls_server.driver_options["ca_certs"]}

    assert "HANDSHAKE_FAILURE" in (reason := refusal(tls_server, options, version)) or (
        reason == "TLSV13_ALERT_CERTIFICATE_REQUIRED"
    )


def test_a_client_that_is_not_revoked_is_let_in(trusting, tmp_path):
    authority = CertificateAuthority()
    (tmp_path / "crl.pem").write_bytes(authority.revocations(authority.client()))
    authority.write(tmp_path / "other-ca.pem")
    authority.server().write(tmp_path / "other.pem")
    authority.client().write(tmp_path / "client.pem")
    options = {"certfile": tmp_path / "client.pem", "ca_certs": tmp_path / "other-ca.pem"}
    with (
        EmbeddedTLSServer(
            certfile=tmp_path / "other.pem",
            ca_certs=tmp_path / "other-ca.pem",
            crl=tmp_path / "crl.pem",
        ) as server,
        over_tls(server, options) as client,
    ):
        client.hello()


def test_versions_can_be_restricted():
    with (
        EmbeddedTLSServer(minimum_version="TLSv1.3") as server,
        pytest.raises(ssl.SSLError),
        over_tls(server, maximum_version=ssl.TLSVersion.TLSv1_2),
    ):
        pass


@pytest.mark.parametrize(
    "wrong",
    [
        {"certfile": "server.pem"},
        {"minimum_version": "TLSv1.1"},
        {"certfile": "missing.pem", "ca_certs": "missing.pem"},
        {"host": "192.0.2.1"},
    ],
)
def test_what_is_wrong_leaves_nothing(tmp_path, monkeypatch, wrong):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = Resources.now()
    with pytest.raises((ValueError, OSError)):
        EmbeddedTLSServer(**wrong)
    assert not Resources.now().added_since(before)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x40\x00\x01"])
def test_who_shakes_no_hands_is_cut(said):
    with (
        EmbeddedTLSServer(handshake_timeout=0.2) as server,
        socket.create_connection((server.host, server.port), timeout=20) as sock,
    ):
        sock.sendall(said)
        while sock.recv(1 << 16):
            pass


def test_close_ends_everything_and_may_be_repeated(threads_of_servers):
    server = EmbeddedTLSServer()
    with over_tls(server) as busy, over_tls(server) as unread:
        busy.hello()
        unread.hello()
        unread.rpc(SUBSCRIBE)
        for _ in range(10):
            server.notify(f"<event>{'x' * MEGABYTE}</event>")
        server.close()
        server.close()
        assert threads_of_servers() == []
    assert not Path(server.driver_options["certfile"]).exists()
