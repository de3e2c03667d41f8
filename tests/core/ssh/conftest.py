"""Real keys, made by the ssh-keygen that users have."""

from __future__ import annotations

import base64
import shutil
import subprocess
from pathlib import Path

import pytest

from ncwire.driver import HostKey


class KeyFactory:
    """Makes key files, each kind once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def file(self, kind: str, *, bits: int = 0, form: str = "RFC4716", passphrase: str = "", n=0):
        path = self._folder / f"{kind}-{bits}-{form}-{passphrase}-{n}"
        if not path.exists():
            sized = ["-b", str(bits)] if bits else []
            shaped = ["-m", form] if form != "RFC4716" else []
            command = ["ssh-keygen", "-q", "-t", kind, *sized, *shaped, "-a", "1"]
            subprocess.run([*command, "-N", passphrase, "-f", path], check=True)
        return path

    def public(self, kind: str, *, bits: int = 0, n: int = 0) -> HostKey:
        line = Path(f"{self.file(kind, bits=bits, n=n)}.pub").read_text().split()
        return HostKey.from_blob(base64.b64decode(line[1]))


@pytest.fixture(scope="session")
def key_factory(tmp_path_factory):
    if shutil.which("ssh-keygen") is None:
        pytest.skip("needs ssh-keygen (Debian package openssh-client)")
    return KeyFactory(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty home directory, and no agent."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    (tmp_path / ".ssh").mkdir(mode=0o700)
    return tmp_path
