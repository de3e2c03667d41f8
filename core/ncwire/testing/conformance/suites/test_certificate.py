"""Certificates: the server's found good before anything is sent to it, the client's presented."""

# ruff: noqa: D103, S101 - each test's rule says what it is for

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ncwire.errors import AuthenticationError, CertificateError, OptionError, TransportError
from ncwire.testing.certificates import CertificateAuthority, Validity, self_signed
from ncwire.testing.conformance.host import USERNAME
from ncwire.testing.conformance.marking import rule
from ncwire.testing.conformance.resources import Resources

if TYPE_CHECKING:
    from ncwire.testing.conformance.rig import Rig
    from ncwire.testing.conformance.tls_host import TLSHost

VERSIONS = ("TLSv1.2", "TLSv1.3")
NAME = "r1.ncwire.example"
"""A name that is in no certificate but the test's own, and that does not resolve."""


@rule("certificate.presented")
@pytest.mark.parametrize("apart", [False, True], ids=["in one file", "key apart"])
def test_certificate_presented(ncwire_rig: Rig, apart: bool) -> None:  # noqa: FBT001 - it is a case
    files = {}
    if apart:
        client = ncwire_rig.identities.client
        for name, content in (("certfile", client.pem), ("keyfile", client.key_pem())):
            path = ncwire_rig.folder / f"{name}.pem"
            path.touch(0o600)
            path.write_bytes(content)
            files[name] = str(path)
    _, end = ncwire_rig.open(ncwire_rig.tls_host(), driver_options=files)
    assert end.stream.info.username == USERNAME


@rule("certificate.missing-file")
@pytest.mark.parametrize("option", ["certfile", "keyfile", "ca_certs"])
@pytest.mark.parametrize("there", [False, True], ids=["no file", "no certificate"])
def test_certificate_missing_file(ncwire_rig: Rig, option: str, there: bool) -> None:  # noqa: FBT001 - it is a case
    host = ncwire_rig.tls_host()
    path = ncwire_rig.folder / "nothing of the kind.pem"
    if there:
        path.write_text("nothing of the kind", encoding="ascii")
    options = ncwire_rig.options(host, driver_options={option: str(path)})
    ncwire_rig.warm_up(host)
    before = Resources.now()
    error = ncwire_rig.failure(options)
    assert isinstance(error, OptionError | TransportError)
    assert path.name in str(error)
    assert not ncwire_rig.left_since(before)


@rule("certificate.client-refused")
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("whose", ["expired", "of another authority"])
def test_certificate_client_refused(ncwire_rig: Rig, version: str, whose: str) -> None:
    identities = ncwire_rig.identities
    if whose == "expired":
        certificate = identities.authority.client(USERNAME, validity=Validity.past())
    else:
        certificate = CertificateAuthority().client(USERNAME)
    host = ncwire_rig.tls_host(minimum_version=version, maximum_version=version)
    options = ncwire_rig.options(
        host, driver_options={"certfile": identities.file_of(certificate), "keyfile": None}
    )

    def connect_and_read() -> None:
        ncwire_rig.connect(options).receive_to_end()

    with pytest.raises(AuthenticationError):
        connect_and_read()
    assert host.sessions == 0


@rule("certificate.unknown-authority-refused")
@pytest.mark.parametrize("kind", ["of another authority", "self-signed"])
def test_certificate_unknown_authority_refused(ncwire_rig: Rig, kind: str) -> None:
    own = self_signed() if kind == "self-signed" else CertificateAuthority().server()
    _refused(ncwire_rig, ncwire_rig.tls_host(certificate=own))


@rule("certificate.out-of-time-refused")
@pytest.mark.parametrize("when", ["expired", "not valid yet"])
def test_certificate_out_of_time_refused(ncwire_rig: Rig, when: str) -> None:
    validity = Validity.past() if when == "expired" else Validity.future()
    certificate = ncwire_rig.identities.authority.server(validity=validity)
    _refused(ncwire_rig, ncwire_rig.tls_host(certificate=certificate))


@rule("certificate.purpose-refused")
def test_certificate_purpose_refused(ncwire_rig: Rig) -> None:
    certificate = ncwire_rig.identities.authority.client("127.0.0.1")
    host = ncwire_rig.tls_host(certificate=certificate)
    _refused(ncwire_rig, host, check_hostname=False)


@rule("certificate.name-refused")
def test_certificate_name_refused(ncwire_rig: Rig) -> None:
    authority = ncwire_rig.identities.authority
    # The common name is no name of a server's any more (RFC 6125 section 6.4.4, RFC 9525).
    host = ncwire_rig.tls_host(certificate=authority.server(NAME, common_name="127.0.0.1"))
    _refused(ncwire_rig, host)
    _refused(ncwire_rig, ncwire_rig.tls_host(), server_hostname=NAME)
    _accepted(ncwire_rig, host, server_hostname=NAME)
    _accepted(ncwire_rig, host, check_hostname=False)
    stranger = ncwire_rig.tls_host(certificate=CertificateAuthority().server(NAME))
    _refused(ncwire_rig, stranger, check_hostname=False)


@rule("certificate.fingerprint-accepted")
def test_certificate_fingerprint_accepted(ncwire_rig: Rig) -> None:
    certificate = self_signed(NAME)
    host = ncwire_rig.tls_host(certificate=certificate)
    pinned = (_other_fingerprint(), certificate.fingerprint)
    _accepted(ncwire_rig, host, ca_certs=None, fingerprint=pinned[1:])
    _accepted(ncwire_rig, host, ca_certs=None, fingerprint=pinned)


@rule("certificate.fingerprint-refused")
def test_certificate_fingerprint_refused(ncwire_rig: Rig) -> None:
    other = (_other_fingerprint(),)
    stranger = ncwire_rig.tls_host(certificate=self_signed())
    _refused(ncwire_rig, stranger, ca_certs=None, fingerprint=other)
    _refused(ncwire_rig, ncwire_rig.tls_host(), fingerprint=other)


def _other_fingerprint() -> str:
    return self_signed().fingerprint


def _accepted(rig: Rig, host: TLSHost, **own: Any) -> None:
    line, end = rig.open(host, driver_options=own)
    end.send(b"welcome")
    assert line.receive(7) == b"welcome"


def _refused(rig: Rig, host: TLSHost, **own: Any) -> None:
    error = rig.failure(rig.options(host, driver_options=own))
    assert isinstance(error, CertificateError)
    # What is found out after the handshake has begun a session; but nothing may be said in it.
    if host.sessions:
        assert host.end().receiving_to_end().result(rig.patience) == b""
