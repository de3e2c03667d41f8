"""Who may log in to the embedded server, and what for."""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The one user's credentials, and the limits of a connection.

    `auth_methods` are offered in that order; what is not among them is never accepted.
    """

    username: str
    password: str | None = field(default=None, repr=False)
    authorized_keys: frozenset[bytes] = frozenset()
    """Blobs of public keys (RFC 4253 section 6.6)."""
    auth_methods: tuple[str, ...] = ()
    auth_banner: str | None = None
    max_auth_tries: int = 6
    subsystems: frozenset[str] = frozenset()
    commands: frozenset[str] = frozenset()

    def accepts_password(self, username: str, password: str | bytes) -> bool:
        """Tell whether a password lets that user in; bytes are one that is not UTF-8."""
        if self.password is None or isinstance(password, bytes):
            return False
        same = hmac.compare_digest(password.encode(), self.password.encode())
        return same and username == self.username

    def accepts_key(self, username: str, blob: bytes) -> bool:
        """Tell whether a key, whose possession is proven elsewhere, lets that user in."""
        return username == self.username and blob in self.authorized_keys


def default_auth_methods(password: str | None, authorized_keys: Sequence[str]) -> tuple[str, ...]:
    """Return the methods that can succeed at all, keys first."""
    methods = [("publickey", bool(authorized_keys)), ("password", password is not None)]
    return tuple(name for name, possible in methods if possible)


def key_blob(line: str) -> bytes:
    """Return the blob of a public key in OpenSSH's format, "type base64 [comment]".

    Raises ValueError.
    """
    try:
        _, encoded, *_ = line.split()
        return base64.b64decode(encoded, validate=True)
    except ValueError as error:
        raise ValueError("authorized_keys: a line is not of the form 'type base64'") from error
