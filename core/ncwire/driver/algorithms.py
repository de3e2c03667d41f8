"""The algorithms of an SSH connection, by the names of the IANA registry and OpenSSH."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Algorithms:
    """Names in order of preference, the most wanted first.

    As a driver's `algorithms` they are what the library can do; as an argument of
    `SSHDriver.handshake` they are all that may be offered. Ciphers and MACs serve both
    directions. Source: RFC 4253 section 7.1.
    """

    kex: tuple[str, ...] = ()
    host_keys: tuple[str, ...] = ()
    """Signature algorithms: rsa-sha2-512 and rsa-sha2-256 both mean keys of type ssh-rsa."""
    ciphers: tuple[str, ...] = ()
    macs: tuple[str, ...] = ()
    compression: tuple[str, ...] = ()
    """RFC 4253 section 6.2: "none", "zlib@openssh.com"."""
