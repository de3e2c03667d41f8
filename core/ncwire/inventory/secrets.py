"""References to secrets: the inventory says where one is, and it is read when it is needed."""

from __future__ import annotations

import importlib
import os
import stat
import subprocess
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import dataclass, field
from signal import SIGKILL
from typing import TYPE_CHECKING, Any

from ncwire._interrupts import raise_signalled
from ncwire.errors import SecretError

if TYPE_CHECKING:
    from pathlib import Path

_LONGEST = 4096
_PATIENCE = 30.0
_READABLE_BY_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class Secret(ABC):
    """Where a secret is; it never holds the secret itself."""

    @abstractmethod
    def read(self) -> str:
        """Return the secret: the first line of what is there. Raises `SecretError`."""

    @abstractmethod
    def __str__(self) -> str:
        """Return where it is, for tables and errors."""

    def _first_line(self, data: bytes) -> str:
        line = data.partition(b"\n")[0].removesuffix(b"\r")
        if not line:
            raise SecretError(str(self), "its first line is empty")
        if len(line) > _LONGEST:
            raise SecretError(str(self), f"its first line is longer than {_LONGEST} bytes")
        # Not by the decoder's error, which holds what it could not decode.
        text = line.decode(errors="replace")
        if text.encode() != line:
            raise SecretError(str(self), "is not UTF-8")
        return text


@dataclass(frozen=True, slots=True)
class EnvironmentSecret(Secret):
    """The value of an environment variable."""

    variable: str

    def read(self) -> str:
        """Return the variable's value."""
        value = os.environ.get(self.variable)
        if not value:
            problem = "there is no such variable" if value is None else "it is empty"
            raise SecretError(str(self), problem)
        return value

    def __str__(self) -> str:
        return f"environment variable {self.variable}"


@dataclass(frozen=True, slots=True)
class FileSecret(Secret):
    """The first line of a file that only its owner may read."""

    path: Path

    def read(self) -> str:
        """Return the first line. As ssh does with keys, refuse a file that others may read."""
        try:
            with self.path.open("rb") as file:
                status = os.fstat(file.fileno())
                data = file.read(_LONGEST + 2)
        except OSError as error:
            raise_signalled(error)
            raise SecretError(str(self), error.strerror or "cannot be read") from error
        # As sshkey_perm_ok: of a file that belongs to somebody else, its owner takes care.
        if status.st_uid == os.geteuid() and status.st_mode & _READABLE_BY_OTHERS:
            raise SecretError(
                str(self),
                f"permissions {stat.S_IMODE(status.st_mode):04o} let others read it: "
                f"run chmod 600 {self.path}",
            )
        return self._first_line(data)

    def __str__(self) -> str:
        return f"file {self.path}"


@dataclass(frozen=True, slots=True)
class CommandSecret(Secret):
    """The first line of a command's output; no shell is between."""

    # The arguments may be secret themselves.
    arguments: tuple[str, ...] = field(repr=False)
    timeout: float = _PATIENCE

    def read(self) -> str:
        """Run the command, and return its first line.

        It is killed, with all that it has started, after `timeout` seconds. What it says is not
        logged, nor told in an error: it may be the secret.
        """
        try:
            process = subprocess.Popen(  # noqa: S603 - the user's own file names it
                self.arguments,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                process_group=0,
            )
        except (OSError, ValueError) as error:
            raise_signalled(error)
            reason = getattr(error, "strerror", None) or "its arguments are not valid"
            raise SecretError(str(self), f"cannot be run: {reason}") from None
        try:
            output, _ = process.communicate(timeout=self.timeout)
        except subprocess.TimeoutExpired:
            raise SecretError(str(self), f"did not end within {self.timeout:g} s") from None
        finally:
            _end(process)
        if process.returncode:
            raise SecretError(str(self), f"failed with {_status(process.returncode)}")
        return self._first_line(output)

    def __str__(self) -> str:
        return f"command {self.arguments[0]}"


@dataclass(frozen=True, slots=True)
class KeyringSecret(Secret):
    """A password in the system's keyring, by the optional package `keyring`."""

    service: str
    username: str

    def read(self) -> str:
        """Ask the keyring for the password of that service and user."""
        try:
            keyring: Any = importlib.import_module("keyring")
        except ImportError as error:
            raise SecretError(
                str(self), "the package keyring is not installed: pip install keyring"
            ) from error
        raised = ""
        try:
            value = keyring.get_password(self.service, self.username)
        except Exception as error:  # noqa: BLE001 - a backend of anybody's may raise anything
            raise_signalled(error)
            raised = type(error).__name__
        if raised:
            # Not while that is handled, for its text may quote the secret.
            raise SecretError(str(self), f"the keyring raised {raised}")
        if not value:
            raise SecretError(
                str(self), f"has none: run keyring set {self.service} {self.username}"
            )
        return str(value)

    def __str__(self) -> str:
        return f"keyring {self.service}, user {self.username}"


def _end(process: subprocess.Popen[bytes]) -> None:
    # With all that it has started. One that has ended is left alone: it may have left an agent.
    if process.poll() is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, SIGKILL)
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _status(code: int) -> str:
    return f"exit status {code}" if code > 0 else f"signal {-code}"
