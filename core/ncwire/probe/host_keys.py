"""A server's host keys: one of each type, and what is known about them."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ncwire._algorithms.offer import KINDS, MODERN
from ncwire._algorithms.public_keys import is_certificate
from ncwire._ssh.hostkeys.certificates import HostCertificate
from ncwire.driver.algorithms import Algorithms
from ncwire.errors import (
    HandshakeError,
    NcwireError,
    SSHHostKeyChangedError,
    SSHHostKeyMismatchError,
    SSHHostKeyRevokedError,
    SSHUnknownHostError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ncwire._ssh.hostkeys.policy import HostKeyPolicy
    from ncwire.driver.hostkey import HostKey
    from ncwire.driver.kexinit import KexInit
    from ncwire.driver.ssh import SSHDriver


class Standing(enum.Enum):
    """What a session would make of a host key."""

    GOOD = "known"
    UNKNOWN = "not known"
    CHANGED = "changed"
    REVOKED = "revoked"
    MISMATCH = "not the one required"
    UNSEEN = "not seen"
    """No installed driver can exchange keys by it, or the exchange failed."""

    @property
    def is_bad(self) -> bool:
        """Whether somebody else may be answering: then nothing at all is told to the server."""
        return self in {Standing.CHANGED, Standing.REVOKED, Standing.MISMATCH}


@dataclass(frozen=True, slots=True)
class HostKeyFinding:
    """One host key, or why it was not seen."""

    type: str
    """The key's type, or the certificate's; of an unseen one the signature algorithm."""
    standing: Standing
    sha256: str = ""
    md5: str = ""
    base64: str = ""
    """The key, as known_hosts has it."""
    detail: str = ""


def finding(policy: HostKeyPolicy, presented: HostKey) -> HostKeyFinding:
    """Return what the policy says to a key that was presented. Nothing is put on file."""
    try:
        key = HostCertificate.read(presented).key if is_certificate(presented.type) else presented
    except HandshakeError as error:
        return HostKeyFinding(presented.type, Standing.UNSEEN, detail=str(error))
    standing, detail = Standing.GOOD, ""
    try:
        # Not `unknown_host_cb` either: the question is what is known, not what is accepted.
        replace(policy, unknown_host_cb=_accepts_none, remember=None).verify(presented)
    except NcwireError as error:
        standing = next(told for kind, told in _STANDINGS if isinstance(error, kind))
        problem = error.problem if isinstance(error, SSHUnknownHostError) else str(error)
        detail = "" if standing is Standing.UNKNOWN else problem
    if standing is Standing.GOOD and not (policy.verify_known or policy.pinned):
        standing, detail = Standing.UNKNOWN, "host keys are not verified (hostkey_verify)"
    return HostKeyFinding(presented.type, standing, key.sha256, key.md5, key.base64, detail)


def unseen(algorithms: Sequence[str], seen: Sequence[HostKey]) -> list[str]:
    """Return the algorithms of the server's by which a key can be had that was not seen yet.

    RSA keys have several, of which the strongest is taken.
    """
    types = {key.type for key in seen}
    wanted: dict[str, str] = {}
    strongest_first = [*(name for name in _RSA if name in algorithms), *algorithms]
    for name in strongest_first:
        if key_type(name) not in types:
            wanted.setdefault(key_type(name), name)
    return list(wanted.values())


def key_type(algorithm: str) -> str:
    """Return the type of the keys that a signature algorithm is for."""
    return _RSA.get(algorithm, algorithm)


def ways(
    name: str, offer: KexInit, drivers: Sequence[type[SSHDriver]]
) -> Iterator[tuple[type[SSHDriver], Algorithms]]:
    """Return the drivers that can exchange keys by a host key algorithm, and what each offers.

    That is all it has, the modern first: nothing of ours goes over such a connection.
    """
    for driver in drivers:
        if name not in driver.algorithms.host_keys:
            continue
        lists = {kind: _modern_first(kind, getattr(driver.algorithms, kind)) for kind in KINDS}
        lists |= {"host_keys": (name,), "compression": ("none",)}
        offered = Algorithms(**lists)
        if offer.incompatibility(offered) is None:
            yield driver, offered


def _accepts_none(_host: str, _fingerprint: str) -> bool:
    return False


def _modern_first(kind: str, names: tuple[str, ...]) -> tuple[str, ...]:
    modern = tuple(name for name in getattr(MODERN, kind) if name in names)
    return (*modern, *(name for name in names if name not in modern))


_RSA = {
    "rsa-sha2-512": "ssh-rsa",
    "rsa-sha2-256": "ssh-rsa",
    "ssh-rsa": "ssh-rsa",
    "rsa-sha2-512-cert-v01@openssh.com": "ssh-rsa-cert-v01@openssh.com",
    "rsa-sha2-256-cert-v01@openssh.com": "ssh-rsa-cert-v01@openssh.com",
    "ssh-rsa-cert-v01@openssh.com": "ssh-rsa-cert-v01@openssh.com",
}
"""The key types of RSA's signature algorithms, the strongest first (RFC 8332)."""

# The first that fits: the others are kinds of the last.
_STANDINGS = (
    (SSHHostKeyRevokedError, Standing.REVOKED),
    (SSHHostKeyChangedError, Standing.CHANGED),
    (SSHHostKeyMismatchError, Standing.MISMATCH),
    (SSHUnknownHostError, Standing.UNKNOWN),
    (NcwireError, Standing.UNSEEN),
)
