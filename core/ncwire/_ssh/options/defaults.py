"""What `connect` takes where it is told nothing."""

from __future__ import annotations

from typing import Final


class DefaultPort(int):
    """A port that was not chosen: it equals that number, and yields to any that was said.

    That is ssh_config's Port, a profile's, or for another transport the driver's.
    """

    __slots__ = ()


DEFAULT_PORT: Final = DefaultPort(830)
"""NETCONF over SSH (RFC 6242 section 7)."""

DEFAULT_TLS_PORT: Final = DefaultPort(6513)
"""NETCONF over TLS (RFC 7589 section 9)."""


def default_unknown_host_cb(host: str, fingerprint: str) -> bool:  # noqa: ARG001 - documented
    """Accept no unknown host: `connect` raises `SSHUnknownHostError`.

    A callback of one's own is called with the host as it was given and the key's MD5 fingerprint
    as colon-delimited hex, and returns True to accept. It is never asked about a key that has
    changed or is revoked, nor about one that is not the key in `hostkey_b64`.
    """
    return False
