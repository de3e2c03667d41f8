"""Dropbear on loopback, with a host key and a log of its own. It has no subsystem but sftp."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from servers import keyring, requirement
from servers.process import NotStartedError, ServerProcess

if TYPE_CHECKING:
    from servers.account import Account
    from servers.keyring import KeyRing

PACKAGE = "dropbear-bin"
_SUBSYSTEM = Path(__file__).with_name("netconf_subsystem.py")
_ADDRESS_IN_USE = "Address already in use"
_TRIES = 5


class Dropbear:
    """A running dropbear with the attributes of `Sshd`; `command` runs the NETCONF server.

    It reads the authorized keys in the account's home, where this writes them.
    """

    host = "127.0.0.1"

    def __init__(self, keys: KeyRing, account: Account) -> None:
        self._dropbear = requirement.program("dropbear", PACKAGE)
        dropbearkey = requirement.program("dropbearkey", PACKAGE)
        self.user = account.name
        self.client_key = keys.key("client")
        _authorize(self.client_key, account)
        self.folder = Path(tempfile.mkdtemp(prefix="ncwire-dropbear-"))
        self.folder.chmod(0o755)
        try:
            shutil.copy(_SUBSYSTEM, self.folder)
            python = requirement.interpreter(account.uid)
            script = self.folder / _SUBSYSTEM.name
            self.command = shlex.join([str(python), "-IS", str(script)])
            # In a format of its own, so not one of the ring's.
            host_key = self.folder / "host_key"
            made = subprocess.run(
                [dropbearkey, "-t", "ed25519", "-f", host_key],
                check=True,
                capture_output=True,
                text=True,
            )
            public = next(line for line in made.stdout.splitlines() if line.startswith("ssh-"))
            self._process, self.port = self._start(host_key)
        except BaseException:
            shutil.rmtree(self.folder)
            raise
        self.known_hosts = self.folder / "known_hosts"
        self.known_hosts.write_text(f"[{self.host}]:{self.port} {public}\n")

    def log(self) -> str:
        """Return what dropbear has logged so far."""
        return self._process.log()

    def end(self) -> None:
        """End the server with all its sessions. Idempotent."""
        self._process.end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self, host_key: Path) -> tuple[ServerProcess, int]:
        for attempt in range(_TRIES):
            with socket.create_server((self.host, 0)) as sock:
                port = sock.getsockname()[1]
            command = [str(self._dropbear), "-F", "-E", "-m", "-r", str(host_key), "-P", ""]
            try:
                return ServerProcess(
                    [*command, "-p", f"{self.host}:{port}"], "Not backgrounding"
                ), port
            except NotStartedError as error:
                if _ADDRESS_IN_USE not in str(error) or attempt == _TRIES - 1:
                    raise
        raise AssertionError


def _authorize(key: Path, account: Account) -> None:
    # Dropbear wants them to be the user's or root's, and that no other may write there.
    folder = Path(account.home, ".ssh")
    folder.mkdir(mode=0o700)
    authorized = folder / "authorized_keys"
    authorized.write_text(f"{keyring.public(key)}\n")
    for path in (authorized, folder):
        os.chown(path, account.uid, -1)
