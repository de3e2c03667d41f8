"""What figures depend on: the machine, Python, and the versions of all libraries."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from importlib import metadata
from typing import Any

LIBRARIES = ("ncwire", "paramiko", "ssh2-python", "cryptography")


def described() -> dict[str, Any]:
    """Return it, as JSON has it."""
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": platform.platform(),
        "kernel": _kernel(),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "openssh": openssh(),
        "libraries": versions(),
    }


def versions() -> dict[str, str]:
    """Return the versions of those of our libraries that are installed."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _kernel() -> str:
    """Return its name and number, without what a builder adds."""
    about = platform.uname()
    return f"{about.system} {about.release.partition('-')[0]} {about.machine}"


def openssh() -> str:
    """Return what the ssh program calls itself, "" where there is none."""
    ssh = shutil.which("ssh")
    if ssh is None:
        return ""
    # The client's, for older servers know no -V; one package builds both.
    done = subprocess.run([ssh, "-V"], check=False, capture_output=True, text=True, timeout=10)  # noqa: S603
    return done.stderr.strip()
