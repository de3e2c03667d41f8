"""`hostkey_b64`: the one host key that is good."""

from __future__ import annotations

import base64
import binascii

from ncwire._algorithms.public_keys import is_certificate
from ncwire.driver.hostkey import HostKey
from ncwire.errors import OptionError


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
