"""Host certificates: host keys that an authority on file has signed (PROTOCOL.certkeys).

What OpenSSH 9.2's client asks of one is asked here too (sshkey.c: cert_parse,
sshkey_cert_check_host). The signature is verified by `cryptography`, which verifies it by the key
that the certificate itself names, and nothing else: whose key that is, for whom and for how long
the certificate holds is told here.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from ncwire._algorithms.public_keys import CERTIFICATE_SUFFIX, STRINGS, Fields, is_plain_key
from ncwire.driver.hostkey import HostKey
from ncwire.errors import HandshakeError

if TYPE_CHECKING:
    from collections.abc import Container

CERTIFICATE_TYPES: Final = tuple(
    f"{key_type}{CERTIFICATE_SUFFIX}"
    for key_type in (
        "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
        "ssh-rsa",
    )
)  # fmt: skip
"""The types of host certificates that are asked for, the most wanted first."""

_HOST = 2  # SSH2_CERT_TYPE_HOST
_KINDS = {1: "user", _HOST: "host"}
_SIGNED_WITH_SHA1 = frozenset({"ssh-rsa", "ssh-dss"})
_END_OF_TIME = 253402300799  # the last second of the year 9999, and of datetime's calendar
_SHOWN = 8
_NAMES = ("utf-8", "surrogateescape")


@dataclass(frozen=True, slots=True)
class HostCertificate:
    """A certificate whose signature is right; whose signature it is remains to be seen."""

    key: HostKey
    """The key that is certified, as it would be presented without a certificate."""
    authority: HostKey
    """The key that signed."""
    signature_algorithm: str
    kind: int
    principals: tuple[bytes, ...]
    valid_after: int
    valid_before: int
    critical_options: tuple[bytes, ...]
    unverified: str
    """Why the signature could not be verified after all, "" if it was."""

    @classmethod
    def read(cls, presented: HostKey) -> HostCertificate:
        """Read a certificate, and verify its signature.

        Raises `HandshakeError` for one that is malformed or whose signature is wrong: as in
        OpenSSH, nothing that such a server presents is then considered.
        """
        # `import ncwire` must stay quick, and few hosts have a certificate.
        from cryptography.exceptions import (  # noqa: PLC0415
            InvalidSignature,
            UnsupportedAlgorithm,
        )

        try:
            certificate = cls._parse(presented)
            if not certificate.unverified:
                _verify_signature(presented)
        # The last is cryptography's word for a compressed point (as of version 50).
        except (ValueError, UnsupportedAlgorithm, NotImplementedError) as error:
            raise HandshakeError(
                f"the server's host certificate ({presented.type}) is malformed: {error}"
            ) from error
        except InvalidSignature as error:
            raise HandshakeError(
                f"the server's host certificate ({presented.type}) has a wrong signature"
            ) from error
        return certificate

    @classmethod
    def _parse(cls, presented: HostKey) -> HostCertificate:
        fields = Fields(presented.blob)
        plain_type = presented.type.removesuffix(CERTIFICATE_SUFFIX).encode()
        if fields.string() != presented.type.encode():
            raise ValueError("it is of another type than it was said to be")
        fields.string()  # the nonce
        begin = fields.position
        for _ in range(STRINGS.get(plain_type.decode(), 0)):
            fields.string()
        key = _string(plain_type) + presented.blob[begin : fields.position]
        if not is_plain_key(plain_type.decode(), key):
            raise ValueError("it certifies no key of a known type")
        fields.integer(8)  # the serial number
        kind = fields.integer(4)
        fields.string()  # the key id
        principals = _list(fields.string())
        valid_after, valid_before = fields.integer(8), fields.integer(8)
        critical_options = _list(fields.string())[::2]
        fields.string()  # extensions, of which hosts have none
        fields.string()  # reserved
        authority = HostKey.from_blob(fields.string())
        signature = Fields(fields.string())
        return cls(
            key=HostKey.from_blob(key),
            authority=authority,
            signature_algorithm=signature.string().decode("ascii", "backslashreplace"),
            kind=kind,
            principals=principals,
            valid_after=valid_after,
            valid_before=valid_before,
            critical_options=critical_options,
            # cryptography 50 reads keys of security devices, and not their signatures.
            unverified=(
                "signatures of security keys cannot be verified here"
                if authority.type.startswith("sk-")
                else ""
            ),
        )

    def refusal(self, name: str, authorities: Container[bytes]) -> str:
        """Return why a host that is looked up by `name` cannot go by this certificate.

        `authorities` are the blobs of the keys on file that may certify the host. "" means that
        nothing is wrong.
        """
        return self._untrusted(name, authorities) or self._invalid(name)

    def _untrusted(self, name: str, authorities: Container[bytes]) -> str:
        if self.authority.blob not in authorities:
            return f"is signed by {self.signed_by}, which is no @cert-authority for {name}"
        if self.unverified:
            return f"is signed by {self.signed_by}: {self.unverified}"
        return ""

    def _invalid(self, name: str) -> str:
        now = int(time.time())
        # PROTOCOL.certkeys of 9.2: no principals at all mean any.
        for_name = not self.principals or name.encode(*_NAMES) in self.principals
        problems = (
            (self.kind != _HOST, f"is a {_KINDS.get(self.kind, 'strange')} certificate"),
            (now < self.valid_after, f"is not valid before {_moment(self.valid_after)}"),
            (now >= self.valid_before, f"has expired on {_moment(self.valid_before)}"),
            (not for_name, f"is for {_shown(self.principals)}, not for {name}"),
            (self.critical_options, f"has unknown options: {_shown(self.critical_options)}"),
            (
                self.signature_algorithm in _SIGNED_WITH_SHA1,
                f"is signed with {self.signature_algorithm}, by SHA-1",
            ),
        )
        return next((text for wrong, text in problems if wrong), "")

    @property
    def signed_by(self) -> str:
        """The authority's type and fingerprint."""
        return f"{self.authority.type} {self.authority.sha256}"


def _verify_signature(presented: HostKey) -> None:
    # As above.
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        SSHCertificate,
        load_ssh_public_identity,
    )

    identity = load_ssh_public_identity(f"{presented.type} {presented.base64}".encode())
    if not isinstance(identity, SSHCertificate):
        raise ValueError("it is a plain key")  # noqa: TRY004 - what came is wrong, not its type
    identity.verify_cert_signature()


def _string(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def _list(data: bytes) -> tuple[bytes, ...]:
    fields = Fields(data)
    found = []
    while not fields.at_end:
        found.append(fields.string())
    return tuple(found)


def _moment(seconds: int) -> str:
    return datetime.fromtimestamp(min(seconds, _END_OF_TIME), UTC).strftime(
        "%Y-%m-%d %H:%M:%S UTC"
    )


def _shown(names: tuple[bytes, ...]) -> str:
    shown = [repr(name.decode("utf-8", "backslashreplace")) for name in names[:_SHOWN]]
    return ", ".join([*shown, *(["..."] if len(names) > _SHOWN else [])])
