"""The program `ssh`: where it is, its version, and what it offers by default."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

from ncwire.driver import Algorithms
from ncwire_openssh.handlers import raise_others

if TYPE_CHECKING:
    from pathlib import Path

NEEDED = (8, 5)
"""The first with KnownHostsCommand, by which the host's key is judged."""
_PATIENCE = 10.0


def find() -> str | None:
    """Return the path of `ssh`, None where there is none on PATH."""
    return shutil.which("ssh")


def version(path: str) -> str:
    """Return what `ssh -V` says: "OpenSSH 9.2p1 Debian-2+deb12u10". Raises OSError."""
    return _version(path, os.stat(path).st_mtime_ns)  # noqa: PTH116 - of a string


def number(told: str) -> tuple[int, int] | None:
    """Return the version's number, (9, 2); None for what is not OpenSSH."""
    found = re.match(r"OpenSSH[ _](?:for_Windows_)?(\d+)\.(\d+)", told)
    return (int(found[1]), int(found[2])) if found else None


def offered(path: str, config: Path) -> Algorithms:
    """Return what this ssh offers with this configuration; nothing where it does not tell."""
    try:
        done = _run(path, "-G", "-F", str(config), "--", "host")
    except OSError as error:
        raise_others(error)
        return Algorithms()
    except subprocess.SubprocessError:
        return Algorithms()
    told = dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)
    kinds = {
        "kex": "kexalgorithms",
        "host_keys": "hostkeyalgorithms",
        "ciphers": "ciphers",
        "macs": "macs",
    }
    names = {kind: tuple(told.get(word, "").split(",")) for kind, word in kinds.items()}
    return Algorithms(**{kind: tuple(filter(None, each)) for kind, each in names.items()})


def known(path: str) -> Algorithms:
    """Return all the algorithms that this ssh has (ssh -Q). Raises OSError."""
    return _known(path, os.stat(path).st_mtime_ns)  # noqa: PTH116 - as above


@functools.lru_cache(maxsize=8)
def _known(path: str, _changed: int) -> Algorithms:
    queries = {"kex": "kex", "host_keys": "HostKeyAlgorithms", "ciphers": "cipher", "macs": "mac"}
    return Algorithms(
        **{kind: tuple(_run(path, "-Q", query).stdout.split()) for kind, query in queries.items()}
    )


@functools.lru_cache(maxsize=8)
def _version(path: str, _changed: int) -> str:
    try:
        done = _run(path, "-V")
    except subprocess.SubprocessError:
        return ""
    return done.stderr.split(",")[0].strip().replace("_", " ", 1)


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - ssh, by its path
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        timeout=_PATIENCE,
    )
