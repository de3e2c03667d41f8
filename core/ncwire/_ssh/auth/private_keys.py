"""Private keys: loaded and decrypted once, in the core, whatever the driver's library can read."""

from __future__ import annotations

import base64
import binascii
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_ssh_private_key,
)

from ncwire._interrupts import raise_signalled
from ncwire.driver.auth import PublicKeyAttempt
from ncwire.driver.hostkey import HostKey
from ncwire.errors import KeyFileError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ncwire.driver.options import ConnectOptions

USUAL_PLACES: Final = ("~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa")
"""Where OpenSSH's client looks for keys, strongest first; those types that ncwire supports."""

_NEEDS_PASSPHRASE: Final = "it is encrypted and no passphrase is given; pass it as passphrase"  # noqa: S105 - a message
_WRONG_PASSPHRASE: Final = "the passphrase does not decrypt it"  # noqa: S105 - a message
_WRONG_PASSWORD: Final = "the password does not decrypt it; pass its passphrase as passphrase"  # noqa: S105 - a message

KEY_TYPES: Final = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
)

_OPENSSH_BEGIN = b"-----BEGIN OPENSSH PRIVATE KEY-----"
_OPENSSH_END = b"-----END OPENSSH PRIVATE KEY-----"
_OPENSSH_MAGIC = b"openssh-key-v1\0"
# A key is a few kilobytes; reading a device or a log given by mistake shall end.
_LARGEST_FILE = 1 << 20


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A usable key; `path` is where it is from, as it was given."""

    path: str
    public: HostKey
    openssh: bytes = field(repr=False)
    """OpenSSH's format, unencrypted."""

    def attempt(self, username: str, certificate: bytes | None = None) -> PublicKeyAttempt:
        """Return the attempt to authenticate with this key, or with a certificate for it."""
        public = self.public
        return PublicKeyAttempt(
            username, public.type, public.blob, self.openssh, self.path, certificate
        )


def other_files(options: ConnectOptions) -> tuple[str, ...]:
    """Return the key files that are used if they are there: ssh_config's, or the usual ones."""
    if options.identity_files or not options.look_for_keys:
        return options.identity_files
    return USUAL_PLACES


@dataclass(frozen=True, slots=True)
class Opener:
    """What opens encrypted keys: the passphrase, or where there is none the password."""

    passphrase: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)

    def load(self, path: str) -> PrivateKey:
        """Load a private key. Raises `KeyFileError`."""
        if self.passphrase is not None or self.password is None:
            return load(path, self.passphrase)
        return load(path, self.password, wrong=_WRONG_PASSWORD)


def load(
    path: str, passphrase: str | None = None, *, wrong: str = _WRONG_PASSPHRASE
) -> PrivateKey:
    """Load a private key: OpenSSH, PEM (PKCS#1, SEC 1) or PKCS#8, encrypted or not.

    `~` is expanded. The passphrase is used only if the key needs one; `wrong` is what is said of
    one that does not open it. Raises `KeyFileError`, which tells apart: no such file, unreadable,
    no private key, passphrase missing or wrong, and a type or encryption that is not supported.
    """
    data = _read(path)
    _refuse_what_is_no_private_key(path, data)
    try:
        key = _decode(path, data, passphrase, wrong)
        if not isinstance(key, Ed25519PrivateKey | EllipticCurvePrivateKey | RSAPrivateKey):
            raise _unsupported(path, f"type {type(key).__name__.removesuffix('PrivateKey')}")
        openssh = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
        public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    # The latter is cryptography's word for a compressed point (as of version 50).
    except (UnsupportedAlgorithm, NotImplementedError) as error:
        raise _unsupported(path, str(error)) from error
    except ValueError as error:
        raise KeyFileError(path, f"it is damaged, or of no supported type: {error}") from error
    return PrivateKey(path, HostKey.from_blob(base64.b64decode(public.split()[1])), openssh)


def public_half(path: str) -> HostKey | None:
    """Return a key's public half, for which no passphrase is needed; None if it is not told.

    It is in the file beside it (`path` with ".pub"), or else in the file itself: a private key
    in OpenSSH's format, or a public key, as IdentityFile may name one that the agent holds.
    """
    with suppress(OSError, RuntimeError, ValueError, IndexError):
        return _public_line(Path(f"{path}.pub").expanduser().read_bytes())
    with suppress(KeyFileError):
        data = _read(path)
        if _OPENSSH_BEGIN in data:
            return _openssh_public(data)
        with suppress(ValueError, IndexError):
            return _public_line(data)
    return None


def _public_line(data: bytes) -> HostKey:
    return HostKey.from_blob(base64.b64decode(data.split()[1], validate=True))


def _read(path: str) -> bytes:
    try:
        with Path(path).expanduser().open("rb") as file:
            return file.read(_LARGEST_FILE)
    except FileNotFoundError as error:
        raise KeyFileError(path, "no such file") from error
    except (OSError, RuntimeError, ValueError) as error:
        raise_signalled(error)
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise KeyFileError(path, f"cannot be read: {reason}") from error


def _refuse_what_is_no_private_key(path: str, data: bytes) -> None:
    start = data.lstrip()[:4096]
    first = start.split(None, 1)[0] if start else b""
    if first.endswith(b"-cert-v01@openssh.com"):
        raise KeyFileError(path, "it is a certificate; give the private key's file")
    if first in map(str.encode, KEY_TYPES) or b"PUBLIC KEY-----" in start or first == b"ssh-dss":
        raise KeyFileError(path, "it is a public key; give the private key's file, without .pub")
    if start.startswith(b"PuTTY-User-Key-File"):
        raise _unsupported(path, "PuTTY's format; puttygen -O private-openssh converts it")
    if b"-----BEGIN DSA PRIVATE KEY-----" in data:
        raise _unsupported(path, "type ssh-dss")
    if b"PRIVATE KEY-----" not in data:
        raise KeyFileError(path, "it is no private key")


def _decode(path: str, data: bytes, passphrase: str | None, wrong: str) -> object:
    if _OPENSSH_BEGIN in data:
        public = _openssh_public(data)
        if public is not None and public.type.startswith("sk-"):
            raise _unsupported(path, f"type {public.type}; ssh-add loads it into an agent")
        if public is not None and public.type not in KEY_TYPES:
            raise _unsupported(path, f"type {public.type}")
        decode: Callable[[bytes, bytes | None], object] = load_ssh_private_key
    else:
        decode = load_pem_private_key
    try:
        # First without: to both loaders a passphrase for a key that needs none is an error.
        return decode(data, None)
    except TypeError as error:
        if passphrase is None:
            raise KeyFileError(path, _NEEDS_PASSPHRASE) from error
    try:
        return decode(data, passphrase.encode())
    except ValueError as error:
        raise KeyFileError(path, wrong) from error


def _openssh_public(data: bytes) -> HostKey | None:
    """Return the public half, which also an encrypted file tells (OpenSSH's PROTOCOL.key)."""
    body = data.partition(_OPENSSH_BEGIN)[2].partition(_OPENSSH_END)[0]
    try:
        rest = binascii.a2b_base64(b"".join(body.split())).removeprefix(_OPENSSH_MAGIC)
        for _ in ("cipher name", "KDF name", "KDF options"):
            rest = rest[4 + int.from_bytes(rest[:4], "big") :]
        number_of_keys = 4
        rest = rest[number_of_keys:]
        return HostKey.from_blob(rest[4 : 4 + int.from_bytes(rest[:4], "big")])
    except ValueError:
        return None


def _unsupported(path: str, what: str) -> KeyFileError:
    return KeyFileError(path, f"not supported: {what}")
