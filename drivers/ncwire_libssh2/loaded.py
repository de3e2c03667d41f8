"""Which libssh2 is loaded: the one that came with ssh2-python, or the system's."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import ssh2
from ssh2.utils import version

from ncwire.driver import Library

_MAPPED = Path("/proc/self/maps")
_ITS_FOLDERS = ("ssh2_python.libs", "ssh2")
"""Where the wheel has what it brings, beside the package (auditwheel) or in it (delocate)."""


def libraries() -> tuple[Library, Library]:
    """Return ssh2-python and libssh2.

    libssh2_version is the same of a bundled library and of the system's, whatever this one has
    been mended of: only its place tells. Linux says where a library was mapped from; elsewhere
    it is bundled when the package has one with it, and not known otherwise.
    """
    package = Path(ssh2.__file__).parent
    number = version().decode()
    path = _place(package)
    bundled = _is_bundled(path, package) if path else (_has_its_own(package) or None)
    return (
        Library("ssh2-python", ssh2.__version__, ssh2.__file__),
        Library("libssh2", number, path, bundled),
    )


def _place(package: Path) -> str:
    """Return the file of libssh2 that ssh2-python uses; "" where the system does not tell."""
    with suppress(OSError):
        lines = _MAPPED.read_text(encoding="utf-8", errors="replace").splitlines()
        paths = {line.partition("/")[2] for line in lines if "/libssh2" in line}
        # Another package in the process may have brought one, too.
        return max(
            (f"/{path}" for path in sorted(paths)),
            default="",
            key=lambda path: _is_bundled(path, package),
        )
    return ""


def _is_bundled(path: str, package: Path) -> bool:
    folder = Path(path).parent
    return any(folder.is_relative_to(package.parent / each) for each in _ITS_FOLDERS)


def _has_its_own(package: Path) -> bool:
    return any(
        next((package.parent / each).rglob("libssh2*"), None) is not None for each in _ITS_FOLDERS
    )
