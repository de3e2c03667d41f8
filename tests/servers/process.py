"""A server's process: started, watched for its first word, logged, and ended with its children."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_START = 30.0
_END = 10.0
_CANNOT_FORK = "TtZX"  # stopped, traced, dead


class ServerProcess:
    """Runs a server in the foreground and keeps what it prints.

    The constructor returns once a line with `ready` has been printed, and raises `NotStartedError`
    when the process ends before, or says nothing like it for long. The server ends with the
    thread that constructs it: make it in the main thread.
    """

    def __init__(self, command: Sequence[str], ready: str) -> None:
        self._lines: list[str] = []
        self._ready = ready
        self._spoke = threading.Event()
        self._process = subprocess.Popen(
            _tied_to_us(command),
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
        return [pid for pid, _ in _descendants(self.pid)]

    def freeze(self) -> set[int]:
        """Stop all that it started, which leaves their sockets open and silent; return the pids.

        What is stopped starts no more, so that in the end none is missed.
        """
        found: set[int] = set()
        give_up = time.monotonic() + _END
        while time.monotonic() < give_up:
            processes = dict(_descendants(self.pid))
            new = processes.keys() - found
            for pid in new:
                _send(pid, signal.SIGSTOP)
            found |= new
            if not new and set(processes.values()) <= set(_CANNOT_FORK):
                break
        return found

    def thaw(self) -> None:
        """Let go on what `freeze` has stopped."""
        for pid in self.descendants():
            _send(pid, signal.SIGCONT)

    def kill(self) -> None:
        """Kill all that it started."""
        # Had they been killed as they were found, one could have started another that is not
        # found any more, for it is then a child of init's.
        for pid in self.freeze():
            _send(pid, signal.SIGKILL)

    def end(self) -> None:
        """End the server, and what it started. Idempotent."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGSTOP)
            self.kill()
            self._process.terminate()
            self._process.send_signal(signal.SIGCONT)
            try:
                self._process.wait(_END)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(_END)
        self._reader.join(_END)
        if self._reader.is_alive():
            raise RuntimeError(f"a process of pid {self.pid}'s outlived it\n{self.log()}")

    def _read(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        with stream:
            for line in stream:
                self._lines.append(line)
                if self._ready in line:
                    self._spoke.set()
        self._spoke.set()

    def _is_ready(self) -> bool:
        return self._process.poll() is None and any(self._ready in each for each in self._lines)


class NotStartedError(RuntimeError):
    """The server's process ended instead of serving, or was silent; the text has its log."""


def _send(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _tied_to_us(command: Sequence[str]) -> list[str]:
    """Have the kernel end the server should this process be killed, and not clean up."""
    setpriv = shutil.which("setpriv")
    return [*([setpriv, "--pdeathsig", "TERM", "--"] if setpriv else []), *command]


def _descendants(ancestor: int) -> list[tuple[int, str]]:
    """Return the pids and states (proc(5), stat) of a process's descendants."""
    children: dict[int, list[tuple[int, str]]] = {}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            stat = (process / "stat").read_text(errors="replace")
            # The command's name may hold anything, so what counts begins after its parenthesis.
            state, parent, *_ = stat.rpartition(")")[2].split()
            children.setdefault(int(parent), []).append((int(process.name), state))
    found: list[tuple[int, str]] = []
    pending = [ancestor]
    while pending:
        born = children.get(pending.pop(), [])
        found += born
        pending += [pid for pid, _ in born]
    return found
