"""`unknown_host_cb` and `hostkey_b64`: what a caller says about a host's key."""

from __future__ import annotations

import base64
import binascii

from ncwire.driver.hostkey import HostKey
from ncwire.errors import OptionError
from ncwire.ssh.public_keys import is_certificate


def default_unknown_host_cb(host: str, fingerprint: str) -> bool:  # noqa: ARG001 - documented
    """Accept no unknown host: `connect` raises `SSHUnknownHostError`.

    A callback of one's own is called with the host as it was given and the key's MD5 fingerprint
    as colon-delimited hex, and returns True to accept. It is never asked about a key that has
    changed or is revoked, nor about one that is not the key in `hostkey_b64`.
    """
    return False


def parse_hostkey_b64(value: str) -> HostKey:
    """Return the key that `hostkey_b64` stands for; raise `OptionError` when it is none."""
    try:
        key = HostKey.from_blob(base64.b64decode("".join(value.split()), validate=True))
    except (binascii.Error, ValueError) as error:
        raise OptionError(
            "hostkey_b64", "not the base64 of an SSH public key, as known_hosts has it"
        ) from error
    if is_certificate(key.type):
        raise OptionError("hostkey_b64", "is a certificate; give the key that it certifies")
    return key
