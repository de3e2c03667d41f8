"""SSH_MSG_KEXINIT: what one side of an SSH connection offers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from ncwire.driver.algorithms import Algorithms
from ncwire.errors import NoCommonAlgorithmError

if TYPE_CHECKING:
    from collections.abc import Iterator

_MESSAGE_NUMBER = 20
_COOKIE = 16
_Names = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KexInit:
    """The name-lists of the message; pairs are client to server, then server to client.

    Source: RFC 4253 section 7.1.
    """

    kex: _Names
    host_keys: _Names
    ciphers: tuple[_Names, _Names]
    macs: tuple[_Names, _Names]
    compression: tuple[_Names, _Names]

    @classmethod
    def from_payload(cls, payload: bytes) -> Self:
        """Read a packet's payload, message number included. Raises `ValueError`."""
        if payload[:1] != bytes([_MESSAGE_NUMBER]):
            raise ValueError("the message is no SSH_MSG_KEXINIT")
        kex, keys, cipher_out, cipher_in, mac_out, mac_in, zip_out, zip_in = _name_lists(
            memoryview(payload)[1 + _COOKIE :], 8
        )
        return cls(kex, keys, (cipher_out, cipher_in), (mac_out, mac_in), (zip_out, zip_in))

    def incompatibility(self, ours: Algorithms) -> NoCommonAlgorithmError | None:
        """Return the first thing on which a client that offers `ours` cannot agree, if any.

        The order is RFC 4253's. A cipher with its own integrity needs no MAC in common.
        """
        agreed = [_first_common(ours.ciphers, theirs) for theirs in self.ciphers]
        kinds = (
            ("kex", ours.kex, [self.kex]),
            ("host_keys", ours.host_keys, [self.host_keys]),
            ("ciphers", ours.ciphers, list(self.ciphers)),
            (
                "macs",
                ours.macs,
                [
                    macs
                    for macs, cipher in zip(self.macs, agreed, strict=True)
                    if not is_aead(cipher)
                ],
            ),
            ("compression", ours.compression or ("none",), list(self.compression)),
        )
        for kind, mine, lists in kinds:
            if not all(_first_common(mine, theirs) for theirs in lists):
                return NoCommonAlgorithmError(kind, ours, self.for_client(ours))
        return None

    def for_client(self, ours: Algorithms) -> Algorithms:
        """Return the offer with one list a kind.

        Where the directions differ, it is the one that leaves a client that offers `ours` with
        less.
        """

        def scarcer(mine: _Names, lists: tuple[_Names, _Names]) -> _Names:
            return min(lists, key=lambda theirs: len(set(mine) & set(theirs)))

        return Algorithms(
            kex=tuple(name for name in self.kex if not is_extension(name)),
            host_keys=self.host_keys,
            ciphers=scarcer(ours.ciphers, self.ciphers),
            macs=scarcer(ours.macs, self.macs),
            compression=scarcer(ours.compression, self.compression),
        )


def is_aead(cipher: str) -> bool:
    """Tell whether a cipher carries its own integrity, so that no MAC is used.

    Source: RFC 5647 section 5.1 as OpenSSH has it, and OpenSSH's PROTOCOL.chacha20poly1305.
    """
    return cipher.startswith("chacha20-poly1305") or "-gcm@" in cipher


def is_extension(name: str) -> bool:
    """Tell whether a name among the key exchanges is none, but tells of an extension.

    Source: RFC 8308 section 2.1, and OpenSSH's PROTOCOL section 1.9.
    """
    return name.startswith(("ext-info-", "kex-strict-"))


def _first_common(ours: _Names, theirs: _Names) -> str:
    return next((name for name in ours if name in theirs), "")


def _name_lists(rest: memoryview, count: int) -> Iterator[_Names]:
    for _ in range(count):
        head, rest = bytes(rest[:4]), rest[4:]
        length = int.from_bytes(head, "big")
        names, rest = bytes(rest[:length]), rest[length:]
        if not head or len(names) < length:
            raise ValueError("a name-list is cut off")
        # RFC 4251 section 5 has names in US-ASCII; what is not is no reason to fail here.
        yield tuple(name for name in names.decode("ascii", "replace").split(",") if name)
