"""Private host keys of the embedded server."""

from __future__ import annotations

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
