"""The folder through which ssh and the driver talk; only this user can enter it."""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ncwire_openssh.handlers import raise_others

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST_PLACE = 71
"""Bytes of the place's name: a Unix socket's has 107, of which the folder's own takes 16, the
socket's 2, and 17 what ssh adds while it makes it."""
_PREFIX = "ncwire-"

# Written as ssh's askpass: a question to one FIFO, four fields with a NUL behind each, and its
# answer from another. Without a printf of its own the shell would put a password on a command
# line. When the driver ends, so do its ends of the FIFOs, and with them the wait for an answer.
_ASK = """#!/bin/sh
cd {folder} || exit 1
[ "$(command -v printf)" = printf ] || exit 1
case "$1" in
--host-key) [ "$2" = HOSTNAME ] || exit 0; printf 'key\\0%s\\0%s\\0%s\\0' "$3" "$4" "$5" \\
>questions ;;
*) printf 'ask\\0%s\\0%s\\0\\0' "$SSH_ASKPASS_PROMPT" "$1" >questions ;;
esac
[ "$SSH_ASKPASS_PROMPT" != none ] || exit 0
while IFS= read -r line; do
case "$line" in
=*) printf '%s\\n' "${{line#=}}" ;;
.) exit 0 ;;
*) exit 1 ;;
esac
done <answers
exit 1
"""

# Passes on, to ssh that has started it, the fd that it is given (ssh_config(5), ProxyUseFdpass).
_HAND_ON = (
    "import socket, sys; given = socket.socket(socket.AF_UNIX); given.connect(sys.argv[1]); "
    "fds = socket.recv_fds(given, 1, 1)[1]; "
    "socket.send_fds(socket.socket(fileno=1), [b'-'], fds)"
)


class Folder:
    """What ssh finds in it: its configuration, the way to ask, and that to an open fd.

    It is there from the start, and gone after `remove`. `place` is where to make it; by default
    among the temporary files.
    """

    def __init__(self, place: Path | None = None) -> None:
        self.path = _made() if place is None else Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
        try:
            for name in ("log", "questions", "answers"):
                os.mkfifo(self.path / name, 0o600)
            write_private(self.askpass, _ASK.format(folder=shlex.quote(str(self.path))), 0o700)
        except BaseException:
            self.remove()
            raise

    @property
    def control(self) -> Path:
        """Where ssh's control socket is, once the user is authenticated."""
        return self.path / "s"

    @property
    def config(self) -> Path:
        """The configuration that ssh reads; see `write_config`."""
        return self.path / "config"

    @property
    def askpass(self) -> Path:
        """The program by which ssh asks."""
        return self.path / "ask"

    @property
    def fd_socket(self) -> Path:
        """Where the program that ssh starts for a given fd asks for it."""
        return self.path / "fd"

    @property
    def host_key_command(self) -> str:
        """KnownHostsCommand: asks for what to think of the host's key."""
        return f"/bin/sh {_percent(self.askpass)} --host-key %I %t %K %H"

    @property
    def fd_command(self) -> str:
        """ProxyCommand, with ProxyUseFdpass: the fd that is given in place of a connection."""
        python = shlex.quote(sys.executable or "python3")
        command = f"{python} -IS -c {shlex.quote(_HAND_ON)} {shlex.quote(str(self.fd_socket))}"
        return command.replace("%", "%%")

    def write_config(self, text: str) -> None:
        """Write ssh's configuration, which may have secrets in it, for this user alone."""
        write_private(self.config, text)

    def remove(self) -> None:
        """Remove it, and so the way for others to come in. Idempotent."""
        # Not by shutil.rmtree: the errors that it ignores may be a signal handler's.
        try:
            paths = list(self.path.iterdir())
        except OSError as error:
            raise_others(error)
            return
        for path in paths:
            _removed(path.unlink)
        _removed(self.path.rmdir)


def _removed(remove: Callable[[], None]) -> None:
    try:
        remove()
    except OSError as error:  # ssh was quicker, with its socket
        raise_others(error)


def _made() -> Path:
    usual = tempfile.gettempdir()
    place = usual if len(os.fsencode(usual)) <= LONGEST_PLACE else "/tmp"  # noqa: S108 - mkdtemp is safe
    return Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))


def write_private(path: Path, text: str, mode: int = 0o600) -> None:
    """Write a file that no other user could read at any time."""

    # Not by Path.touch, which drops an OSError, also one that a signal handler raised.
    def opener(name: str, flags: int) -> int:
        return os.open(name, flags, mode)

    with open(path, "w", encoding="utf-8", errors="surrogateescape", opener=opener) as file:
        file.write(text)


def _percent(path: Path) -> str:
    # Words as in ssh's configuration, of which the first alone is not expanded.
    return '"' + str(path).replace("%", "%%").replace("\\", "\\\\").replace('"', '\\"') + '"'
