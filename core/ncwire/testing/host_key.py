"""Private host keys of the embedded server."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_ssh_private_key,
)

if TYPE_CHECKING:
    import paramiko

_CERTIFICATE = "-cert-v01@openssh.com"


def generate_host_key() -> str:
    """Return a fresh ed25519 key, unencrypted, in OpenSSH's format."""
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode("ascii")


def load_host_key(text: str) -> paramiko.PKey:
    """Return a key in OpenSSH's format as paramiko has it; raises ValueError if it is none."""
    import paramiko  # noqa: PLC0415 - only those who start a server need it

    private_key = load_ssh_private_key(text.encode(), password=None)
    if isinstance(private_key, Ed25519PrivateKey):
        return paramiko.Ed25519Key.from_private_key(io.StringIO(text))
    if isinstance(private_key, EllipticCurvePrivateKey):
        return paramiko.ECDSAKey.from_private_key(io.StringIO(text))
    return paramiko.RSAKey.from_private_key(io.StringIO(text))


class CertifiedKey:
    """A host key that is presented by its certificate: what paramiko's server asks of a key.

    `certificate` is the line of the file that ssh-keygen makes; raises ValueError if it is none.
    """

    def __init__(self, key: paramiko.PKey, certificate: str) -> None:
        self._key = key
        fields = certificate.split()
        if len(fields) < 2 or not fields[0].endswith(_CERTIFICATE):  # noqa: PLR2004 - type, base64
            raise ValueError("host_certificate is not the line of an OpenSSH certificate")
        self._blob = base64.b64decode(fields[1], validate=True)
        self.algorithms = tuple(
            f"{name}{_CERTIFICATE}" for name in _SIGNATURES.get(key.get_name(), (key.get_name(),))
        )
        """The host key algorithms by which it can be presented."""

    def asbytes(self) -> bytes:
        """Return the certificate."""
        return self._blob

    def sign_ssh_data(self, data: bytes, algorithm: str) -> paramiko.Message:
        """Sign, as the key itself does."""
        return self._key.sign_ssh_data(data, algorithm.removesuffix(_CERTIFICATE))


_SIGNATURES = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256")}
