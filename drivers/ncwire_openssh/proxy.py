"""ProxyCommand: a process whose standard streams carry SSH to the host (ssh_config(5)).

It is the driver's own child and no child of ssh's, so that how it ended is known, and that it
does end.
"""

from __future__ import annotations

import logging
import os
import re
import signal
import socket
import subprocess
import threading
from collections import deque
from contextlib import suppress
from pathlib import PurePath

from ncwire.driver import Forkable, one_line, watch_forks
from ncwire.errors import ConnectError, OptionError

_log = logging.getLogger("ncwire.openssh")

_SHELL = "/bin/sh"
_NO_LOGIN = {"SHLVL": "1"}
"""bash takes itself for the shell of a login from afar, and reads ~/.bashrc, where its stdin is a
socket and no shell is above it (5.2, shell.c). With the pipes that OpenSSH has it does not."""
_LINES = 3
"""How many of its last lines on stderr are kept, and told."""
_LONGEST = 200
_WORD = re.compile(r"[\w./+-]+")
_BY_ITSELF = 1.0
"""Seconds that it has to end by itself once its input has ended."""
_GRACE = 0.5
"""Seconds that it has to end once it was told to."""


class ProxyCommand(Forkable):
    """A command under way, run as OpenSSH's client runs it: `$SHELL -c "exec COMMAND"`.

    It has a session and a process group of its own, which are ended together. The command itself
    is neither logged nor told, because it may hold a password; errors name its program only.
    Raises `ConnectError` when the shell cannot be started.
    """

    def __init__(self, command: str) -> None:
        self._name = _name(command)
        self._lines: deque[str] = deque(maxlen=_LINES)
        self._lock = threading.Lock()
        self._freed = False
        self._ours = True
        self.sock, theirs = socket.socketpair()
        """What leads to the host."""
        try:
            with theirs:
                self._process = _start(command, theirs, self._name)
        except BaseException:
            self.sock.close()
            raise
        # Its stderr is read all the time, since it may be full of words, and then be held up.
        self._reader = threading.Thread(
            target=_read_lines,
            args=(self._process.stderr, self._lines, self._name),
            name="ncwire-openssh proxy",
            daemon=True,
        )
        self._reader.start()
        watch_forks(self)

    def account(self, patience: float) -> str:
        """Tell how it failed; "" while it runs and for a good end, waiting so long for either."""
        try:
            status = self._process.wait(patience)
        except subprocess.TimeoutExpired:
            return ""
        if status == 0 or self._freed:
            return ""
        self._reader.join(patience)
        how = f"ended with status {status}" if status > 0 else f"was killed by {_signal(-status)}"
        return ": ".join([f"{self._name} {how}", *filter(None, ["; ".join(self._lines)])])

    def free(self, *, abrupt: bool) -> None:
        """End it and all that it started, and reap it; may wait some seconds. Idempotent."""
        with self._lock:
            freed, self._freed = self._freed, True
        self.sock.close()
        if freed or not self._ours:
            return
        if not abrupt:
            self._ends_within(_BY_ITSELF)
            self._tell(signal.SIGHUP)
            self._tell(signal.SIGTERM)
            self._ends_within(_GRACE)
        self._tell(signal.SIGKILL)
        self._ends_within(_GRACE)

    def abandon_in_child(self) -> None:
        """Leave the process to the parent; see `Forkable`."""
        self._ours = False
        self._process.returncode = 0

    def _tell(self, number: signal.Signals) -> None:
        # To the group, which may outlive the process that leads it.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _ends_within(self, seconds: float) -> None:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)


def _start(command: str, stdio: socket.socket, name: str) -> subprocess.Popen[bytes]:
    shell = os.environ.get("SHELL") or _SHELL
    try:
        return subprocess.Popen(  # noqa: S603 - the user's own command, as for ssh
            [shell, "-c", f"exec {command}"],
            stdin=stdio.fileno(),
            stdout=stdio.fileno(),
            stderr=subprocess.PIPE,
            env={**os.environ, **_NO_LOGIN},
            start_new_session=True,
        )
    except OSError as error:
        raise ConnectError(f"{name}: {shell} cannot be started: {error.strerror}") from error
    except ValueError as error:
        raise OptionError("proxy_command", "has a NUL") from error


def _read_lines(stderr: object, lines: deque[str], name: str) -> None:
    with stderr as file:  # type: ignore[attr-defined]  # a pipe
        while data := file.readline(_LONGEST):
            text = one_line(data.decode("utf-8", "replace").strip(), _LONGEST)
            if text:
                _log.debug("%s: %s", name, text)
                lines.append(text)


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
