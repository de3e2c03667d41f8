"""Which certificates are taken, the server's and the client's, and what is said of others."""

from __future__ import annotations

import re
import ssl
import subprocess

import pytest
from tls_peers import Certificates

import ncwire
from ncwire.errors import (
    AuthenticationError,
    CertificateError,
    OptionError,
    TLSError,
    TLSHandshakeError,
)
from servers.certificates import Authority

pytestmark = pytest.mark.usefixtures("nothing_left")


def connect(server, **parameters):
    session = ncwire.TLSSession()
    session.connect(parameters.pop("host", "127.0.0.1"), server.port, **parameters)
    session.close()
    return session


def options_of(server, **parameters):
    """Connect by driver options only, as a file or the command gives them."""
    return ncwire.connect("127.0.0.1", port=server.port, driver="tls", driver_options=parameters)


@pytest.fixture(scope="module")
def others(tmp_path_factory):
    """Of another authority, which nobody trusts."""
    return Certificates.make(tmp_path_factory.mktemp("others"), "others")


SERVERS = {
    "expired": ({"valid": (-3, -1)}, "certificate has expired"),
    "not-yet-valid": ({"valid": (1, 3)}, "certificate is not yet valid"),
    "other-name": ({"hosts": ("r2.example",)}, "IP address mismatch.*server_hostname"),
    "no-name": ({"hosts": ()}, "IP address mismatch"),
    "self-signed": ({"signed_by_itself": True}, "self-signed certificate.*fingerprint"),
}


@pytest.mark.parametrize("name", SERVERS)
def test_a_bad_certificate_of_the_servers_is_told_with_what_is_wrong(certificates, version, name):
    settings, told = SERVERS[name]
    bad = certificates.authority.issue(name, **settings)
    with (
        certificates.serve(version, certificate=bad) as server,
        pytest.raises(CertificateError, match=told) as caught,
    ):
        connect(server, **certificates.credentials())
    error = caught.value
    assert error.subject == f"CN={name},O=ncwire"
    assert error.fingerprint == bad.sha256
    assert isinstance(error, TLSHandshakeError)
    assert isinstance(error, TLSError)
    # The server is told, too, by an alert.
    assert "alert" in str(server.failed.get(timeout=20)).lower()


def test_an_unknown_authority(certificates, others, version):
    with (
        others.serve(version) as server,
        pytest.raises(CertificateError, match="its authority is none that is trusted") as caught,
    ):
        connect(server, **certificates.credentials())
    assert caught.value.fingerprint == others.server.sha256


def test_without_ca_certs_the_systems_authorities_count(certificates):
    with certificates.serve() as server, pytest.raises(CertificateError, match="authority"):
        connect(server, **certificates.credentials(ca_certs=None))


def test_a_name_of_ones_own_is_what_the_certificate_must_have(certificates):
    named = certificates.authority.issue("r1", hosts=("r1.example", "*.lab.example"))
    with certificates.serve(certificate=named) as server:
        for name in ("r1.example", "r1.example.", "r2.lab.example"):
            connect(server, **certificates.credentials(server_hostname=name))
        with pytest.raises(CertificateError, match=r"not valid for 'r2\.example'"):
            connect(server, **certificates.credentials(server_hostname="r2.example"))
        # The chain is verified all the same.
        connect(server, **certificates.credentials(check_hostname=False))


def test_a_common_name_is_no_name_of_a_server(certificates, version):
    bare = certificates.authority.issue("r1.example", hosts=())
    with certificates.serve(version, certificate=bare) as server:
        with pytest.raises(CertificateError, match=r"Hostname mismatch.*'r1\.example'") as caught:
            connect(server, **certificates.credentials(server_hostname="r1.example"))
        assert caught.value.subject == "CN=r1.example,O=ncwire"
        # It is for who makes a context to say what that takes.
        context = ssl.create_default_context(cafile=certificates.authority.certificate)
        context.load_cert_chain(certificates.client.both)
        options_of(server, ssl_context=context, server_hostname="r1.example").close()


def test_without_the_name_the_chain_is_still_verified(certificates, others):
    with others.serve() as server, pytest.raises(CertificateError, match="authority"):
        connect(server, **certificates.credentials(check_hostname=False))


def test_over_ipv6(certificates):
    named = certificates.authority.issue("v6", hosts=("::1",))
    with certificates.serve(certificate=named, host="::1") as server:
        connect(server, host="::1", **certificates.credentials())


