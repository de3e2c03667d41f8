"""What a process holds: open fds, threads, child processes."""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_TASKS = Path("/proc/self/task")
_FDS = Path("/proc/self/fd")
_PAUSE = 0.01
_MOMENT = 0.3


@dataclass(frozen=True, slots=True)
class Resources:
    """A snapshot; where the system does not tell of something, that is empty."""

    fds: frozenset[str]
    """Each fd with what it is; a number that was closed and used again is another."""
    threads: frozenset[int]
    """By the system's ids, so that a C library's threads are among them."""
    children: frozenset[int]

    @classmethod
    def now(cls) -> Resources:
        """Look."""
        return cls(frozenset(_fds()), _threads(), _children())

    def added_since(self, before: Resources) -> str:
        """Tell what is here that was not there before; "" for nothing."""
        added = [
            *(f"fd {fd}" for fd in sorted(self.fds - before.fds)),
            *(f"thread {_name(thread)}" for thread in sorted(self.threads - before.threads)),
            *(f"child process {child}" for child in sorted(self.children - before.children)),
        ]
        return ", ".join(added)


def left_since(before: Resources, patience: float) -> str:
    """Tell what is left after all that was on its way out has gone; "" for nothing."""
    until = time.monotonic() + patience
    while left := Resources.now().added_since(before):
        if time.monotonic() > until:
            break
        # No event tells of the kernel's own end of a thread or of a server's closing its side.
        time.sleep(_PAUSE)
    return left


def settled(patience: float) -> None:
    """Wait until nothing comes or goes for a moment: what was closed ends behind our back."""
    until = time.monotonic() + patience
    quiet_since, seen = time.monotonic(), Resources.now()
    while (now := time.monotonic()) < until and now - quiet_since < _MOMENT:
        time.sleep(_PAUSE)
        if (found := Resources.now()) != seen:
            quiet_since, seen = now, found


def _fds() -> list[str]:
    if not _FDS.exists():
        return [f"{fd}" for fd in range(256) if _is_open(fd)]
    found = []
    for entry in os.listdir(_FDS):  # noqa: PTH208 - iterdir's own fd would be the same
        with suppress(OSError):  # the listing's own fd is closed by now
            found.append(f"{entry} ({(_FDS / entry).readlink()})")
    return found


def _is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


def _threads() -> frozenset[int]:
    if _TASKS.exists():
        return frozenset(int(task.name) for task in _TASKS.iterdir())
    return frozenset(thread.native_id or 0 for thread in threading.enumerate())


def _children() -> frozenset[int]:
    found: set[int] = set()
    for thread in _threads():
        with suppress(OSError):
            found.update(map(int, (_TASKS / str(thread) / "children").read_text().split()))
    return frozenset(found)


def _name(thread: int) -> str:
    names = [each.name for each in threading.enumerate() if each.native_id == thread]
    return names[0] if names else f"{thread}, of no Python code"
