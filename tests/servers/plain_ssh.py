"""What an SSH server says before anything is encrypted, written by hand (RFC 4253)."""

from __future__ import annotations

IDENTIFICATION = b"SSH-2.0-by_hand\r\n"

LISTS = (
    "kex",
    "host_keys",
    "ciphers_out",
    "ciphers_in",
    "macs_out",
    "macs_in",
    "compression_out",
    "compression_in",
)
"""The name-lists of a KEXINIT in their order, out being from client to server."""

AGREEABLE = {
    "kex": "curve25519-sha256",
    "host_keys": "ssh-ed25519",
    "ciphers_out": "aes128-ctr",
    "ciphers_in": "aes128-ctr",
    "macs_out": "hmac-sha2-256",
    "macs_in": "hmac-sha2-256",
    "compression_out": "none",
    "compression_in": "none",
}


def kexinit(**changes: str) -> bytes:
    """Return the payload of a KEXINIT that offers `AGREEABLE`, but for the changes."""
    lists = [(AGREEABLE | changes)[name] for name in LISTS] + ["", ""]
    strings = b"".join(len(text).to_bytes(4, "big") + text.encode() for text in lists)
    return b"\x14" + bytes(range(16)) + strings + bytes(5)


def packet(payload: bytes) -> bytes:
    """Return an unencrypted packet (section 6)."""
    padding = 8 - (len(payload) + 5) % 8
    padding += 8 if padding < 4 else 0
    body = bytes([padding]) + payload + bytes(padding)
    return len(body).to_bytes(4, "big") + body
