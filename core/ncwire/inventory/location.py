"""Where the inventory is, and that no other user can have written it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from ncwire._interrupts import raise_signalled
from ncwire.errors import InventoryError

ENVIRONMENT = "NCWIRE_CONFIG"
"""The environment variable that names the inventory's file."""
FILENAME = "ncwire.toml"
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def find() -> Path | None:
    """Return the file that NCWIRE_CONFIG names, else one in the working folder, else the user's.

    The user's is `ncwire/ncwire.toml` in XDG_CONFIG_HOME, or in `~/.config`. None: there is none.
    Raises `InventoryError` where NCWIRE_CONFIG names a file that is not there.
    """
    named = os.environ.get(ENVIRONMENT)
    if named:
        path = Path(named)
        if not path.is_file():
            raise InventoryError(named, [f"there is no such file, which {ENVIRONMENT} names"])
        return path
    return next((path for path in _usual() if path.is_file()), None)


def where() -> str:
    """Return a phrase that names the places where an inventory is looked for."""
    return f"${ENVIRONMENT}, or else " + ", or else ".join(map(str, _usual()))


def read(path: Path) -> str:
    """Return the file's text. Raises `InventoryError`.

    An inventory can name commands that are run, so as ssh does with its configuration, one is
    refused that another user owns (but for root) or may write.
    """
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            data = file.read()
    except OSError as error:
        raise_signalled(error)
        raise InventoryError(str(path), [f"cannot be read: {error.strerror}"]) from error
    if status.st_uid not in {0, os.geteuid()}:
        raise InventoryError(str(path), ["belongs to another user, and is not trusted"])
    if status.st_mode & _WRITABLE_BY_OTHERS:
        problem = f"other users may write it: if it is as you left it, run chmod go-w {path}"
        raise InventoryError(str(path), [problem])
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InventoryError(str(path), [f"line {line}: is not UTF-8"]) from None


def _usual() -> list[Path]:
    # What is not absolute counts for nothing (XDG Base Directory Specification).
    given = Path(os.environ.get("XDG_CONFIG_HOME", ""))
    paths = [Path(FILENAME)]
    try:
        user = given if given.is_absolute() else Path("~/.config").expanduser()
    except RuntimeError:  # the user has no home directory
        return paths
    return [*paths, user / "ncwire" / FILENAME]
