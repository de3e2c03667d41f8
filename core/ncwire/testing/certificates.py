"""Certificates for tests of NETCONF over TLS: an authority, and what it vouches for.

Each is good for what tests need and nothing else: the authority's key is in this process's memory,
and is gone with it. Source: RFC 5280; the names are checked as RFC 6125 has it.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from typing import Self

SERVER_NAMES = ("localhost", "127.0.0.1", "::1")
"""Whom a server's certificate is for, unless it is told: this machine."""
_DAY = dt.timedelta(days=1)
_SERVER = ExtendedKeyUsageOID.SERVER_AUTH
_CLIENT = ExtendedKeyUsageOID.CLIENT_AUTH


@dataclass(frozen=True, slots=True)
class Validity:
    """From when to when a certificate is good (RFC 5280 section 4.1.2.5)."""

    not_before: dt.datetime
    not_after: dt.datetime

    @classmethod
    def now(cls) -> Self:
        """Return one that began yesterday, and ends tomorrow."""
        today = dt.datetime.now(dt.UTC)
        return cls(today - _DAY, today + _DAY)

    @classmethod
    def past(cls) -> Self:
        """Return that of a certificate that has expired."""
        today = dt.datetime.now(dt.UTC)
        return cls(today - 3 * _DAY, today - 2 * _DAY)

    @classmethod
    def future(cls) -> Self:
        """Return that of a certificate that is not valid yet."""
        today = dt.datetime.now(dt.UTC)
        return cls(today + 2 * _DAY, today + 3 * _DAY)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate and its private key."""

    pem: bytes
    """The certificate alone, in PEM."""
    key: ec.EllipticCurvePrivateKey = field(repr=False)

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the certificate, as openssl prints it: pairs of hex with colons."""
        return x509.load_pem_x509_certificate(self.pem).fingerprint(hashes.SHA256()).hex(":")

    def key_pem(self, passphrase: str | None = None) -> bytes:
        """Return the private key, encrypted if there is a passphrase, in PEM."""
        encryption: KeySerializationEncryption = NoEncryption()
        if passphrase is not None:
            encryption = BestAvailableEncryption(passphrase.encode())
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)

    def write(self, path: str | os.PathLike[str], passphrase: str | None = None) -> Path:
        """Write certificate and key into one new file that only this user can read.

        Raises OSError, also where there is such a file.
        """
        return _write(path, self.pem + self.key_pem(passphrase))


class CertificateAuthority:
    """An authority of one's own, to vouch for servers and for clients."""

    def __init__(self, name: str = "ncwire test authority") -> None:
        self._name = _common_name(name)
        self._key = ec.generate_private_key(ec.SECP256R1())
        builder = (
            _builder(self._name, self._name, self._key, Validity.now())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
        )
        self.pem = _signed(builder, self._key)
        """The authority's own certificate, in PEM: who has it trusts what it has signed."""

    def server(
        self,
        *names: str,
        common_name: str = "ncwire test server",
        validity: Validity | None = None,
    ) -> Certificate:
        """Return a server's certificate for these names and addresses; none: `SERVER_NAMES`."""
        return self._issue(common_name, _SERVER, validity, names or SERVER_NAMES)

    def client(self, username: str = "admin", *, validity: Validity | None = None) -> Certificate:
        """Return a client's certificate, by whose common name the server knows the user."""
        return self._issue(username, _CLIENT, validity, ())

    def revocations(self, *revoked: Certificate) -> bytes:
        """Return the list of what is revoked (a CRL, RFC 5280 section 5), in PEM."""
        now = Validity.now()
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self._name)
            .last_update(now.not_before)
            .next_update(now.not_after)
            .add_extension(x509.CRLNumber(1), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
        )
        for each in revoked:
            entry = (
                x509.RevokedCertificateBuilder()
                .serial_number(x509.load_pem_x509_certificate(each.pem).serial_number)
                .revocation_date(now.not_before)
                .build()
            )
            builder = builder.add_revoked_certificate(entry)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM)

    def write(self, path: str | os.PathLike[str]) -> Path:
        """Write the authority's certificate, without its key, into a new file."""
        return _write(path, self.pem)

    def _issue(
        self,
        common_name: str,
        purpose: x509.ObjectIdentifier,
        validity: Validity | None,
        names: tuple[str, ...],
    ) -> Certificate:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _leaf(_common_name(common_name), self._name, key, self._key, validity, names)
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        return Certificate(_signed(builder, self._key), key)


def self_signed(*names: str, validity: Validity | None = None) -> Certificate:
    """Return a server's certificate that no authority has signed; for the names see `server`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _common_name("ncwire self-signed test server")
    builder = _leaf(name, name, key, key, validity, names or SERVER_NAMES)
    builder = builder.add_extension(x509.ExtendedKeyUsage([_SERVER]), critical=False)
    return Certificate(_signed(builder, key), key)


def common_name(certificate: bytes) -> str:
    """Return the common name in a certificate's subject, given in DER; "" where there is none."""
    subject = x509.load_der_x509_certificate(certificate).subject
    names = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else ""


def _leaf(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuers_key: ec.EllipticCurvePrivateKey,
    validity: Validity | None,
    names: tuple[str, ...],
) -> x509.CertificateBuilder:
    builder = (
        _builder(subject, issuer, key, validity or Validity.now())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(digital_signature=True), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuers_key.public_key()),
            critical=False,
        )
    )
    if names:
        alternatives = x509.SubjectAlternativeName([_general_name(name) for name in names])
        builder = builder.add_extension(alternatives, critical=False)
    return builder


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, validity: Validity
) -> x509.CertificateBuilder:
    # With the identifiers of its key: Python 3.13 verifies as strictly as RFC 5280 has it.
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(validity.not_before)
        .not_valid_after(validity.not_after)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _signed(builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey) -> bytes:
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def _usage(**used: bool) -> x509.KeyUsage:
    every: dict[str, Any] = dict.fromkeys(
        (
            "digital_signature",
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "key_cert_sign",
            "crl_sign",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    return x509.KeyUsage(**every | used)


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _common_name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _write(path: str | os.PathLike[str], content: bytes) -> Path:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    return Path(path)
