"""OpenSSH's known_hosts: which keys are on file for a name (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT).

Parsed by ncwire itself, since host keys are verified in the core. Names are indexed when a file
is read; keys are decoded, and hashed names computed, only for what is looked up. A file is parsed
anew only when it has changed, and what was found in it is kept with it.
"""

from __future__ import annotations

import binascii
import hmac
import logging
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ncwire._algorithms.public_keys import is_certificate, is_plain_key
from ncwire._interrupts import raise_signalled
from ncwire._ssh.hostkeys.file_cache import ParseCache
from ncwire.driver.hostkey import HostKey
from ncwire.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_log = logging.getLogger("ncwire.ssh.known_hosts")

REVOKED = "@revoked"
CERT_AUTHORITY = "@cert-authority"
_MARKERS = (REVOKED.encode(), CERT_AUTHORITY.encode())
_SIGNATURES_OF_RSA = (b"rsa-sha2-256", b"rsa-sha2-512")
SALT_OCTETS = 20
_FILES_KEPT = 64
_NAMES_KEPT = 1024
SSH_PORT = 22


def host_entry_name(host: str, port: int) -> str:
    """Return the name under which OpenSSH files a host: "[host]:port" unless the port is 22."""
    host = canonical_host(host)
    return host if port == SSH_PORT else f"[{host}]:{port}"


def canonical_host(host: str) -> str:
    """Return a host as OpenSSH looks it up: a name in lower case, an address in its usual form."""
    try:
        found = socket.getaddrinfo(
            host, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
        )
        if len(found) == 1:
            return socket.getnameinfo(found[0][4], socket.NI_NUMERICHOST)[0]
    except (OSError, UnicodeError) as error:  # not an address
        raise_signalled(error)
    return host.lower()


@dataclass(frozen=True, slots=True)
class KnownHostEntry:
    """One line of a file: a key, whether it is marked, and where it stands."""

    filename: str
    line: int
    marker: str
    """"", `REVOKED` or `CERT_AUTHORITY`."""
    key: HostKey


class KnownHostsFile:
    """One file, indexed by name; for any thread.

    Malformed lines are skipped and logged as warnings with file and line, each once: what can be
    seen at once when the file is read, a broken key when its line is looked up.
    """

    def __init__(self, filename: str, data: bytes) -> None:
        self.filename = filename
        self._lines = data.split(b"\n")
        self._plain: dict[bytes, list[int]] = {}
        self._patterns: list[tuple[int, bytes]] = []
        self._hashed: list[tuple[int, bytes, bytes]] = []
        self._entries: dict[int, KnownHostEntry | None] = {}
        self._found: dict[str, tuple[KnownHostEntry, ...]] = {}
        self._index()

    def lookup(self, name: str) -> Sequence[KnownHostEntry]:
        """Return the entries whose names match, in the order of their lines.

        `name` is one that `host_entry_name` made, or an alias; letter case does not matter.
        """
        name = name.lower()
        found = self._found.get(name)
        if found is None:
            found = self._look_up(name.encode("utf-8", "surrogateescape"))
            if len(self._found) >= _NAMES_KEPT:
                self._found = {}
            self._found[name] = found
        return found

    def _look_up(self, name: bytes) -> tuple[KnownHostEntry, ...]:
        compute = hmac.digest
        indexes = {
            *self._plain.get(name, ()),
            *[index for index, names in self._patterns if _in_list(name, names)],
            *[
                index
                for index, salt, digest in self._hashed
                if compute(salt, name, "sha1") == digest
            ],
        }
        entries = (self._entry(index) for index in sorted(indexes))
        return tuple(entry for entry in entries if entry is not None)

    def _index(self) -> None:
        for index, line in enumerate(self._lines):
            fields = line.split(None, 3)
            if not fields or fields[0].startswith(b"#"):
                continue
            if fields[0].startswith(b"@"):
                marker, *fields = _split_marked(line)
                if marker not in _MARKERS:
                    self._warn(index, "unknown marker")
                    continue
            # Every key type's name is longer than 60 bits' worth of base64 zeros, so that a blob,
            # which begins with that length, begins with AAAA.
            if len(fields) < 3 or not fields[2].startswith(b"AAAA"):  # noqa: PLR2004 - names, type, key
                self._warn(index, "not of the form: names, key type, base64 key")
                continue
            self._index_names(index, fields[0])

    def _index_names(self, index: int, names: bytes) -> None:
        if names.startswith(b"|"):
            hashed = _split_hashed(names)
            if hashed is None:
                self._warn(index, "the name is not of the form |1|salt|hash")
            else:
                self._hashed.append((index, *hashed))
            return
        names = names.lower()
        if b"*" in names or b"?" in names or b"!" in names:
            self._patterns.append((index, names))
            return
        for name in names.split(b","):
            self._plain.setdefault(name, []).append(index)

    def _entry(self, index: int) -> KnownHostEntry | None:
        if index not in self._entries:
            self._entries[index] = self._decoded(index)
        return self._entries[index]

    def _decoded(self, index: int) -> KnownHostEntry | None:
        line = self._lines[index]
        marker, _, stated, encoded, *_ = (
            _split_marked(line) if line.lstrip().startswith(b"@") else (b"", *line.split(None, 3))
        )
        try:
            key = HostKey.from_blob(binascii.a2b_base64(encoded, strict_mode=True))
        except ValueError:
            self._warn(index, "the key is not valid base64 of an SSH public key")
            return None
        if not _is_stated(key.type, stated):
            self._warn(index, "the key is not of the type that the line states")
            return None
        if not (is_plain_key(key.type, key.blob) or is_certificate(key.type)):
            self._warn(index, f"no whole key of a known type ({key.type})")
            return None
        return KnownHostEntry(self.filename, index + 1, marker.decode(), key)

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
    """Read several files, as far as they have changed since they were read last.

    Raises `OptionError` for the first that cannot be read.
    """
    return KnownHosts([_read_file(filename) for filename in filenames])


