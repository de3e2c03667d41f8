"""Fresh keys of each type, for logins, host keys and the agent."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from ncwire.driver import PublicKeyAttempt

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_CURVES: dict[str, Callable[[], ec.EllipticCurve]] = {
    "ecdsa-sha2-nistp256": ec.SECP256R1,
    "ecdsa-sha2-nistp384": ec.SECP384R1,
    "ecdsa-sha2-nistp521": ec.SECP521R1,
}
ECDSA = tuple(_CURVES)
_RSA_BITS = 2048


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

    def write(self, folder: Path) -> str:
        """Write the private key to a file that only its owner may read; return its path."""
        path = folder / f"key-{self.blob[-6:].hex()}"
        path.touch(0o600)
        path.write_text(self.private, encoding="ascii")
        return str(path)

    def attempt(self, username: str) -> PublicKeyAttempt:
        """Return the attempt to authenticate with this key."""
        return PublicKeyAttempt(username, self.type, self.blob, self.private.encode("ascii"))
