"""A user's certificate, from a file or an agent."""

from __future__ import annotations

from ncwire._algorithms.public_keys import is_plain_key
from ncwire._ssh.auth.user_certificates import CertificateError, UserCertificate, from_blob
from targets.host_certificate import LONGEST, TOKENS
from targets.property import outcome, require

__all__ = ["LONGEST", "TOKENS", "one"]


def one(data: bytes) -> None:
    """Read a certificate."""
    read = outcome(lambda: from_blob(data, "f"), CertificateError)
    if not isinstance(read, UserCertificate):
        return
    outcome(read.check_time, CertificateError)
    require(read.blob == data, "it goes over the wire as it came")
    require(is_plain_key(read.key.type, read.key.blob), "a certified key is a whole one")
    require(str(read).isprintable(), "no word of an authority's steers a terminal")