def expanded(filename: str) -> Path:
    """Return the path of a known_hosts file, `~` expanded. Raises `OptionError`."""
    try:
        return Path(filename).expanduser()
    except (RuntimeError, ValueError) as error:  # the latter for a NUL
        raise OptionError("known_hosts", f"{filename}: {error}") from error


def read_known_hosts_file(path: Path) -> KnownHostsFile:
    """Read one file, if it has changed since it was read last. Raises OSError."""
    return _files.get(path)


_files = ParseCache(KnownHostsFile, _FILES_KEPT)


def _read_file(filename: str) -> KnownHostsFile:
    try:
        return read_known_hosts_file(expanded(filename))
    except (OSError, ValueError) as error:
        raise_signalled(error)
        reason = getattr(error, "strerror", None) or error
        raise OptionError("known_hosts", f"{filename}: {reason}") from error


def _split_marked(line: bytes) -> list[bytes]:
    # As OpenSSH's check_markers: the marker goes up to the first space of the line, and up to a
    # tab only in a line without spaces.
    text = line.lstrip(b" \t")
    marker, found, rest = text.partition(b" ")
    if not found:
        marker, _, rest = text.partition(b"\t")
    return [marker, *rest.split(None, 3)]


def _split_hashed(names: bytes) -> tuple[bytes, bytes] | None:
    # "|1|salt|hash", HMAC-SHA1 keyed with the salt (OpenSSH hostfile.c, host_hash): 20 octets
    # each, and so 28 of base64.
    if len(names) != 60 or names[:3] != b"|1|" or names[31:32] != b"|":  # noqa: PLR2004 - as said
        return None
    try:
        salt = binascii.a2b_base64(names[3:31], strict_mode=True)
        digest = binascii.a2b_base64(names[32:], strict_mode=True)
    except ValueError:
        return None
    return (salt, digest) if len(salt) == SALT_OCTETS else None


def _is_stated(key_type: str, stated: bytes) -> bool:
    # OpenSSH takes the names of RSA's signatures for the key's type.
    return stated == key_type.encode() or (key_type == "ssh-rsa" and stated in _SIGNATURES_OF_RSA)


def _in_list(name: bytes, patterns: bytes) -> bool:
    # As OpenSSH's match_pattern_list: one negated match refuses, whatever else matches.
    positive = False
    for pattern in patterns.split(b","):
        if pattern[:1] != b"!":
            positive = positive or _matches(name, pattern)
        elif _matches(name, pattern[1:]):
            return False
    return positive


def _matches(name: bytes, pattern: bytes) -> bool:
    """Tell whether a name matches a pattern, in which only `*` and `?` are special."""
    pieces = pattern.split(b"*")
    first, last = pieces[0], pieces[-1]
    # So most end, in a file of many patterns.
    if not name.startswith(first) and b"?" not in first:
        return False
    if not name.endswith(last) and b"?" not in last:
        return False
    if len(pieces) == 1:
        return len(name) == len(first) and _begins(name, first)
    end = len(name) - len(last)
    position = len(first)
    if end < position or not _begins(name, first) or not _begins(name[end:], last):
        return False
    # The leftmost place for each piece leaves most to those that follow.
    for piece in pieces[1:-1]:
        position = _find(name, piece, position, end)
        if position < 0:
            return False
        position += len(piece)
    return True


def _begins(name: bytes, piece: bytes) -> bool:
    if b"?" not in piece:
        return name.startswith(piece)
    return len(name) >= len(piece) and all(
        wanted in (octet, _ANY) for octet, wanted in zip(name, piece, strict=False)
    )


def _find(name: bytes, piece: bytes, start: int, end: int) -> int:
    if b"?" not in piece:
        return name.find(piece, start, end)
    places = range(start, end - len(piece) + 1)
    return next((place for place in places if _begins(name[place:end], piece)), -1)


_ANY = b"?"[0]
