"""Which algorithms are offered: one policy for every driver, whatever its library prefers."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

from ncwire._algorithms.public_keys import CERTIFICATE_SUFFIX, is_certificate
from ncwire._plugins.recommended import who_has
from ncwire.driver.algorithms import Algorithms
from ncwire.driver.kexinit import is_aead
from ncwire.errors import UnsupportedOption

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ncwire.driver.ssh import SSHDriver

MODERN = Algorithms(
    kex=(
        "mlkem768x25519-sha256",
        "sntrup761x25519-sha512",
        "sntrup761x25519-sha512@openssh.com",
        "curve25519-sha256",
        "curve25519-sha256@libssh.org",
        "ecdh-sha2-nistp256",
        "ecdh-sha2-nistp384",
        "ecdh-sha2-nistp521",
        "diffie-hellman-group-exchange-sha256",
        "diffie-hellman-group16-sha512",
        "diffie-hellman-group18-sha512",
        "diffie-hellman-group14-sha256",
    ),
    host_keys=(
        "ssh-ed25519",
        "ecdsa-sha2-nistp256",
        "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521",
        "rsa-sha2-512",
        "rsa-sha2-256",
    ),
    ciphers=(
        "aes128-gcm@openssh.com",
        "aes256-gcm@openssh.com",
        "aes128-ctr",
        "aes192-ctr",
        "aes256-ctr",
        "chacha20-poly1305@openssh.com",
    ),
    macs=(
        "hmac-sha2-256-etm@openssh.com",
        "hmac-sha2-512-etm@openssh.com",
        "hmac-sha2-256",
        "hmac-sha2-512",
    ),
    compression=("none",),
)
"""The default: modern only, and AES-GCM first, which is the fastest on both libraries.

No SHA-1, no CBC, no DSA, no compression. A legacy device opts in by name: `AlgorithmPolicy`.
"""

KINDS: Final = tuple(kind.name for kind in dataclasses.fields(Algorithms))

# An "ssh-rsa" key on file is a key, not a signature: RFC 8332 signs with it by SHA-2.
_SIGNATURES = {
    "ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"),
    f"ssh-rsa{CERTIFICATE_SUFFIX}": (
        f"rsa-sha2-512{CERTIFICATE_SUFFIX}",
        f"rsa-sha2-256{CERTIFICATE_SUFFIX}",
    ),
}


def choose(
    driver: type[SSHDriver],
    known_types: Iterable[str] = (),
    requested: Algorithms | None = None,
) -> Algorithms:
    """Return what to offer: what is wanted and the driver has, in the order of what is wanted.

    Wanted is `requested`, or `MODERN` for those kinds of algorithm that it leaves empty. Host
    key algorithms that fit the key types on file come first, so that a known host never looks
    unknown; where certificate types are among these, certificates are wanted of each wanted key.
    Raises `UnsupportedOption` when the driver has nothing of a kind.
    """
    known_types = tuple(known_types)
    wanted = _with_certificates(filled(requested), known_types)
    has = dataclasses.replace(
        driver.algorithms, compression=driver.algorithms.compression or ("none",)
    )
    offered = in_common(wanted, has)
    for kind in KINDS:
        if not getattr(offered, kind) and not (kind == "macs" and _need_no_mac(offered)):
            raise _unsupported(driver, kind, getattr(wanted, kind))
    return dataclasses.replace(offered, host_keys=_known_first(offered.host_keys, known_types))


def filled(requested: Algorithms | None) -> Algorithms:
    """Return what is requested, the kinds that are left empty filled with the default."""
    if requested is None:
        return MODERN
    return Algorithms(
        **{kind: getattr(requested, kind) or getattr(MODERN, kind) for kind in KINDS}
    )


def in_common(wanted: Algorithms, available: Algorithms) -> Algorithms:
    """Return the names of `wanted` that are in `available` too, in the order of `wanted`."""
    return Algorithms(
        **{
            kind: tuple(name for name in getattr(wanted, kind) if name in getattr(available, kind))
            for kind in KINDS
        }
    )


def _unsupported(driver: type[SSHDriver], kind: str, wanted: Sequence[str]) -> UnsupportedOption:
    return UnsupportedOption(
        driver.name,
        f"algorithms.{kind}={tuple(wanted)!r}",
        f"it has {', '.join(getattr(driver.algorithms, kind)) or 'none'}; "
        + who_has(kind, wanted),
    )


def _need_no_mac(offered: Algorithms) -> bool:
    return bool(offered.ciphers) and all(is_aead(cipher) for cipher in offered.ciphers)


def _with_certificates(wanted: Algorithms, known_types: Iterable[str]) -> Algorithms:
    if any(is_certificate(name) for name in wanted.host_keys):
        return wanted  # these have been chosen
    # Without an authority on file there is no reason to ask for them.
    asked_for = _signatures(kind for kind in known_types if is_certificate(kind))
    certified = (f"{name}{CERTIFICATE_SUFFIX}" for name in wanted.host_keys)
    return dataclasses.replace(
        wanted,
        host_keys=(*(name for name in certified if name in asked_for), *wanted.host_keys),
    )


def _known_first(algorithms: tuple[str, ...], known_types: Iterable[str]) -> tuple[str, ...]:
    signatures = _signatures(known_types)
    # Stable: within known and unknown, the policy's order stays.
    return tuple(sorted(algorithms, key=lambda name: name not in signatures))


def _signatures(key_types: Iterable[str]) -> set[str]:
    return {name for kind in key_types for name in _SIGNATURES.get(kind, (kind,))}
