"""What a test needs of the machine: skipped where it is missing, failed under CI."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import NoReturn

import pytest


def missing(what: str) -> NoReturn:
    """Skip the test for this reason; with CI set, fail it, for there nothing may be missing."""
    if os.environ.get("CI"):
        pytest.fail(f"{what} (CI is set, so this is no reason to skip)", pytrace=False)
    pytest.skip(what)


def program(name: str, package: str) -> Path:
    """Return the path of a program that comes with a Debian package."""
    path = find(name)
    if path is None:
        missing(f"{name} is not installed: Debian package {package}")
    return path


def find(name: str) -> Path | None:
    """Return a program's path; the places of daemons are looked into, whatever PATH says."""
    path = shutil.which(name, path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin")))
    return None if path is None else Path(path)


def root(purpose: str) -> None:
    """Need to run as root."""
    if os.geteuid() != 0:
        missing(f"{purpose} needs root")


def interpreter(uid: int) -> Path:
    """Return a Python that this user may run: the tests' own, or the system's."""
    candidates = [Path(os.path.realpath(sys.executable)), Path("/usr/bin/python3")]  # type: ignore[attr-defined]
    for candidate in candidates:
        if candidate.exists() and (uid == os.geteuid() or _is_open_to_all(candidate)):
            return candidate
    missing("no Python that other users may run: Debian package python3-minimal")


def _is_open_to_all(path: Path) -> bool:
    return all(each.stat().st_mode & 0o001 for each in (path, *path.parents))
