"""Which algorithms are offered: one policy for every driver, whatever its library prefers."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from ncwire.driver.algorithms import Algorithms
from ncwire.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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
)
"""The default: modern only, and AES-GCM first, which is the fastest on both libraries.

No SHA-1, no CBC, no DSA. A legacy device opts in by name, with `algorithms`.
"""

# An "ssh-rsa" key on file is a key, not a signature: RFC 8332 signs with it by SHA-2.
_SIGNATURES = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa")}


def choose(
    available: Algorithms, known_types: Iterable[str] = (), requested: Algorithms | None = None
) -> Algorithms:
    """Return what to offer: what is wanted and available, in the order of what is wanted.

    Wanted is `requested`, or `MODERN` for those kinds of algorithm that it leaves empty. Host
    key algorithms that fit the key types on file come first, so that a known host never looks
    unknown. Raises `OptionError` when nothing is left of a kind.
    """
    wanted = _filled(requested)
    offered = Algorithms(
        kex=_common("kex", wanted.kex, available.kex),
        host_keys=_known_first(
            _common("host_keys", wanted.host_keys, available.host_keys), known_types
        ),
        ciphers=_common("ciphers", wanted.ciphers, available.ciphers),
        macs=tuple(name for name in wanted.macs if name in available.macs),
    )
    if not offered.macs and not all(_is_aead(cipher) for cipher in offered.ciphers):
        _common("macs", wanted.macs, available.macs)
    return offered


def _filled(requested: Algorithms | None) -> Algorithms:
    if requested is None:
        return MODERN
    given = {
        kind.name: names
        for kind in dataclasses.fields(requested)
        if (names := getattr(requested, kind.name))
    }
    return dataclasses.replace(MODERN, **given)


def _common(kind: str, wanted: Sequence[str], available: Sequence[str]) -> tuple[str, ...]:
    common = tuple(name for name in wanted if name in available)
    if not common:
        raise OptionError(
            f"algorithms.{kind}",
            f"the driver has none of {', '.join(wanted)}; it has {', '.join(available) or 'none'}",
        )
    return common


def _known_first(algorithms: tuple[str, ...], known_types: Iterable[str]) -> tuple[str, ...]:
    signatures = {name for kind in known_types for name in _SIGNATURES.get(kind, (kind,))}
    # Stable: within known and unknown, the policy's order stays.
    return tuple(sorted(algorithms, key=lambda name: name not in signatures))


def _is_aead(cipher: str) -> bool:
    # These carry their own integrity, so that no MAC is negotiated (RFC 5647 section 5.1).
    return cipher.startswith("chacha20-poly1305") or "-gcm@" in cipher
