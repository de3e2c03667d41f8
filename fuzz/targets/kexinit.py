"""SSH_MSG_KEXINIT: what a server offers, before anything of it is verified."""

from __future__ import annotations

from ncwire._algorithms.offer import MODERN
from ncwire.driver import KexInit
from ncwire.errors import NoCommonAlgorithmError
from targets.property import Raised, agree, outcome, require

TOKENS = (
    b"\x14", b"\0\0\0\0", b"\0\0\0\x01", b"\xff\xff\xff\xff", b",", b"curve25519-sha256", b"none",
    b"ssh-ed25519", b"aes128-gcm@openssh.com", b"aes128-ctr", b"hmac-sha2-256", b"ext-info-s",
    b"\x1b", b"kex-strict-s-v00@openssh.com", b"chacha20-poly1305@openssh.com", b"\xe9", b"\n",
)  # fmt: skip
LONGEST = 2048
_PREFIX = bytes([20]) + bytes(16)


def one(data: bytes) -> None:
    """Read an offer, and compare it with ours."""
    offer = outcome(lambda: KexInit.from_payload(data), ValueError)
    if isinstance(offer, Raised):
        return
    offer = KexInit.from_payload(data)
    lists = (offer.kex, offer.host_keys, *offer.ciphers, *offer.macs, *offer.compression)
    names = [name for names in lists for name in names]
    require(all(names), "there is no algorithm without a name")
    if all(name.isascii() for name in names):
        agree("what is read is read again", offer, KexInit.from_payload(_written(lists)))
    refusal = offer.incompatibility(MODERN)
    if refusal is not None:
        require(isinstance(refusal, NoCommonAlgorithmError), "a refusal is a documented error")
        require(str(refusal).isprintable(), "no word of a server's steers a terminal")
    offer.for_client(MODERN)


def _written(lists: tuple[tuple[str, ...], ...]) -> bytes:
    texts = (",".join(names).encode() for names in lists)
    # Two lists of languages follow, which are not read, and a guess that is wrong.
    return _PREFIX + b"".join(len(text).to_bytes(4, "big") + text for text in texts) + bytes(13)
