"""An ssh-agent of the tests' own."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from servers import requirement
from servers.process import ServerProcess

if TYPE_CHECKING:
    from pathlib import Path

PACKAGE = "openssh-client"


class SshAgent:
    """A running agent; `socket` is the path for SSH_AUTH_SOCK."""

    def __init__(self, socket: Path) -> None:
        self.socket = socket
        agent = requirement.program("ssh-agent", PACKAGE)
        self._add = requirement.program("ssh-add", PACKAGE)
        self._process = ServerProcess([str(agent), "-D", "-a", str(socket)], "SSH_AUTH_SOCK")

    def add(self, key: Path) -> None:
        """Have the agent hold a private key, and the certificate beside it if there is one."""
        self._ssh_add(key)

    def remove(self, key: Path) -> None:
        """Have the agent forget a key, and the certificate beside its file, but no other."""
        self._ssh_add("-d", key)

    def _ssh_add(self, *arguments: str | Path) -> None:
        environment = {**os.environ, "SSH_AUTH_SOCK": str(self.socket)}
        subprocess.run([self._add, "-q", *arguments], check=True, env=environment)

    def end(self) -> None:
        """End the agent. Idempotent."""
        self._process.end()
