"""OpenSSH's sshd on the loopback interface, as this user, for one run; with a key of its own."""

from __future__ import annotations

import os
import pwd
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ncwire.bench import subsystem
from ncwire.bench.keys import make_key
from ncwire.bench.target import Target
from ncwire.errors import NcwireError

if TYPE_CHECKING:
    from collections.abc import Iterator

HOST = "127.0.0.1"
_ELSEWHERE = ("/usr/local/sbin", "/usr/sbin", "/sbin")  # on no user's PATH
_PRIVSEP = Path("/run/sshd")
_READY = "Server listening"
_ADDRESS_IN_USE = "Address already in use"
_START = 30.0
_END = 10.0
_TRIES = 5


class SshdError(NcwireError):
    """sshd is not installed, or did not start; the text says which, with its own words."""


def find() -> str | None:
    """Return the path of sshd, None where it is not installed."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *_ELSEWHERE])
    return shutil.which("sshd", path=path)


@contextmanager
def running(config: str = "", command: str | None = None) -> Iterator[Target]:
    """Run sshd until the end of the block; raises `SshdError`.

    It listens on the loopback interface, and lets in who has a key that is made for the run.
    `config` are lines for sshd_config, which win over ours; `command` is what to start for each
    session, by default the fast subsystem.
    """
    sshd = find()
    if sshd is None:
        raise SshdError("OpenSSH's sshd is not installed (Debian package openssh-server)")
    user = _user()
    with tempfile.TemporaryDirectory(prefix="ncwire-sshd-") as name:
        folder = Path(name)
        host_key = make_key(folder / "host_key")
        client_key = make_key(folder / "client_key")
        (folder / "authorized_keys").write_text(f"{client_key}\n", encoding="ascii")
        lines = _config(folder, config, subsystem_command() if command is None else command)
        process, port = _start(sshd, folder / "sshd_config", lines)
        try:
            known_hosts = folder / "known_hosts"
            known_hosts.write_text(f"[{HOST}]:{port} {host_key}\n", encoding="ascii")
            key = str(folder / "client_key")
            yield Target(HOST, port, user, key, str(known_hosts))
        finally:
            process.end()


def _user() -> str:
    # Not getpass's, which believes the environment.
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError as error:
        raise SshdError(f"the user with id {os.geteuid()} has no name to log in by") from error


def subsystem_command() -> str:
    """Return the command that runs the fast subsystem, for a shell."""
    # By its real path: a wrapper on PATH may take longer to start.
    return shlex.join([os.path.realpath(sys.executable), "-IS", subsystem.__file__])


def _config(folder: Path, first: str, command: str) -> str:
    lines = (
        first,
        "LogLevel INFO",
        f"ListenAddress {HOST}",
        f"HostKey {folder}/host_key",
        f"AuthorizedKeysFile {folder}/authorized_keys",
        "AuthenticationMethods publickey",
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        "PermitRootLogin prohibit-password",
        "PermitTTY no",
        "DisableForwarding yes",
        # The temporary folder is below one that all may write to.
        "StrictModes no",
        "PidFile none",
        "UseDNS no",
        "PrintMotd no",
        "MaxStartups 200",
        # sshd starts the command by the user's shell, which then reads the files of a home that
        # has none: what people have there can take longer than all that is measured. bash takes
        # itself for the first of a login where there is no SHLVL, and reads them all the same.
        f"SetEnv HOME={folder} SHLVL=2",
        f"Subsystem netconf {command}",
    )
    return "\n".join(lines) + "\n"


def _start(sshd: str, path: Path, config: str) -> tuple[_Process, int]:
    if os.geteuid() == 0:
        _PRIVSEP.mkdir(mode=0o755, exist_ok=True)
    for attempt in range(1, _TRIES + 1):
        port = _free_port()
        path.write_text(f"Port {port}\n{config}", encoding="utf-8")
        try:
            return _Process([sshd, "-D", "-e", "-f", str(path)]), port
        except SshdError as error:
            if _ADDRESS_IN_USE not in str(error) or attempt == _TRIES:
                raise
    raise AssertionError


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        return int(sock.getsockname()[1])


def _ending_with_us() -> list[str]:
    """Have the kernel end it, where that can be had, should this process be killed."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM", "--"] if setpriv else []


class _Process:
    """A running sshd, whose words are read so that it never waits for a reader."""

    def __init__(self, command: list[str]) -> None:
        self._lines: list[str] = []
        self._spoke = threading.Event()
        self._process = subprocess.Popen(  # noqa: S603 - sshd, with a configuration of ours
            [*_ending_with_us(), *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            process_group=0,  # Ctrl-C is for the process that has the terminal
            text=True,
            errors="replace",
        )
        self._reader = threading.Thread(target=self._read, name="ncwire-bench-sshd", daemon=True)
        self._reader.start()
        if not self._spoke.wait(_START) or not self._listens():
            self.end()
            said = " ".join(" ".join(self._lines).split())
            raise SshdError(f"{command[0]} did not start: {said or 'it says nothing'}")

    def end(self) -> None:
        """End it; the sessions end with their clients, which are gone by then."""
        self._process.terminate()
        try:
            self._process.wait(_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(_END)
        if self._process.stderr is not None and not self._reader.is_alive():
            self._process.stderr.close()

    def _listens(self) -> bool:
        return any(_READY in line for line in self._lines)

    def _read(self) -> None:
        stderr = self._process.stderr
        if stderr is None:
            raise AssertionError("it is a pipe")
        with suppress(ValueError):  # closed meanwhile
            for line in stderr:
                self._lines.append(line)
                if self._listens():
                    self._spoke.set()
        self._spoke.set()
