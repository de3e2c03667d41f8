"""yuma123's netconfd, behind an sshd of its own."""

from __future__ import annotations

import getpass
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from servers import requirement
from servers.process import ServerProcess
from servers.sshd import Sshd, SshdSettings

if TYPE_CHECKING:
    from servers.keyring import KeyRing

PACKAGE = "netconfd"


class Netconfd:
    """A running netconfd with `candidate` and the module ietf-interfaces.

    It has the attributes of the `Sshd` through which it is reached; `user` and `config` are as in
    `SshdSettings`.
    """

    def __init__(self, keys: KeyRing, user: str | None = None, config: str = "") -> None:
        netconfd = requirement.program("netconfd", PACKAGE)
        subsystem = requirement.program("netconf-subsystem", PACKAGE)
        # In /tmp for its length: a Unix socket's path has 108 bytes at most.
        self._folder = Path(tempfile.mkdtemp(prefix="ncwire-netconfd-"))
        self._folder.chmod(0o755)
        path = self._folder / "ncxserver.sock"
        user = user or getpass.getuser()
        # The port is told to netconfd, which compares it with what its subsystem reports.
        self._sshd = Sshd(
            SshdSettings(
                user=user,
                config=config,
                subsystems={"netconf": f'"{subsystem} --ncxserver-sockname={{port}}@{path}"'},
            ),
            keys,
        )
        self.user = self._sshd.user
        self.host = self._sshd.host
        self.port = self._sshd.port
        self.host_keys = self._sshd.host_keys
        self.known_hosts = self._sshd.known_hosts
        self.client_key = self._sshd.client_key
        try:
            self._process = ServerProcess(
                [
                    # The socket is then for others too than the user that netconfd runs as.
                    *("sh", "-c", 'umask 0; exec "$0" "$@"'),
                    str(netconfd),
                    "--module=ietf-interfaces",
                    "--no-startup",
                    f"--superuser={user}",
                    "--target=candidate",
                    "--access-control=off",
                    f"--port={self.port}",
                    f"--ncxserver-sockname={path}",
                    "--log-level=info",
                ],
                "Running netconfd server",
            )
        except BaseException:
            self._sshd.end()
            shutil.rmtree(self._folder)
            raise

    def log(self) -> str:
        """Return what sshd and netconfd have logged so far."""
        return f"{self._sshd.log()}\n--- netconfd ---\n{self._process.log()}"

    def end(self) -> None:
        """End both servers. Idempotent."""
        self._sshd.end()
        self._process.end()
        shutil.rmtree(self._folder, ignore_errors=True)
