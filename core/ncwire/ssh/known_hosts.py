"""OpenSSH's known_hosts: which keys are on file for a name (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT).

Parsed by ncwire itself, since host keys are verified in the core. Names are indexed when a file
is read; keys are decoded, and hashed names computed, only for what is looked up.
"""

from __future__ import annotations

import binascii
import fnmatch
import hmac
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ncwire.driver.hostkey import HostKey
from ncwire.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Iterable

_log = logging.getLogger(__name__)

REVOKED = "@revoked"
CERT_AUTHORITY = "@cert-authority"
_MARKERS = (REVOKED.encode(), CERT_AUTHORITY.encode())
SSH_PORT = 22


def host_entry_name(host: str, port: int) -> str:
    """Return the name under which OpenSSH files a host: "[host]:port" unless the port is 22."""
    host = host.lower()
    return host if port == SSH_PORT else f"[{host}]:{port}"


@dataclass(frozen=True, slots=True)
class KnownHostEntry:
    """One line of a file: a key, whether it is marked, and where it stands."""

    filename: str
    line: int
    marker: str
    """"", `REVOKED` or `CERT_AUTHORITY`."""
    key: HostKey


class KnownHostsFile:
    """One file, indexed by name.

    Malformed lines are skipped and logged as warnings with file and line: what can be seen at
    once when the file is read, a broken key when its line is looked up.
    """

    def __init__(self, filename: str, data: bytes) -> None:
        self.filename = filename
        self._lines = data.split(b"\n")
        self._plain: dict[bytes, list[int]] = {}
        self._patterns: list[tuple[int, bytes]] = []
        self._hashed: list[tuple[int, bytes]] = []
        self._index()

    @classmethod
    def read(cls, filename: str) -> KnownHostsFile:
        """Read a file, `~` expanded. Raises OSError."""
        return cls(filename, Path(filename).expanduser().read_bytes())

    def lookup(self, name: str) -> list[KnownHostEntry]:
        """Return the entries whose names match, in the order of their lines.

        `name` is one that `host_entry_name` made, or an alias; letter case does not matter.
        """
        wanted = name.lower().encode("utf-8", "surrogateescape")
        indexes = set(self._plain.get(wanted, ()))
        indexes.update(index for index, names in self._patterns if _matches(wanted, names))
        indexes.update(index for index, names in self._hashed if _is_hash_of(wanted, names))
        entries = (self._entry(index) for index in sorted(indexes))
        return [entry for entry in entries if entry is not None]

    def _index(self) -> None:
        plain = self._plain
        for index, line in enumerate(self._lines):
            fields = line.split(None, 3)
            if not fields or fields[0].startswith(b"#"):
                continue
            if fields[0].startswith(b"@"):
                marker, *fields = line.split(None, 4)
                if marker not in _MARKERS:
                    self._warn(index, "unknown marker")
                    continue
            # Every key type's name is longer than 60 bits' worth of base64 zeros, so that a blob,
            # which begins with that length, begins with AAAA.
            if len(fields) < 3 or not fields[2].startswith(b"AAAA"):  # noqa: PLR2004 - names, type, key
                self._warn(index, "not of the form: names, key type, base64 key")
                continue
            names = fields[0]
            if names.startswith(b"|"):
                self._hashed.append((index, names))
            elif b"*" in names or b"?" in names or b"!" in names:
                self._patterns.append((index, names.lower()))
            else:
                for name in names.lower().split(b","):
                    plain.setdefault(name, []).append(index)

    def _entry(self, index: int) -> KnownHostEntry | None:
        fields = self._lines[index].split(None, 4)
        marker = fields.pop(0).decode() if fields[0] in _MARKERS else ""
        try:
            key = HostKey.from_blob(binascii.a2b_base64(fields[2], strict_mode=True))
        except ValueError:
            self._warn(index, "the key is not valid base64 of an SSH public key")
            return None
        if key.type.encode() != fields[1]:
            self._warn(index, "the key is not of the type that the line states")
            return None
        return KnownHostEntry(self.filename, index + 1, marker, key)

    def _warn(self, index: int, problem: str) -> None:
        _log.warning("%s:%d: line skipped: %s", self.filename, index + 1, problem)


class KnownHosts:
    """Several files, as one."""

    def __init__(self, files: Iterable[KnownHostsFile] = ()) -> None:
        self._files = tuple(files)

    def lookup(self, name: str) -> list[KnownHostEntry]:
        """Return the matching entries of all files, in the order of files and lines."""
        return [entry for file in self._files for entry in file.lookup(name)]


def read_known_hosts(filenames: Iterable[str]) -> KnownHosts:
    """Read several files. Raises `OptionError` for the first that cannot be read."""
    return KnownHosts([_read_file(filename) for filename in filenames])


def _read_file(filename: str) -> KnownHostsFile:
    try:
        return KnownHostsFile.read(filename)
    except OSError as error:
        raise OptionError("known_hosts", f"{filename}: {error.strerror or error}") from error


def _matches(name: bytes, patterns: bytes) -> bool:
    # As OpenSSH's match_pattern_list: one negated match refuses, whatever else matches.
    positive = False
    for pattern in patterns.split(b","):
        negated = pattern.startswith(b"!")
        # Only * and ? are special to OpenSSH; "[" must not open a class, names hold it.
        literal = pattern.removeprefix(b"!").replace(b"[", b"[[]")
        if fnmatch.fnmatchcase(name, literal):
            if negated:
                return False
            positive = True
    return positive


def _is_hash_of(name: bytes, hashed: bytes) -> bool:
    # "|1|salt|hash", HMAC-SHA1 keyed with the salt (OpenSSH hostfile.c, host_hash).
    try:
        _, version, salt, digest = hashed.split(b"|")
        key = binascii.a2b_base64(salt)
    except ValueError:
        return False
    return (
        version == b"1"
        and binascii.b2a_base64(hmac.digest(key, name, "sha1"), newline=False) == digest
    )