def test_a_revoked_one_by_the_list(certificates, version):
    revoked = certificates.authority.issue("revoked")
    crl = certificates.authority.revoke(revoked)
    credentials = certificates.credentials(driver_options={"crl": str(crl)})
    with certificates.serve(version) as server:
        connect(server, **credentials)
    with (
        certificates.serve(version, certificate=revoked) as server,
        pytest.raises(CertificateError, match="certificate revoked"),
    ):
        connect(server, **credentials)


def test_a_list_that_is_out_of_date_or_of_another_authority(certificates, others):
    old = certificates.authority.revoke(name="old", valid=-1)
    foreign = others.authority.revoke(name="foreign")
    with certificates.serve() as server:
        for crl, told in ((old, "CRL has expired"), (foreign, "the file crl has no list")):
            with pytest.raises(CertificateError, match=told):
                connect(server, **certificates.credentials(driver_options={"crl": str(crl)}))


def test_a_pinned_one_needs_neither_authority_nor_name(others, certificates, version):
    bare = certificates.authority.issue("bare", hosts=(), signed_by_itself=True)
    with certificates.serve(version, certificate=bare) as server:
        for pin in (bare.sha256, bare.sha256.replace(":", "").lower(), f"SHA256:{bare.sha256}"):
            connect(server, certfile=certificates.client.both, fingerprint=pin)
        both = [others.server.sha256, bare.sha256]
        connect(server, certfile=certificates.client.both, fingerprint=both)
        with pytest.raises(CertificateError, match="not the one that is pinned") as caught:
            connect(server, certfile=certificates.client.both, fingerprint=others.server.sha256)
        assert caught.value.fingerprint == bare.sha256
        # With authorities both must hold.
        with pytest.raises(CertificateError, match="self-signed"):
            connect(server, **certificates.credentials(fingerprint=bare.sha256))
    with certificates.serve(version) as server:
        pinned = certificates.credentials(fingerprint=certificates.server.sha256)
        connect(server, **pinned)
        with pytest.raises(CertificateError, match="pinned"):
            connect(server, **pinned | {"fingerprint": bare.sha256})


def test_a_clients_that_is_refused_is_an_authentication_error(certificates, others, version):
    with certificates.serve(version) as server:
        for _ in range(5):  # under TLS 1.3 the alert comes beside our own first bytes
            with pytest.raises(AuthenticationError, match='its alert is "unknown ca"') as caught:
                connect(
                    server,
                    certfile=others.client.both,
                    ca_certs=certificates.authority.certificate,
                )
            assert isinstance(caught.value, TLSError)
        expired = certificates.authority.issue("expired-client", valid=(-3, -1))
        with pytest.raises(AuthenticationError, match='"certificate expired"'):
            connect(server, **certificates.credentials(certfile=expired.both, keyfile=None))


def test_a_client_without_one_by_a_context_of_its_own(certificates, version):
    context = ssl.create_default_context(cafile=certificates.authority.certificate)
    told = {"TLSv1.2": "handshake failure", "TLSv1.3": "certificate required"}[version]
    kind = {"TLSv1.2": TLSHandshakeError, "TLSv1.3": AuthenticationError}[version]
    with certificates.serve(version) as server, pytest.raises(kind, match=told):
        options_of(server, ssl_context=context)


def test_a_server_that_refuses_without_an_alert(certificates):
    def shut(stream):
        stream.vanish()

    with (
        certificates.serve(script=shut) as server,
        pytest.raises(ncwire.errors.HelloError, match="without close_notify, and before it said"),
    ):
        connect(server, **certificates.credentials())


def test_an_encrypted_key(certificates):
    locked = certificates.authority.issue("locked", passphrase="open sesame")
    credentials = certificates.credentials(certfile=locked.certificate, keyfile=locked.key)
    with certificates.serve() as server:
        connect(server, **credentials, passphrase="open sesame")
        with pytest.raises(OptionError, match=r"passphrase: needed: the key in .*locked\.key"):
            connect(server, **credentials)
        with pytest.raises(OptionError, match="passphrase: does not open") as caught:
            connect(server, **credentials, passphrase="open barley")
        assert "barley" not in str(caught.value)
        assert server.opened.qsize() == 1


def test_a_context_of_ones_own(certificates):
    context = ssl.create_default_context(cafile=certificates.authority.certificate)
    context.load_cert_chain(certificates.client.both)
    with certificates.serve() as server:
        options_of(server, ssl_context=context).close()
        context.check_hostname = False
        options_of(server, ssl_context=context, check_hostname=False).close()
        context.verify_mode = ssl.CERT_NONE
        options_of(server, ssl_context=context, fingerprint=certificates.server.sha256).close()
        with pytest.raises(CertificateError, match="pinned"):
            options_of(server, ssl_context=context, fingerprint=certificates.client.sha256)


