"""OpenSSH's sshd on loopback, with a configuration, keys and a log of its own."""

from __future__ import annotations

import getpass
import os
import pwd
import shlex
import shutil
import socket
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from servers import keyring, requirement
from servers.process import NotStartedError, ServerProcess

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PACKAGE = "openssh-server"
_SUBSYSTEM = Path(__file__).with_name("netconf_subsystem.py")
_ADDRESS_IN_USE = "Address already in use"
_TRIES = 5


@dataclass(frozen=True, kw_only=True)
class SshdSettings:
    """How a server is to be; what is left out is as a test most often wants it."""

    user: str = field(default_factory=getpass.getuser)
    """Who is to log in; the authorized keys are that user's alone."""
    subsystems: Mapping[str, str] | None = None
    """Names and commands, in which {port} is sshd's; by default "netconf", the small server
    beside this file."""
    subsystem_arguments: Sequence[str] = ()
    """For the default subsystem: see netconf_subsystem.py."""
    host_key_types: Sequence[str] = keyring.HOST_KEY_TYPES
    authorized_keys: Sequence[Path] | None = None
    """Private keys whose public halves may log in; by default `Sshd.client_key`."""
    config: str = ""
    """Lines that come first in sshd_config, so that they win over the rest."""
    addresses: Sequence[str] = ("127.0.0.1",)


class Sshd:
    """A running sshd. `end` ends it with all its sessions, and removes its folder."""

    def __init__(self, settings: SshdSettings, keys: keyring.KeyRing) -> None:
        self._sshd = requirement.program("sshd", PACKAGE)
        self._settings = settings
        self.user = settings.user
        self.host = settings.addresses[0]
        self.host_keys = {kind: keys.key("host", kind) for kind in settings.host_key_types}
        self.client_key = keys.key("client")
        # Readable by all, unlike pytest's: sshd reads authorized_keys as the user who logs in.
        self.folder = Path(tempfile.mkdtemp(prefix="ncwire-sshd-"))
        self.folder.chmod(0o755)
        try:
            self._prepare()
            self._process, self.port = self._start()
        except BaseException:
            shutil.rmtree(self.folder)
            raise
        self.known_hosts = self._known_hosts()

    @property
    def pid(self) -> int:
        """The pid of the process that listens."""
        return self._process.pid

    def log(self) -> str:
        """Return what sshd has logged so far."""
        return self._process.log()

    def sessions(self) -> list[int]:
        """Return the pids of all that sshd has started and that still runs."""
        return self._process.descendants()

    def freeze(self) -> None:
        """Make all sessions silent, their sockets open; `thaw` lets them go on."""
        self._process.freeze()

    def thaw(self) -> None:
        """Let the sessions go on."""
        self._process.thaw()

    def kill(self) -> None:
        """Kill all sessions, which say nothing more; the server goes on to listen."""
        self._process.kill()

    def end(self) -> None:
        """End the server. Idempotent."""
        self._process.end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _prepare(self) -> None:
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        authorized = self._settings.authorized_keys
        allowed = [self.client_key] if authorized is None else authorized
        lines = "".join(f"{keyring.public(key)}\n" for key in allowed)
        (self.folder / "authorized_keys").write_text(lines)
        shutil.copy(_SUBSYSTEM, self.folder)

    def _start(self) -> tuple[ServerProcess, int]:
        for attempt in range(_TRIES):
            port = _free_port(self._settings.addresses)
            config = self.folder / "sshd_config"
            config.write_text(self._config(port))
            command = [str(self._sshd), "-D", "-e", "-f", str(config)]
            try:
                return ServerProcess(command, "Server listening"), port
            except NotStartedError as error:
                if _ADDRESS_IN_USE not in str(error) or attempt == _TRIES - 1:
                    raise
        raise AssertionError

    def _config(self, port: int) -> str:
        lines = [
            self._settings.config,
            "LogLevel VERBOSE",
            f"Port {port}",
            *(f"ListenAddress {address}" for address in self._settings.addresses),
            *(f"HostKey {path}" for path in self.host_keys.values()),
            f"AuthorizedKeysFile {self.folder}/authorized_keys",
            "PidFile none",
            "StrictModes no",
            "PermitRootLogin yes",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            # Else bash takes itself for the first of a login, and reads the user's ~/.bashrc.
            "SetEnv SHLVL=2",
            "UseDNS no",
            "PrintMotd no",
            "MaxStartups 200",
            "MaxSessions 200",
        ]
        subsystems = self._settings.subsystems
        if subsystems is None:
            subsystems = {"netconf": self._netconf()}
        for name, command in subsystems.items():
            lines.append(f"Subsystem {name} {command.replace('{port}', str(port))}")
        return "\n".join(lines) + "\n"

    def _netconf(self) -> str:
        python = requirement.interpreter(pwd.getpwnam(self.user).pw_uid)
        script = self.folder / _SUBSYSTEM.name
        return shlex.join([str(python), "-IS", str(script), *self._settings.subsystem_arguments])

    def _known_hosts(self) -> Path:
        path = self.folder / "known_hosts"
        path.write_text(
            "".join(
                f"[{address}]:{self.port} {keyring.public(key)}\n"
                for address in self._settings.addresses
                for key in self.host_keys.values()
            )
        )
        return path


def _free_port(addresses: Sequence[str]) -> int:
    family = socket.AF_INET6 if ":" in addresses[0] else socket.AF_INET
    with socket.socket(family) as sock:
        sock.bind((addresses[0], 0))
        port: int = sock.getsockname()[1]
        return port
