"""A server's process: started, watched for its first word, logged, and ended with its children."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_START = 30.0
_END = 10.0


class ServerProcess:
    """Runs a server in the foreground and keeps what it prints.

    The constructor returns once a line with `ready` has been printed, and raises `NotStartedError`
    when the process ends before, or says nothing like it for long.
    """

    def __init__(self, command: Sequence[str], ready: str) -> None:
        self._lines: list[str] = []
        self._ready = ready
        self._spoke = threading.Event()
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            text=True,
            errors="replace",
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._spoke.wait(_START) or not self._is_ready():
            self.end()
            raise NotStartedError(f"{command[0]}: it did not start\n{self.log()}")

    @property
    def pid(self) -> int:
        return self._process.pid

    def log(self) -> str:
        """Return what the server has printed so far."""
        return "".join(self._lines)

    def descendants(self) -> list[int]:
        """Return the pids of the processes that it started, and they did, and so on."""
        return _descendants(self.pid)

    def end(self) -> None:
        """End the server, and what it started. Idempotent."""
        if self._process.poll() is None:
            # Stopped first, so that it starts no more while its children are looked for.
            self._process.send_signal(signal.SIGSTOP)
            for pid in self.descendants():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._process.terminate()
            self._process.send_signal(signal.SIGCONT)
            try:
                self._process.wait(_END)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(_END)
        self._reader.join(_END)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _read(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        for line in stream:
            self._lines.append(line)
            if self._ready in line:
                self._spoke.set()
        self._spoke.set()

    def _is_ready(self) -> bool:
        return self._process.poll() is None and any(self._ready in each for each in self._lines)


class NotStartedError(RuntimeError):
    """The server's process ended instead of serving, or was silent; the text has its log."""


def _descendants(ancestor: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # The command's name may hold anything, so what counts begins after its parenthesis.
            parent = int(stat.read_text(errors="replace").rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(stat.parent.name))
    found: list[int] = []
    pending = [ancestor]
    while pending:
        born = children.get(pending.pop(), [])
        found += born
        pending += born
    return found
