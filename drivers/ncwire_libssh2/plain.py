"""The server's packets until it has new keys: plain, and looked at before libssh2 hears them."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from ncwire.driver import KexInit, one_line
from ncwire.errors import HandshakeError

if TYPE_CHECKING:
    from ncwire.driver import Algorithms

_DISCONNECT: Final = 1
_IGNORE: Final = 2
_UNIMPLEMENTED: Final = 3
_DEBUG: Final = 4
_KEXINIT: Final = 20
NEWKEYS: Final = 21
_GROUP: Final = 31  # SSH_MSG_KEX_DH_GEX_GROUP, RFC 4419 section 5

_ANY_TIME = frozenset({_IGNORE, _UNIMPLEMENTED, _DEBUG})
_OF_A_METHOD = frozenset(range(30, 50))  # RFC 4250 section 4.1.2

_LONGEST_WORDS: Final = 1000

_GROUP_BITS = range(2048, 8192 + 1)
"""What libssh2 asks for (1.11.1, libssh2_priv.h, LIBSSH2_DH_GEX_MINGROUP and MAXGROUP)."""


class PlainPackets:
    """What a server may send from its identification to its NEWKEYS, and in which order.

    libssh2 1.11.1 takes any message at any time and trusts what is in it: a count of extensions
    that keeps it busy for a minute a packet, a group twice as long as was asked for, a key
    exchange that is none and crashes it. Here each packet is seen first, and what RFC 4253 does
    not have is refused.
    """

    def __init__(self, ours: Algorithms) -> None:
        self.offer: KexInit | None = None
        """What the server offers; None until its KEXINIT has come."""
        self._ours = ours

    def check(self, packet: bytes) -> int:
        """Return the packet's message number; `packet` has no length field before it.

        Raises `HandshakeError` for a packet that libssh2 must not hear, and for a disconnect, of
        which libssh2 does not tell the words; and its subclass `NoCommonAlgorithmError` for an
        offer on which nothing can be agreed.
        """
        payload = _payload(packet)
        number = payload[0]
        if number == _DISCONNECT:
            raise _disconnected(payload)
        if number in _ANY_TIME:
            return number
        if self.offer is None:
            if number != _KEXINIT:
                raise _out_of_place(number, "before its offer of algorithms")
            self._take_offer(payload)
        elif number == _GROUP and self._is_group_exchange(self.offer):
            _check_group(payload)
        elif number != NEWKEYS and number not in _OF_A_METHOD:
            raise _out_of_place(number, "during the key exchange")
        return number

    def _take_offer(self, payload: bytes) -> None:
        try:
            self.offer = KexInit.from_payload(payload)
        except ValueError as error:
            raise _malformed(str(error)) from error
        incompatibility = self.offer.incompatibility(self._ours)
        if incompatibility is not None:
            raise incompatibility

    def _is_group_exchange(self, offer: KexInit) -> bool:
        # RFC 4253 section 7.1: the first of the client's that the server has too.
        agreed = next((name for name in self._ours.kex if name in offer.kex), "")
        return agreed.startswith("diffie-hellman-group-exchange-")


def _payload(packet: bytes) -> bytes:
    with suppress(IndexError):
        payload = packet[1 : len(packet) - packet[0]]
        if payload:
            return payload
    raise _malformed("a packet without a message")


def _disconnected(payload: bytes) -> HandshakeError:
    told = "SSH handshake: the server disconnected"
    # RFC 4253 section 11.1: number and reason, then the description with its length.
    size = int.from_bytes(payload[5:9], "big")
    words = payload[9 : 9 + min(size, _LONGEST_WORDS)].decode("utf-8", "replace")
    return HandshakeError(f"{told}: {one_line(words)}" if words else told)


def _check_group(payload: bytes) -> None:
    rest = payload[1:]
    size = int.from_bytes(rest[:4], "big")
    prime = rest[4 : 4 + size]
    if len(prime) < size:
        raise _malformed("the group's prime is cut off")
    bits = int.from_bytes(prime, "big").bit_length()
    if bits not in _GROUP_BITS:
        raise HandshakeError(
            f"SSH handshake: the server chose a group of {bits} bits, asked for "
            f"{_GROUP_BITS[0]} to {_GROUP_BITS[-1]}"
        )


def _out_of_place(number: int, when: str) -> HandshakeError:
    return HandshakeError(f"SSH handshake: the server sent message {number} {when}")


def _malformed(what: str) -> HandshakeError:
    return HandshakeError(f"SSH handshake: the server's packet is malformed: {what}")
