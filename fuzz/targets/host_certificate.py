"""A host's certificate, as it comes over the wire: none is taken that no authority has signed."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from ncwire._algorithms.public_keys import Fields, is_plain_key
from ncwire._ssh.hostkeys.certificates import HostCertificate
from ncwire.driver import HostKey
from ncwire.errors import HandshakeError
from targets.property import Raised, outcome, require

TOKENS = (
    b"ssh-ed25519-cert-v01@openssh.com", b"ssh-rsa-cert-v01@openssh.com", b"\0\0\0\0",
    b"ssh-ed25519", b"ecdsa-sha2-nistp256-cert-v01@openssh.com", b"nistp256", b"rsa-sha2-512",
    b"ssh-rsa", b"r1", b"\0\0\0\x02", b"\0\0\0\x01", b"\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\0\0\0\x02r1", b"\x1b", b"ssh-ed25519-cert-v01@openssh.com\0",
    b"sk-ssh-ed25519@openssh.com",
)  # fmt: skip
LONGEST = 4096
_GENUINE = Path(__file__).parents[1] / "corpus" / "host_certificate"
_NAME = "r1"


def one(data: bytes) -> None:
    """Be presented a certificate, where the signers of all genuine ones are trusted."""
    presented = outcome(lambda: HostKey.from_blob(data), ValueError)
    if not isinstance(presented, HostKey):
        return
    read = outcome(lambda: HostCertificate.read(presented), HandshakeError)
    if isinstance(read, Raised) or not isinstance(read, HostCertificate):
        return
    require(is_plain_key(read.key.type, read.key.blob), "a certified key is a whole one")
    bodies, authorities = _genuine()
    refusal = read.refusal(_NAME, authorities)
    if not refusal:
        require(_body(data) in bodies, "only what was signed is trusted")
    require(refusal.isprintable(), "no word of a server's steers a terminal")


@cache
def _genuine() -> tuple[frozenset[bytes], frozenset[bytes]]:
    """Return what was signed, and the keys of those who signed."""
    blobs = [path.read_bytes() for path in sorted(_GENUINE.glob("genuine-*"))]
    signers = [HostCertificate.read(HostKey.from_blob(blob)).authority.blob for blob in blobs]
    return frozenset(map(_body, blobs)), frozenset(signers)


def _body(blob: bytes) -> bytes:
    """Return a certificate without its signature, which is its last field."""
    fields = Fields(blob)
    ends = [0]
    kind = fields.string()
    # Nonce, key, serial, kind, id, names, from, until, options, extensions, reserved, signer.
    strings = {b"ssh-rsa": 3, b"ssh-ed25519": 2}.get(
        kind.removesuffix(b"-cert-v01@openssh.com"), 3
    )
    for size in (*[0] * strings, 8, 4, 0, 0, 8, 8, 0, 0, 0, 0):
        if size:
            fields.integer(size)
        else:
            fields.string()
        ends.append(fields.position)
    return blob[: ends[-1]]
