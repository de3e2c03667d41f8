"""ProxyCommand: a process whose standard streams carry SSH to the host (ssh_config(5))."""

from __future__ import annotations

import logging
import os
import re
import signal
import socket
import subprocess
from collections import deque
from contextlib import suppress
from pathlib import PurePath
from typing import TYPE_CHECKING

from ncwire._engine.home import Member
from ncwire._interrupts import raise_signalled
from ncwire._latch import Latch
from ncwire._ssh.route.forwarder import Part
from ncwire.driver import Wait, point_at_nothing, watch_forks
from ncwire.errors import ConnectError, OptionError
from ncwire.errors.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from ncwire._engine.loop import Loop

_log = logging.getLogger(__name__)

_SHELL = "/bin/sh"
_NO_LOGIN = {"SHLVL": "1"}
"""bash takes itself for the shell of a login from afar, and reads ~/.bashrc, where its stdin is a
socket and no shell is above it (5.2, shell.c). With the pipes that OpenSSH has it does not."""
_READ = 4096
_LINES = 3
"""How many of its last lines on stderr are kept, and told."""
_LONGEST = 200
_WORD = re.compile(r"[\w./+-]+")

_BY_ITSELF = 1.0
"""Seconds that it has to end by itself once its input has ended."""
_GRACE = 0.5
"""Seconds that it has to end once it was told to."""


class ProxyCommand(Part):
    """A command under way, run as OpenSSH's client runs it: `$SHELL -c "exec COMMAND"`.

    It has a session and a process group of its own, which are ended together, and no fd of ours
    but one end of a socket pair for stdin and stdout. Its stderr is read all the time; the last
    lines are kept for errors, all are logged for debugging. The command itself is neither
    logged nor told, because it may hold a password; errors name its program only.

    Raises `ConnectError` when the shell cannot be started.
    """

    def __init__(self, command: str) -> None:
        self._name = _name(command)
        self.sock, theirs = socket.socketpair()
        """Our end: the caller's."""
        read_end, write_end = os.pipe()
        self._stderr = _Stderr(read_end, self._name)
        try:
            self._process = _start(command, theirs, write_end, self._name)
        except BaseException:
            self.sock.close()
            self._stderr.close()
            raise
        finally:
            theirs.close()
            os.close(write_end)
        self._ours = True
        watch_forks(self)

    @property
    def is_open(self) -> bool:
        """Return False: what it has to carry it carries without us."""
        return False

    def begin(self, loop: Loop, changed: Callable[[], None]) -> None:  # noqa: ARG002 - never open
        """Have its stderr read."""
        self._stderr.loop = loop
        loop.wake(self._stderr)

    def stop(self, loop: Loop) -> None:
        """Have its stderr read no more."""
        loop.discard(self._stderr)

    def account(self, patience: float) -> str:
        """Tell how it failed; "" while it runs and for a good end, waiting so long for either."""
        try:
            status = self._process.wait(patience)
        except subprocess.TimeoutExpired:
            return ""
        if status == 0:
            return ""
        self._stderr.ended.wait(patience)
        how = f"ended with status {status}" if status > 0 else f"was killed by {_signal(-status)}"
        return ": ".join([f"{self._name} {how}", *filter(None, ["; ".join(self._stderr.lines)])])

    def free(self, *, abrupt: bool) -> None:
        """End it and all that it started, and reap it; our end of its stdin is closed already."""
        self._stderr.close()
        if not self._ours:
            return
        if not abrupt:
            self._ends_within(_BY_ITSELF)
        self._signal(signal.SIGHUP)
        self._signal(signal.SIGTERM)
        self._ends_within(_GRACE)
        self._signal(signal.SIGKILL)
        self._ends_within(_GRACE)

    def abandon_in_child(self) -> None:
        """Leave the process to the parent, whose forwarder ends it; see `Forkable`."""
        self._ours = False
        point_at_nothing(self._stderr.fileno())
        # It is no child of this process, which is found out by asking: else Python warns, when
        # this is collected, of a process that runs still.
        self._process.poll()

    def _signal(self, number: signal.Signals) -> None:
        # To the group, which may outlive the process that leads it.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _ends_within(self, seconds: float) -> None:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)


class _Stderr(Member):
    """What the process says on stderr: the last lines of it."""

    def __init__(self, fd: int, name: str) -> None:
        os.set_blocking(fd, False)
        self.lines: deque[str] = deque(maxlen=_LINES)
        self.ended = Latch()
        self.loop: Loop | None = None
        self._fd = fd
        self._name = name
        self._unfinished = b""

    def fileno(self) -> int:
        return self._fd

    def wait(self) -> Wait:
        return Wait()

    def service(self, now: float) -> bool:  # noqa: ARG002 - time is nothing to it
        try:
            data = os.read(self._fd, _READ) if self._fd >= 0 else b""
        except BlockingIOError:
            return False
        *lines, self._unfinished = (self._unfinished + data).split(b"\n")
        if not data or len(self._unfinished) > _LONGEST:
            lines.append(self._unfinished)
            self._unfinished = b""
        for line in filter(None, map(_text, lines)):
            _log.debug("%s: %s", self._name, line)
            self.lines.append(line)
        if not data:
            if self.loop is not None:
                self.loop.discard(self)
            self.close()
        return bool(data)

    def crashed(self, error: BaseException) -> None:  # noqa: ARG002 - it is logged already
        self.close()

    def close(self) -> None:
        """Read no more. Idempotent; the loop has forgotten this member."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)
        self.ended.set()


def _start(command: str, stdio: socket.socket, stderr: int, name: str) -> subprocess.Popen[bytes]:
    shell = os.environ.get("SHELL") or _SHELL
    try:
        return subprocess.Popen(  # noqa: S603 - the user's own command, as for ssh
            [shell, "-c", f"exec {command}"],
            stdin=stdio.fileno(),
            stdout=stdio.fileno(),
            stderr=stderr,
            env={**os.environ, **_NO_LOGIN},
            start_new_session=True,
        )
    except OSError as error:
        raise_signalled(error)
        raise ConnectError(f"{name}: {shell} cannot be started: {error.strerror}") from error
    except ValueError as error:
        raise OptionError("proxy_command", "has a NUL") from error


def _name(command: str) -> str:
    first = command.split(maxsplit=1)[:1]
    if first and _WORD.fullmatch(first[0]):
        return f"ProxyCommand ({PurePath(first[0]).name})"
    return "ProxyCommand"


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _text(line: bytes | bytearray) -> str:
    return one_line(line.decode("utf-8", "replace").strip()[:_LONGEST])
