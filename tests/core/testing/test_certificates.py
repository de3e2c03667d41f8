"""The certificates for tests: what OpenSSL's own verification says of them."""

import stat
import subprocess

import pytest

from ncwire.testing import CertificateAuthority, Validity, self_signed


@pytest.fixture
def authority(tmp_path):
    authority = CertificateAuthority()
    authority.write(tmp_path / "ca.pem")
    return authority


@pytest.fixture
def verified(tmp_path):
    """Return what `openssl verify` says of a certificate."""

    def verify(certificate, *options, crl=None):
        path = tmp_path / "certificate.pem"
        path.write_bytes(certificate.pem)
        if crl is not None:
            (tmp_path / "crl.pem").write_bytes(crl)
            options += ("-crl_check", "-CRLfile", "crl.pem")
        done = subprocess.run(
            ["openssl", "verify", "-x509_strict", "-CAfile", "ca.pem", *options, path.name],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        return "OK" if done.returncode == 0 else done.stderr

    return verify


def test_a_servers_certificate_is_for_its_names(authority, verified):
    certificate = authority.server("r1.example.net", "192.0.2.1")

    assert verified(certificate, "-purpose", "sslserver") == "OK"
    assert verified(certificate, "-verify_hostname", "r1.example.net") == "OK"
    assert verified(certificate, "-verify_ip", "192.0.2.1") == "OK"
    assert "ostname mismatch" in verified(certificate, "-verify_hostname", "r2.example.net")
    assert "purpose" in verified(certificate, "-purpose", "sslclient")


def test_a_clients_certificate_is_a_clients(authority, verified):
    assert verified(authority.client("ada"), "-purpose", "sslclient") == "OK"


@pytest.mark.parametrize(
    ("validity", "words"),
    [(Validity.past(), "has expired"), (Validity.future(), "not yet valid")],
    ids=["expired", "not yet valid"],
)
def test_a_certificate_may_be_out_of_its_time(authority, verified, validity, words):
    assert words in verified(authority.server(validity=validity))


def test_a_certificate_may_be_revoked(authority, verified):
    one, other = authority.client(), authority.client()
    crl = authority.revocations(one)

    assert "revoked" in verified(one, crl=crl)
    assert verified(other, crl=crl) == "OK"


@pytest.mark.parametrize(
    "certificate",
    [self_signed(), CertificateAuthority().server()],
    ids=["self-signed", "another authority's"],
)
def test_others_are_vouched_for_by_nobody(authority, verified, certificate):
    assert "error" in verified(certificate)


def test_the_fingerprint_is_openssls(authority, tmp_path):
    certificate = authority.server()
    path = certificate.write(tmp_path / "server.pem")
    printed = subprocess.run(
        ["openssl", "x509", "-in", path, "-noout", "-fingerprint", "-sha256"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert printed.strip().rpartition("=")[2].lower() == certificate.fingerprint


def test_a_private_key_is_for_this_user_alone(authority, tmp_path):
    path = authority.client().write(tmp_path / "client.pem")

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        authority.client().write(path)


def test_no_private_key_is_shown(authority):
    assert "PRIVATE" not in repr(authority.client())
