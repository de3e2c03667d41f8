"""A pseudo-terminal with the command behind it."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time

# Makes the pseudo-terminal on stderr the controlling terminal, without forking this process.
ON_THE_TERMINAL = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(2, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, "-m", "ncwire", *sys.argv[1:]])
"""


class Terminal:
    """The user's side of a terminal that a command runs on."""

    def __init__(self, arguments: list[str]) -> None:
        self._master, slave = os.openpty()
        self.screen = ""
        self.process = subprocess.Popen(
            [sys.executable, "-c", ON_THE_TERMINAL, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=slave,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        os.close(slave)

    def wait_for(self, text: str) -> None:
        deadline = time.monotonic() + 30
        while text not in self.screen:
            if not self._read(deadline - time.monotonic()):
                raise AssertionError(f"{text!r} is not in {self.screen!r}")
        self.screen = self.screen.partition(text)[2]

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def end(self) -> tuple[int, str]:
        out, _ = self.process.communicate(timeout=30)
        while self._read(0):
            pass
        return self.process.returncode, out.decode()

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()
        os.close(self._master)

    def _read(self, timeout: float) -> bool:
        if not select.select([self._master], [], [], max(0.0, timeout))[0]:
            return False
        try:
            piece = os.read(self._master, 4096)
        except OSError:  # Linux's end of file on a pseudo-terminal
            return False
        self.screen += piece.decode()
        return bool(piece)
