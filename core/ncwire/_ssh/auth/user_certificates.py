"""User certificates: which of them can be presented for a key (OpenSSH's PROTOCOL.certkeys)."""

from __future__ import annotations

import base64
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    SSHCertificate,
    SSHCertificateType,
    load_ssh_public_identity,
)

from ncwire._interrupts import raise_signalled
from ncwire.driver.hostkey import HostKey
from ncwire.errors.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_TYPE_ENDS: Final = "-cert-v01@openssh.com"
_LARGEST_FILE: Final = 1 << 20


class CertificateError(Exception):
    """A certificate is of no use; the text says why."""


@dataclass(frozen=True, slots=True)
class UserCertificate:
    """A certificate for a user's key. Who signed it is the server's concern."""

    source: str
    """The file that it is from, or the agent."""
    type: str
    blob: bytes
    """As it goes over the wire."""
    key: HostKey
    """The key that it is for."""
    name: str
    """What its authority calls it (`ssh-keygen -I`)."""
    principals: tuple[str, ...]
    valid_after: int
    valid_before: int

    def __str__(self) -> str:
        whom = ", ".join(self.principals) or "anyone"
        return f"certificate {self.source} ({self.name!r} for {whom})"

    def check_time(self) -> None:
        """Raise `CertificateError` unless it is valid now, by this machine's clock."""
        now = time.time()
        if now < self.valid_after:
            raise CertificateError(f"not valid before {_date(self.valid_after)}")
        if now >= self.valid_before:
            raise CertificateError(f"expired on {_date(self.valid_before)}")


def is_certificate(key_type: str) -> bool:
    """Tell whether a key of this type is a certificate."""
    return key_type.endswith(_TYPE_ENDS)


def from_blob(blob: bytes, source: str) -> UserCertificate:
    """Read a certificate as it goes over the wire.

    Raises `CertificateError` for what is none, is of no supported type, or is a host's.
    """
    try:
        kind = HostKey.from_blob(blob).type
    except ValueError as error:
        raise CertificateError("it is no certificate") from error
    if not is_certificate(kind):
        raise CertificateError("it is no certificate")
    try:
        certificate = load_ssh_public_identity(kind.encode() + b" " + base64.b64encode(blob))
    # The latter is cryptography's word for a compressed point (as of version 50).
    except (UnsupportedAlgorithm, NotImplementedError) as error:
        raise CertificateError(f"not supported: type {kind}") from error
    except ValueError as error:
        raise CertificateError("it is damaged") from error
    if not isinstance(certificate, SSHCertificate):
        raise CertificateError("it is no certificate")
    if certificate.type is not SSHCertificateType.USER:
        raise CertificateError("it is a host's certificate, not a user's")
    public = certificate.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return UserCertificate(
        source=source,
        type=kind,
        blob=blob,
        key=HostKey.from_blob(base64.b64decode(public.split()[1])),
        name=_text(certificate.key_id),
        principals=tuple(map(_text, certificate.valid_principals)),
        valid_after=certificate.valid_after,
        valid_before=certificate.valid_before,
    )


def load(path: str) -> UserCertificate:
    """Read a certificate's file, as ssh-keygen writes it; `~` is expanded.

    Raises `CertificateError`, whose cause is `FileNotFoundError` where there is no such file.
    """
    try:
        with Path(path).expanduser().open("rb") as file:
            fields = file.read(_LARGEST_FILE).split()
    except FileNotFoundError as error:
        raise CertificateError("no such file") from error
    except (OSError, RuntimeError, ValueError) as error:
        raise_signalled(error)
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise CertificateError(f"cannot be read: {reason}") from error
    with suppress(IndexError, ValueError):
        return from_blob(base64.b64decode(fields[1], validate=True), path)
    raise CertificateError("it is no certificate")


class Certificates:
    """The certificates from files: those that are named, and those beside their keys."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._named = {path: _loaded(path) for path in paths}
        self._used: set[str] = set()

    def of(
        self, key: HostKey, path: str | None, report: Callable[[str], None]
    ) -> list[UserCertificate]:
        """Return those that can be presented for a key; reports others of it, and why not.

        `path` is the key's file, beside which one may stand (`<path>-cert.pub`).
        """
        loaded = {
            path: each
            for path, each in self._named.items()
            if isinstance(each, UserCertificate) and each.key.blob == key.blob
        }
        self._used |= loaded.keys()
        found: dict[str, UserCertificate | CertificateError] = dict(loaded)
        if path is not None:
            beside = path.removesuffix(".pub") + "-cert.pub"
            if not _is_missing(each := _loaded(beside)):
                found[beside] = each
        usable = []
        for source, each in found.items():
            try:
                usable.append(_usable(each, key))
            except CertificateError as error:
                report(f"certificate {source}: not tried, {error}")
        return usable

    def unused(self) -> list[str]:
        """Return why named ones were not used, a line for each: unusable, or without a key."""
        return [
            f"certificate {source}: not tried, "
            + (str(each) if isinstance(each, CertificateError) else "its private key is not there")
            for source, each in self._named.items()
            if source not in self._used
        ]


def _loaded(path: str) -> UserCertificate | CertificateError:
    try:
        return load(path)
    except CertificateError as error:
        return error


def _is_missing(loaded: UserCertificate | CertificateError) -> bool:
    return isinstance(loaded, CertificateError) and isinstance(loaded.__cause__, FileNotFoundError)


def _usable(loaded: UserCertificate | CertificateError, key: HostKey) -> UserCertificate:
    if isinstance(loaded, CertificateError):
        raise loaded
    if loaded.key.blob != key.blob:
        raise CertificateError("it is for another key")
    loaded.check_time()
    return loaded


def _date(seconds: int) -> str:
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))
    except (ValueError, OverflowError, OSError) as error:
        raise_signalled(error)
        return "a date beyond all clocks"


def _text(data: bytes) -> str:
    return one_line(data.decode("utf-8", "replace"))
