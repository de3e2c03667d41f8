"""A session's `_host_keys`, which are paramiko's: files that it can read, and keys put there."""

from __future__ import annotations

import binascii
import re
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import os
    from collections.abc import Collection, Generator

_PLACES: Final = ("~/.ssh/known_hosts", "~/ssh/known_hosts")
"""Where ncclient 0.7.1 looks for the user's own: transport/ssh.py, `load_known_hosts`."""
_FIELDS: Final = 3
"""Names, key type, key; a comment may follow."""
_MORE_THAN_A_NAME: Final = re.compile(r"[\s*?!,#@]")


@contextmanager
def readable(filename: str | os.PathLike[str] | None) -> Generator[str | os.PathLike[str] | None]:
    """Yield the name of a file that paramiko can read: this one, or a copy of what it can read.

    None is the user's own file. paramiko 5.1 (hostkeys.py) raises `InvalidHostKey` at a line with
    a mark, with two spaces in a row, or with a key that is no base64, and reads none after it. A
    copy is gone afterwards. Raises OSError for a file that cannot be read.
    """
    data = _own() if filename is None else Path(filename).read_bytes()
    lines = [line for line in data.split(b"\n") if line.strip() and not line.startswith(b"#")]
    plain = list(map(_plain, lines))
    if data.isascii() and all(map(bytes.startswith, lines, plain)) and all(plain):
        yield filename
        return
    with tempfile.NamedTemporaryFile(prefix="known_hosts-") as copy:
        copy.writelines(each + b"\n" for each in plain)
        copy.flush()
        yield copy.name


def lines_of(keys: Any) -> frozenset[str]:
    """Return what a `paramiko.HostKeys` has, as lines of a known_hosts file.

    A name of it is a name, and nothing else: one that would be a pattern in a file, a mark or more
    than one name, which no host has, is left out.
    """
    return frozenset(
        f"{name} {key_type} {key.get_base64()}\n"
        for name in keys
        if not _MORE_THAN_A_NAME.search(name)
        for key_type, key in (keys.lookup(name) or {}).items()
    )


@contextmanager
def file_of(lines: Collection[str]) -> Generator[Path]:
    """Yield the path of a file with these lines; it is gone afterwards."""
    with tempfile.NamedTemporaryFile("w", prefix="known_hosts-") as file:
        file.writelines(lines)
        file.flush()
        yield Path(file.name)


def _own() -> bytes:
    for place in _PLACES:
        try:
            return Path(place).expanduser().read_bytes()
        except (OSError, RuntimeError):  # the latter where there is no home
            continue
    return b""


def _plain(line: bytes) -> bytes:
    """Return it as paramiko reads it, without the comment; b"" for what it does not read."""
    fields = line.split(None, _FIELDS)[:_FIELDS]
    if len(fields) < _FIELDS or fields[0].startswith((b"#", b"@")):
        return b""
    try:
        binascii.a2b_base64(fields[-1])
    except binascii.Error:
        return b""
    return b" ".join(fields)
