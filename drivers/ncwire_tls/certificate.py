"""What is shown of a certificate: its SHA-256, and its subject; for errors and for people.

`ssl` tells the subject of a certificate only when it has been verified, and of one that was
refused nothing at all (CPython 3.13, `_ssl.c`). Nothing is decided by what is read of it here; but
by `names`, which `ssl` has read.
"""

from __future__ import annotations

import hashlib
import ipaddress
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import ssl
    from collections.abc import Generator, Iterator

_CERTIFICATE: Final = 11
"""The handshake message with the peer's certificates (RFC 8446 section 4.4.2)."""

_NAMES: Final = {
    "2.5.4.3": "CN",
    "2.5.4.5": "serialNumber",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "0.9.2342.19200300.100.1.25": "DC",
    "1.2.840.113549.1.9.1": "emailAddress",
}
_ENCODINGS: Final = {0x1E: "utf-16-be", 0x14: "latin-1"}
"""BMPString and T61String; the others of RFC 5280 section 4.1.2.4 are UTF-8, or part of it."""
_SPECIAL: Final = frozenset('",+;<>\\')
_VERSION: Final = 0xA0
_LONG: Final = 0x80
_MORE: Final = 0x80
_ROOTS: Final = 40


class Presented:
    """The certificate that a peer presents, taken down while it does.

    It is there also when the handshake fails because of it.
    """

    def __init__(self) -> None:
        self.der = b""

    @contextmanager
    def watching(self, context: ssl.SSLContext) -> Generator[None]:
        """Look at the handshake of a context that no other connection has, made within this.

        What interrupts the looking (Ctrl-C) comes out of the handshake, but as the context of an
        `SSLWantReadError` where it needs more to go on (CPython 3.11, `_ssl.c`).
        """
        # `ssl` has no other way to the certificate that it refuses. The hook is its own, though
        # without a word in its documentation (3.8 and later); without it the error says less.
        with suppress(AttributeError):
            context._msg_callback = self._look  # type: ignore[attr-defined]  # noqa: SLF001
        try:
            yield
        finally:
            # It would be called for each record.
            with suppress(AttributeError):
                context._msg_callback = None  # type: ignore[attr-defined]  # noqa: SLF001

    def _look(
        self,
        _connection: object,
        direction: str,
        version: object,
        _content: object,
        kind: Any,
        data: bytes,
    ) -> None:
        if direction != "read" or kind != _CERTIFICATE or self.der:
            return
        # Of TLS 1.3 the list has a context before it (RFC 8446 section 4.4.2), of 1.2 none.
        has_context = getattr(version, "name", "") == "TLSv1_3"
        at = 4 + (1 + data[4] if has_context and len(data) > 4 else 0)  # noqa: PLR2004 - its head
        at += 3
        length = int.from_bytes(data[at : at + 3], "big")
        self.der = data[at + 3 : at + 3 + length]


def sha256(der: bytes) -> str:
    """Return the certificate's SHA-256 as pairs of hexadecimal digits; "" for none."""
    return hashlib.sha256(der).digest().hex(":").upper() if der else ""


def names(tls: ssl.SSLObject) -> tuple[str, ...]:
    """Return whom a verified certificate is for; none of one that was not verified.

    `ssl` tells these only with `CERT_REQUIRED` (`SSLSocket.getpeercert`). A DNS name that reads as
    an address is left out, for an address has a field of its own (RFC 5280 section 4.2.1.6).
    """
    found: list[str] = []
    alternatives: Any = (tls.getpeercert() or {}).get("subjectAltName", ())
    for kind, value in alternatives:
        try:
            address = str(ipaddress.ip_address(value.strip()))
        except ValueError:
            address = ""
        if kind == "IP Address" and address:
            found.append(address)
        elif kind == "DNS" and not address:
            found.append(value)
    return tuple(found)


def subject(der: bytes) -> str:
    """Return the subject as RFC 4514 writes it; "" for none, and for what is no certificate."""
    try:
        _, certificate = _first(der)
        _, signed = _first(certificate)
        fields = [each for each in _elements(signed) if each[0] != _VERSION]
        # Serial number, signature, issuer, validity, subject (RFC 5280 section 4.1).
        names = [_relative(content) for _, content in _elements(fields[4][1])]
    except (ValueError, IndexError, UnicodeDecodeError):
        return ""
    return ",".join(reversed(names))


def _relative(content: bytes) -> str:
    pairs = []
    for _, pair in _elements(content):
        (_, oid), (tag, value) = _elements(pair)
        dotted = _dotted(oid)
        text = value.decode(_ENCODINGS.get(tag, "utf-8"))
        pairs.append(f"{_NAMES.get(dotted, dotted)}={_escaped(text)}")
    return "+".join(pairs)


def _escaped(text: str) -> str:
    escaped = "".join(f"\\{each}" if each in _SPECIAL else each for each in text)
    if text[1:].endswith(" "):
        escaped = f"{escaped[:-1]}\\ "
    return f"\\{escaped}" if escaped[:1] in {"#", " "} else escaped


def _dotted(oid: bytes) -> str:
    numbers, value = [], 0
    for byte in oid:
        value = value << 7 | byte & ~_MORE
        if not byte & _MORE:
            numbers.append(value)
            value = 0
    first = min(numbers[0] // _ROOTS, 2)
    return ".".join(map(str, (first, numbers[0] - first * _ROOTS, *numbers[1:])))


def _first(data: bytes) -> tuple[int, bytes]:
    for each in _elements(data):
        return each
    raise ValueError("there is no DER element")


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield tag and content of each DER element (X.690). Raises ValueError."""
    at = 0
    while at < len(data):
        tag, length, at = data[at], data[at + 1], at + 2
        if length & _LONG:
            size = length & ~_LONG
            length, at = int.from_bytes(data[at : at + size], "big"), at + size
        if at + length > len(data):
            raise ValueError("a DER element is longer than what it stands in")
        yield tag, data[at : at + length]
        at += length
