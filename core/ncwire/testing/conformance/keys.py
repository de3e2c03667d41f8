"""Fresh keys of each type, for logins, host keys and the agent."""

from __future__ import annotations

import base64
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    SSHCertificateBuilder,
    SSHCertificateType,
    load_ssh_private_key,
    load_ssh_public_identity,
    load_ssh_public_key,
)

from ncwire.driver import HostKey, PublicKeyAttempt

if TYPE_CHECKING:
    from collections.abc import Callable

_CURVES: dict[str, Callable[[], ec.EllipticCurve]] = {
    "ecdsa-sha2-nistp256": ec.SECP256R1,
    "ecdsa-sha2-nistp384": ec.SECP384R1,
    "ecdsa-sha2-nistp521": ec.SECP521R1,
}
ECDSA = tuple(_CURVES)
_RSA_BITS = 2048
_FOREVER = 2**64 - 1


def write_certificate(blob: bytes, path: str) -> None:
    """Write a certificate to a file, as ssh-keygen does."""
    line = f"{HostKey.from_blob(blob).type} {base64.b64encode(blob).decode('ascii')} kit\n"
    Path(path).write_text(line, encoding="ascii")


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A key pair in OpenSSH's formats."""

    type: str
    public: str
    """The line of authorized_keys."""
    private: str = field(repr=False)

    @classmethod
    def generate(cls, kind: str = "ssh-ed25519") -> KeyPair:
        """Return a new key of an SSH key type."""
        key: Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
        if kind in _CURVES:
            key = ec.generate_private_key(_CURVES[kind]())
        elif kind == "ssh-rsa":
            key = rsa.generate_private_key(65537, _RSA_BITS)
        else:
            key = Ed25519PrivateKey.generate()
        public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
        private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
        return cls(kind, public.decode("ascii"), private.decode("ascii"))

    @property
    def blob(self) -> bytes:
        """The public key as it goes over the wire."""
        return base64.b64decode(self.public.split()[1])

    def sign(self, data: bytes) -> bytes:
        """Return a signature as an agent answers with it."""
        private = load_ssh_private_key(self.private.encode("ascii"), None)
        if not isinstance(private, Ed25519PrivateKey):
            raise TypeError("the kit signs with ed25519 only")
        signed = private.sign(data)
        return b"".join(struct.pack(">I", len(part)) + part for part in (b"ssh-ed25519", signed))

    def certificate(self, username: str) -> bytes:
        """Return a user certificate for the key as it goes over the wire, by a new authority."""
        public = load_ssh_public_identity(self.public.encode("ascii"))
        if not isinstance(public, Ed25519PublicKey):
            raise TypeError("the kit certifies ed25519 keys only")
        certificate = (
            SSHCertificateBuilder()
            .public_key(public)
            .type(SSHCertificateType.USER)
            .key_id(b"kit")
            .valid_principals([username.encode()])
            .valid_after(0)
            .valid_before(_FOREVER)
            .sign(Ed25519PrivateKey.generate())
        )
        return base64.b64decode(certificate.public_bytes().split()[1])

    def host_certificate(self) -> str:
        """Return a certificate of the key as a host's on loopback, by a new authority.

        It is a line as ssh-keygen writes it.
        """
        public = load_ssh_public_key(self.public.encode("ascii"))
        if isinstance(public, dsa.DSAPublicKey):
            raise TypeError("no DSA key has a certificate")
        certificate = (
            SSHCertificateBuilder()
            .public_key(public)
            .type(SSHCertificateType.HOST)
            .key_id(b"kit")
            .valid_principals([b"127.0.0.1"])
            .valid_after(0)
            .valid_before(_FOREVER)
            .sign(Ed25519PrivateKey.generate())
        )
        return certificate.public_bytes().decode("ascii")

    def write(self, folder: Path) -> str:
        """Write the private key to a file that only its owner may read; return its path."""
        path = folder / f"key-{self.blob[-6:].hex()}"
        path.touch(0o600)
        path.write_text(self.private, encoding="ascii")
        return str(path)

    def attempt(self, username: str) -> PublicKeyAttempt:
        """Return the attempt to authenticate with this key."""
        return PublicKeyAttempt(username, self.type, self.blob, self.private.encode("ascii"))
