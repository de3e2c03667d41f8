"""A server's public host key."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

_LONGEST_NAME = 64
"""Octets of an algorithm's name (RFC 4251 section 6)."""
_NAME = re.compile(rb"[!-~]+")


@dataclass(frozen=True, slots=True)
class HostKey:
    """A public key, or a certificate of one, as it came over the wire; nothing is verified.

    `type` is the key's type ("ssh-ed25519") or the certificate's ("ssh-ed25519-cert-v01@
    openssh.com"), `blob` its encoding (RFC 4253 section 6.6; OpenSSH's PROTOCOL.certkeys).
    """

    type: str
    blob: bytes

    @classmethod
    def from_blob(cls, blob: bytes) -> HostKey:
        """Read the type out of the blob, whose first string it is.

        Raises ValueError for bytes that begin with no such string: the name of an algorithm has
        printable ASCII characters only, and no space (RFC 4251 section 6).
        """
        length = int.from_bytes(blob[:4], "big")
        name = blob[4 : 4 + length]
        if not 0 < length <= _LONGEST_NAME or len(name) != length or not _NAME.fullmatch(name):
            raise ValueError("not an SSH public key")
        return cls(name.decode("ascii"), blob)

    @property
    def md5(self) -> str:
        """The documented fingerprint: 16 octets in colon-delimited hex (RFC 4716 section 4)."""
        import hashlib  # noqa: PLC0415 - it loads OpenSSL: `import ncwire` must stay quick

        digest = hashlib.md5(self.blob, usedforsecurity=False).digest()
        return digest.hex(":")

    @property
    def sha256(self) -> str:
        """The fingerprint as OpenSSH prints it: "SHA256:" and unpadded base64."""
        import hashlib  # noqa: PLC0415 - as above

        digest = hashlib.sha256(self.blob).digest()
        return "SHA256:" + base64.b64encode(digest).decode("ascii").rstrip("=")

    @property
    def base64(self) -> str:
        """The key as known_hosts has it, and as `hostkey_b64` expects it."""
        return base64.b64encode(self.blob).decode("ascii")


class HostKeyCheck(Protocol):
    """The core's judgement of one host's key: known_hosts, `hostkey_b64`, `unknown_host_cb`.

    For a plain `Driver` that has the key in hand before it authenticates: it is in
    `ConnectOptions.host_key_check`.
    """

    def key_types(self) -> Sequence[str]:
        """Return the types of key and certificate that would be good, the most wanted first.

        For the driver to prefer in negotiation; () where nothing is known.
        """

    def verify(self, presented: HostKey, /) -> None:
        """Return if the key or certificate is good, having put it on file where that is asked for.

        Raises `SSHUnknownHostError` or a subclass, `HandshakeError` for a malformed certificate,
        and what `unknown_host_cb` raises; the driver lets all of them pass.
        """
