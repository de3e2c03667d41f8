"""Adding the keys of new hosts to a known_hosts file, as StrictHostKeyChecking accept-new does.

The file is appended to, as OpenSSH does, and never rewritten: others may be adding to it. A lock
on the file keeps processes and threads that use ncwire from deciding on the same host at once.
"""

from __future__ import annotations

import base64
import hmac
import logging
import os
import re
import secrets
import stat
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ncwire._interrupts import raise_signalled
from ncwire._ssh.hostkeys.known_hosts import SALT_OCTETS, expanded, read_known_hosts_file
from ncwire.errors import KnownHostsFileError, OptionError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment] # to mypy the name is a module

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from ncwire._ssh.hostkeys.known_hosts import KnownHostEntry
    from ncwire.driver.hostkey import HostKey

_log = logging.getLogger(__name__)

_PAUSE = 0.01
# What OpenSSH writes to no file (sshconnect.c, check_host_key), and what separates names and
# fields.
_UNWRITABLE = re.compile(r"""[@?*#\[\]|'"\\!,\s\x00-\x1f\x7f]""")


@dataclass(frozen=True, slots=True)
class NewHosts:
    """The file to which the keys of new hosts are added; for any thread.

    `hashed`: whether names are hidden by a hash. `patience`: for how many seconds the lock may be
    held by others, who need it for as long as it takes to write a line.

    Raises `OptionError` where files cannot be locked.
    """

    filename: str
    hashed: bool = False
    patience: float = 5.0

    def __post_init__(self) -> None:
        if fcntl is None:
            raise OptionError("accept_new", "needs file locks, which this system does not have")

    def add(self, name: str, key: HostKey) -> Sequence[KnownHostEntry]:
        """Add a line with the key, unless there are keys on file for the name: return these then.

        A file that is missing is made for its owner alone, and so is its folder. Raises
        `KnownHostsFileError` when that cannot be done; the file is then as it was.
        """
        path = expanded(self.filename).absolute()
        try:
            _check_name(name)
            with _locked(path, self.patience) as fd:
                entries = read_known_hosts_file(path).lookup(name)
                on_file = [entry for entry in entries if not entry.marker]
                if not on_file:
                    _append(fd, self._line(name.lower(), key))
        except (OSError, ValueError) as error:
            raise_signalled(error)
            reason = getattr(error, "strerror", None) or error
            raise KnownHostsFileError(
                str(path), f"the key of {name} cannot be added: {reason}"
            ) from error
        if not on_file:
            _log.info("added the %s key of %s, %s, to %s", key.type, name, key.sha256, path)
        return on_file

    def _line(self, name: str, key: HostKey) -> bytes:
        return f"{_hash(name) if self.hashed else name} {key.type} {key.base64}\n".encode()


def _check_name(name: str) -> None:
    bare = re.sub(r"^\[(.*)\]:\d+$", r"\1", name)
    if not bare or _UNWRITABLE.search(bare):
        raise ValueError("it has no name that a known_hosts file can have")


@contextmanager
def _locked(path: Path, patience: float) -> Generator[int]:
    """Open the file for appending, and keep other lockers out meanwhile. Raises OSError."""
    if not path.parent.exists():
        path.parent.mkdir(mode=0o700)
    until = time.monotonic() + patience
    while True:
        fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _wait_for_lock(fd, until)
            # Who replaces a file by another (`ssh-keygen -R` does) leaves us with a lost one.
            if _is_at(fd, path):
                yield fd
                return
        finally:
            os.close(fd)


def _wait_for_lock(fd: int, until: float) -> None:
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            # No call waits for a lock and for a deadline as well.
            if time.monotonic() >= until:
                raise TimeoutError("another process keeps the file locked") from None
            time.sleep(_PAUSE)
        else:
            return


def _is_at(fd: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), path.stat())
    except FileNotFoundError:
        return False


def _append(fd: int, line: bytes) -> None:
    status = os.fstat(fd)
    if stat.S_ISREG(status.st_mode) and status.st_size:
        unfinished = os.pread(fd, 1, status.st_size - 1) != b"\n"
        line = b"\n" + line if unfinished else line
    # In one piece, so that OpenSSH, which takes no lock, never appends in the middle of it.
    if os.write(fd, line) != len(line):
        os.ftruncate(fd, status.st_size)
        raise OSError("there is no room for it")


def _hash(name: str) -> str:
    # OpenSSH hostfile.c, host_hash.
    salt = secrets.token_bytes(SALT_OCTETS)
    digest = hmac.digest(salt, name.encode("utf-8", "surrogateescape"), "sha1")
    return "|".join(("", "1", base64.b64encode(salt).decode(), base64.b64encode(digest).decode()))
