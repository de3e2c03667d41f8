"""Authorities and certificates for tests of TLS, good ones and those that must be refused.

`ncwire.testing.CertificateAuthority` is what a user's tests need, and has none of what only these
do: authorities between, certificates for both purposes, names of every kind, expired lists.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Certificate:
    """A certificate with its key, in a file each and in one together."""

    certificate: Path
    key: Path
    both: Path
    sha256: str
    serial: int


class Authority:
    """Signs certificates, and revokes them; with `folder` for the files.

    `above` has signed its own; without it does that itself.
    """

    def __init__(
        self, folder: Path, name: str = "authority", above: Authority | None = None
    ) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        issuer, signs = (above or self).as_issuer()
        now = dt.datetime.now(dt.UTC)
        self._own = (
            x509.CertificateBuilder()
            .subject_name(self._name)
            .issuer_name(issuer)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _DAY)
            .not_valid_after(now + 30 * _DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(_may(sign=True), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False
            )
            .sign(signs, SHA256())
        )
        self.certificate = folder / f"{name}.pem"
        self.certificate.write_bytes(self._own.public_bytes(Encoding.PEM))
        self.sha256 = self._own.fingerprint(SHA256()).hex(":").upper()

    def as_issuer(self) -> tuple[x509.Name, ec.EllipticCurvePrivateKey]:
        """Return its name and its key."""
        return self._name, self._key

    def issue(
        self,
        name: str,
        *,
        hosts: Sequence[str | x509.GeneralName] = ("127.0.0.1", "localhost"),
        valid: tuple[int, int] = (-1, 30),
        passphrase: str | None = None,
        signed_by_itself: bool = False,
    ) -> Certificate:
        """Sign one; `valid` are days from now, `hosts` whom it is for."""
        key = ec.generate_private_key(ec.SECP256R1())
        now = dt.datetime.now(dt.UTC)
        subject = _name(name)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject if signed_by_itself else self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + valid[0] * _DAY)
            .not_valid_after(now + valid[1] * _DAY)
            .add_extension(
                x509.ExtendedKeyUsage(
                    [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
                ),
                critical=False,
            )
        )
        # Without these the contexts that Python makes by default refuse it (3.13).
        signer = key if signed_by_itself else self._key
        builder = builder.add_extension(_may(sign=False), critical=True).add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()),
            critical=False,
        )
        if hosts:
            names = x509.SubjectAlternativeName([_host(host) for host in hosts])
            builder = builder.add_extension(names, critical=False)
        signed = builder.sign(signer, SHA256())
        chain = signed.public_bytes(Encoding.PEM)
        encryption = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
        made = Certificate(
            self._folder / f"{name}.pem",
            self._folder / f"{name}.key",
            self._folder / f"{name}-both.pem",
            hashlib.sha256(signed.public_bytes(Encoding.DER)).digest().hex(":").upper(),
            signed.serial_number,
        )
        made.certificate.write_bytes(chain)
        made.key.write_bytes(private)
        made.both.write_bytes(private + chain)
        return made

    def revoke(self, *revoked: Certificate, name: str = "crl", valid: int = 30) -> Path:
        """Return the file of a list that has these revoked, good for so many days from now."""
        now = dt.datetime.now(dt.UTC)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self._name)
            .last_update(now - 3 * _DAY)
            .next_update(now + valid * _DAY)
        )
        for each in revoked:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder()
                .serial_number(each.serial)
                .revocation_date(now - 2 * _DAY)
                .build()
            )
        path = self._folder / f"{name}.pem"
        path.write_bytes(builder.sign(self._key, SHA256()).public_bytes(Encoding.PEM))
        return path


def _may(*, sign: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not sign,
        key_cert_sign=sign,
        crl_sign=sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "ncwire"),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )


def _host(host: str | x509.GeneralName) -> x509.GeneralName:
    if isinstance(host, x509.GeneralName):
        return host
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
