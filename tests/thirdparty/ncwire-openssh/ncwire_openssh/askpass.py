"""A password for ssh, which takes one from a terminal or from a program, and nowhere else.

The program is a script beside a FIFO, both in a folder that only this user can enter. The password
waits in the FIFO: it is in no file, on no command line, and in no environment.
"""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

from ncwire.errors import UnsupportedOption

if TYPE_CHECKING:
    from pathlib import Path

_LONGEST = 1023
"""Bytes that ssh takes of an answer."""
_ROOM = 60_000
"""Bytes that a FIFO holds without a reader."""

# ssh asks for other things too: whether to trust a key, the PIN of a token, the password of a jump
# host. None of them is answered. Without a printf of its own the shell would put the password on
# a command line. When the password has expired ssh asks for a new one, and without it (9.2) waits
# for a server that waits for it: so it is ended, and the log tells why.
_SCRIPT = """#!/bin/sh
case "$1" in
{password} | "Enter passphrase for key "*) ;;
"Enter "*"'s new password: ") kill "$PPID"; exit 1 ;;
*) exit 1 ;;
esac
[ "$(command -v printf)" = printf ] || exit 1
IFS= read -r answer <{fifo} && printf '%s\\n' "$answer"
"""


class Askpass:
    """Answers ssh's questions for the password until it is closed."""

    def __init__(self, folder: Path, prompt: str, password: str, questions: int) -> None:
        self._script = folder / "askpass"
        fifo = folder / "answer"
        self._script.write_text(
            _SCRIPT.format(password=shlex.quote(prompt), fifo=shlex.quote(str(fifo)))
        )
        self._script.chmod(0o700)
        os.mkfifo(fifo, 0o600)
        # For both, so that there is a reader from the start, and what is written waits.
        self._fifo = os.fdopen(os.open(fifo, os.O_RDWR | os.O_NONBLOCK), "r+b", buffering=0)
        answer = password.encode(errors="surrogateescape") + b"\n"
        for _ in range(min(questions, _ROOM // len(answer))):
            self._fifo.write(answer)

    def environment(self) -> dict[str, str]:
        """Return the variables by which ssh finds the script, and prefers it to a terminal."""
        return {"SSH_ASKPASS": str(self._script), "SSH_ASKPASS_REQUIRE": "force"}

    def close(self) -> None:
        """Forget the password. Idempotent."""
        self._fifo.close()


def check(driver: str, password: str) -> None:
    """Raise UnsupportedOption for a password that ssh would cut."""
    cut = any(character in password for character in "\r\n\0")
    if cut or len(password.encode(errors="surrogateescape")) > _LONGEST:
        raise UnsupportedOption(
            driver, "password", "ssh takes one line of at most 1023 bytes; use a key"
        )
