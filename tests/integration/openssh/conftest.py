"""Sessions with the driver openssh."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from servers import requirement

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def driver() -> str:
    """The driver of `connect`."""
    requirement.program("ssh", "openssh-client")
    return "openssh"


@pytest.fixture
def watched_ssh(tmp_path, monkeypatch) -> Path:
    """A record of ssh's arguments, environment and files, of those that start from now on."""
    real = shutil.which("ssh")
    record, folder = tmp_path / "record", tmp_path / "bin"
    folder.mkdir()
    program = folder / "ssh"
    program.write_text(
        "#!/bin/sh\n"
        "# What ssh is given, and what stands in its folder, before it starts.\n"
        f'{{ printf \'%s\\n\' "$@"; env; cat "${{2%/*}}"/config "${{2%/*}}"/ask; }} '
        f">>{record} 2>/dev/null\n"
        f'exec {real} "$@"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return record
