"""The public keys that OpenSSH knows, taken apart as far as host keys need it.

RFC 4253 section 6.6, RFC 5656 section 3.1, RFC 8709; OpenSSH's PROTOCOL.u2f for the sk- types and
PROTOCOL.certkeys for certificates.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

CERTIFICATE_SUFFIX: Final = "-cert-v01@openssh.com"

STRINGS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "ssh-ed25519": 1,
        "ecdsa-sha2-nistp256": 2,
        "ecdsa-sha2-nistp384": 2,
        "ecdsa-sha2-nistp521": 2,
        "ssh-rsa": 2,
        "ssh-dss": 4,
        "sk-ssh-ed25519@openssh.com": 2,
        "sk-ecdsa-sha2-nistp256@openssh.com": 3,
    }
)
"""The types of plain keys, and how many strings follow the type in each; an mpint is one too."""

_ED25519_OCTETS = 32
_LEAST_RSA_OCTETS = 1024 // 8  # what OpenSSH takes for a key at all (SSH_RSA_MINIMUM_MODULUS_SIZE)


class Fields:
    """The fields of an SSH blob, taken one by one (RFC 4251 section 5)."""

    def __init__(self, blob: bytes) -> None:
        self._blob = blob
        self.position = 0

    def integer(self, octets: int) -> int:
        """Take an unsigned integer. Raises ValueError when the blob ends before."""
        return int.from_bytes(self._take(octets), "big")

    def string(self) -> bytes:
        """Take a string. Raises ValueError when the blob ends before."""
        return self._take(self.integer(4))

    @property
    def at_end(self) -> bool:
        """Whether nothing is left."""
        return self.position == len(self._blob)

    def _take(self, octets: int) -> bytes:
        end = self.position + octets
        if end > len(self._blob):
            raise ValueError("cut short")
        taken = self._blob[self.position : end]
        self.position = end
        return taken


def is_certificate(key_type: str) -> bool:
    """Tell whether keys of a type, or signatures of an algorithm, come with a certificate."""
    return key_type.endswith(CERTIFICATE_SUFFIX)


def is_plain_key(key_type: str, blob: bytes) -> bool:
    """Tell whether a blob is a whole key of a type that OpenSSH knows, and nothing more.

    As in OpenSSH an RSA key of less than 1024 bits is none.
    """
    fields = Fields(blob)
    try:
        if fields.string() != key_type.encode() or key_type not in STRINGS:
            return False
        strings = [fields.string() for _ in range(STRINGS[key_type])]
    except ValueError:
        return False
    if key_type == "ssh-ed25519" and len(strings[0]) != _ED25519_OCTETS:
        return False
    if key_type == "ssh-rsa" and len(strings[1].lstrip(b"\0")) < _LEAST_RSA_OCTETS:
        return False
    return fields.at_end
