"""SSH servers made with libraries for Python, each in a process of its own."""

from __future__ import annotations

import importlib.util
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from servers import keyring, requirement
from servers.process import ServerProcess

if TYPE_CHECKING:
    from servers.keyring import KeyRing

_HERE = Path(__file__).parent
_READY = "listening on "


class PythonServer:
    """A running server with the attributes of `Sshd`, and the secrets of its one user.

    The password and the answer to the prompt differ, so that neither is taken for the other.
    """

    distribution: ClassVar[str]
    module: ClassVar[str]
    program: ClassVar[str]

    user = "ncwire"
    password = "for the password alone"
    answer = "for the prompt alone"
    yes = "yes"
    host = "127.0.0.1"

    def __init__(self, keys: KeyRing) -> None:
        if importlib.util.find_spec(self.module) is None:
            requirement.missing(f"no {self.distribution}: pip install 'ncwire[test]'")
        self.client_key = keys.key("client")
        host_key = keys.key("host")
        self.folder = Path(tempfile.mkdtemp(prefix="ncwire-server-"))
        authorized = self.folder / "authorized_keys"
        authorized.write_text(f"{keyring.public(self.client_key)}\n")
        command = [
            *(sys.executable, str(_HERE / self.program)),
            *("--user", self.user, "--password", self.password),
            *("--yes", self.yes, "--answer", self.answer),
            *("--host-key", str(host_key), "--authorized-keys", str(authorized), "--"),
            *(sys.executable, "-IS", str(_HERE / "netconf_subsystem.py")),
        ]
        try:
            self._process = ServerProcess(command, _READY)
        except BaseException:
            shutil.rmtree(self.folder)
            raise
        self.port = int(self.log().partition(_READY)[2].split()[0])
        self.known_hosts = self.folder / "known_hosts"
        self.known_hosts.write_text(f"[{self.host}]:{self.port} {keyring.public(host_key)}\n")

    def log(self) -> str:
        """Return what the server has logged so far."""
        return self._process.log()

    def end(self) -> None:
        """End the server with all its sessions. Idempotent."""
        self._process.end()
        shutil.rmtree(self.folder, ignore_errors=True)


class AsyncSSH(PythonServer):
    """AsyncSSH, with the least windows and packets, frequent rekeys, and prompts in rounds."""

    distribution, module, program = "asyncssh", "asyncssh", "asyncssh_server.py"


class Conch(PythonServer):
    """Twisted Conch, as it comes."""

    distribution, module, program = "twisted", "twisted.conch", "conch_server.py"
