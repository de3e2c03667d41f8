"""What a process holds: memory, fds, threads, children (proc(5))."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import NamedTuple

from ncwire.bench import consumption

_SETTLES = 15.0
_LOOKS = 0.05
_KIB = 1024


class State(NamedTuple):
    """What the process holds when nothing is under way."""

    resident: int
    """In kB."""
    fds: int
    threads: int
    children: int


def settled(like: State | None) -> State:
    """Return the state, once it holds no more than it did before; or after some seconds.

    A session's thread, and a proxy's, ends a little after the call that ends it.
    """
    end = time.monotonic() + _SETTLES
    while True:
        now = _state()
        if like is None or time.monotonic() >= end:
            return now
        if now.fds <= like.fds and now.threads <= like.threads and now.children <= like.children:
            return now
        time.sleep(_LOOKS)  # nothing tells of an fd that was closed


def _state() -> State:
    consumption.give_back()
    status = Path("/proc/self/status").read_text(encoding="ascii")
    resident = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    tasks = Path("/proc/self/task")
    children = sum(
        len((task / "children").read_text(encoding="ascii").split())
        for task in tasks.iterdir()
        if (task / "children").exists()
    )
    return State(
        int(resident.split()[1]),
        len(list(Path("/proc/self/fd").iterdir())) - 1,
        max(threading.active_count(), len(list(tasks.iterdir()))),
        children,
    )
