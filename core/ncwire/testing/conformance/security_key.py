"""`SecurityKey`: a FIDO device's key in software, and what verifies its signatures."""

from __future__ import annotations

import base64
import hashlib
import struct
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

if TYPE_CHECKING:
    import paramiko

KEY_TYPE = "sk-ssh-ed25519@openssh.com"
_APPLICATION = b"ssh:"
_USER_PRESENT = 1


class SecurityKey:
    """A key pair as a device holds it; its signatures have flags and a counter behind them.

    Source: OpenSSH's PROTOCOL.u2f, "SSH U2F signatures".
    """

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()
        self._counter = 0
        raw = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.blob = _string(KEY_TYPE.encode("ascii")) + _string(raw) + _string(_APPLICATION)

    @property
    def public(self) -> str:
        """The line of authorized_keys."""
        return f"{KEY_TYPE} {base64.b64encode(self.blob).decode('ascii')}\n"

    def sign(self, data: bytes) -> bytes:
        """Return the signature as an agent answers with it."""
        self._counter += 1
        signed = self._key.sign(_signed(_APPLICATION, _USER_PRESENT, self._counter, data))
        return (
            _string(KEY_TYPE.encode("ascii"))
            + _string(signed)
            + struct.pack(">BI", _USER_PRESENT, self._counter)
        )


class SecurityKeyVerifier:
    """The public half, as paramiko's server wants a key: made from the blob's message."""

    public_blob = None
    """The certificate, in paramiko's words: there is none."""

    def __init__(self, message: paramiko.Message) -> None:
        self._blob = message.asbytes()
        message.get_text()
        self._public = Ed25519PublicKey.from_public_bytes(message.get_binary())
        self._application = message.get_binary()

    def get_name(self) -> str:
        """Return the key's type."""
        return KEY_TYPE

    def asbytes(self) -> bytes:
        """Return the key as it goes over the wire."""
        return self._blob

    def verify_ssh_sig(self, data: bytes, signature: paramiko.Message) -> bool:
        """Return whether the signature is the key's, of `data` and with a person present."""
        if signature.get_text() != KEY_TYPE:
            return False
        signed = signature.get_binary()
        rest = signature.get_remainder()
        try:
            flags, counter = struct.unpack(">BI", rest)
            self._public.verify(signed, _signed(self._application, flags, counter, data))
        except (struct.error, InvalidSignature):
            return False
        return bool(flags & _USER_PRESENT)


def _signed(application: bytes, flags: int, counter: int, data: bytes) -> bytes:
    return (
        hashlib.sha256(application).digest()
        + struct.pack(">BI", flags, counter)
        + hashlib.sha256(data).digest()
    )


def _string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data