def files(certificates, tmp_path):
    """Bad options, and what is said of each."""
    good = {name: str(path) for name, path in certificates.credentials().items()}
    nothing = tmp_path / "nothing.pem"
    text = tmp_path / "text.pem"
    text.write_text("no certificate")
    plain, client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ssl.create_default_context()
    plain.check_hostname = False
    unchecked = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    unchecked.check_hostname, unchecked.verify_mode = False, ssl.CERT_NONE
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    pin = certificates.server.sha256
    other = str(certificates.server.key)
    return [
        ({}, "certfile: needed: over TLS the client has a certificate"),
        (good | {"certfile": str(nothing)}, "certfile: .*nothing.pem: No such file"),
        (good | {"certfile": str(text)}, "certfile: .*text.pem has no certificate"),
        (good | {"keyfile": None}, "keyfile: .*no private key"),
        (good | {"keyfile": str(nothing)}, "keyfile: .*nothing.pem: No such file"),
        (good | {"keyfile": other}, "keyfile: the key in .*server.key is not .*admin.pem's"),
        (good | {"ca_certs": str(nothing)}, "ca_certs: .*nothing.pem: No such file"),
        (good | {"ca_certs": str(text)}, "ca_certs: .*text.pem has no certificates"),
        (good | {"crl": str(text)}, "crl: .*text.pem has no revocation list"),
        (good | {"crl": good["ca_certs"]}, "crl: .* has no revocation list"),
        (good | {"crl": str(tmp_path)}, "crl: .* is a folder"),
        (good | {"fingerprint": "AB:CD"}, "fingerprint: 'AB:CD' is no SHA-256"),
        (good | {"minimum_version": "TLSv1.1"}, "minimum_version: 'TLSv1.1' is not one of"),
        (good | {"ciphers": "NONESUCH"}, "ciphers: 'NONESUCH' selects none"),
        (good | {"ciphers": "ALL:eNULL:aNULL@SECLEVEL=0"}, "which protects nothing"),
        (good | {"server_hostname": "a" * 300}, "server_hostname: "),
        (good | {"check_hostname": False, "ca_certs": None}, "check_hostname: False is for"),
        (
            {"certfile": good["certfile"], "keyfile": good["keyfile"], "fingerprint": pin}
            | {"crl": str(certificates.authority.revoke(name="unused"))},
            "crl: means nothing to a pin alone",
        ),
        ({"ssl_context": "one"}, "ssl_context: must be an ssl.SSLContext, not str"),
        ({"ssl_context": server}, "ssl_context: is one for servers"),
        ({"ssl_context": unchecked}, "ssl_context: verifies nothing"),
        ({"ssl_context": plain}, "ssl_context: does not check the server's name"),
        (good | {"ssl_context": client}, "certfile: cannot be given together with ssl_context"),
        (good | {"colour": "red"}, "colour: driver 'tls' has no such option; .* certfile"),
    ]


def test_bad_options_are_refused_before_anything_is_sent(certificates, tmp_path):
    with certificates.serve() as server:
        for given, told in files(certificates, tmp_path):
            with pytest.raises(OptionError, match=rf"^driver_options\.{told}|{told}") as caught:
                options_of(server, **given)
            assert re.match(r"driver_options\.", str(caught.value)), given
        assert server.opened.empty()
        assert server.failed.empty()


def test_an_authority_in_a_folder(certificates, tmp_path):
    # OpenSSL finds it by the hash of its subject (openssl-rehash(1)).
    found = subprocess.run(
        ["openssl", "x509", "-hash", "-noout", "-in", certificates.authority.certificate],
        check=True,
        capture_output=True,
        text=True,
    )
    content = certificates.authority.certificate.read_bytes()
    (tmp_path / f"{found.stdout.strip()}.0").write_bytes(content)
    with certificates.serve() as server:
        connect(server, **certificates.credentials(ca_certs=tmp_path))


def test_a_minimum_that_the_server_has_not(certificates):
    with (
        certificates.serve("TLSv1.2") as server,
        pytest.raises(TLSHandshakeError, match='alert is "protocol version"'),
    ):
        connect(server, **certificates.credentials(driver_options={"minimum_version": "TLSv1.3"}))


def test_another_authority_of_the_same_name(certificates, tmp_path):
    """By its name alone nobody is trusted."""
    same = Authority(tmp_path, "authority")
    with (
        certificates.serve(certificate=same.issue("server")) as server,
        pytest.raises(CertificateError),
    ):
        connect(server, **certificates.credentials())
