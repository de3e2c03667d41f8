"""CPU time and memory of this process and of those that it started: proc(5), Linux only.

Elsewhere CPU time is this process's alone, and memory is not known.
"""

from __future__ import annotations

import ctypes
import gc
import os
import time
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")
_LIBC = ctypes.CDLL(None)
_KILO = 1024
_FORGET_PEAK = "5"


def cpu_time() -> float:
    """Return the CPU time of this process and of its children, in seconds."""
    return time.process_time() + sum(_cpu_of(pid) for pid in _descendants())


def resident(name: str) -> int:
    """Return a figure of proc(5), status, of this process and its children, in bytes."""
    return sum(_status(pid, name) for pid in (os.getpid(), *_descendants()))


def give_back() -> None:
    """Give back what was freed, which glibc keeps: what is taken then is seen to be taken."""
    gc.collect()
    if hasattr(_LIBC, "malloc_trim"):
        _LIBC.malloc_trim(0)


def forget_peak() -> None:
    """Have VmHWM begin anew, after giving back what was freed."""
    give_back()
    for pid in (os.getpid(), *_descendants()):
        with suppress(OSError):  # some containers do not allow it
            (_PROC / str(pid) / "clear_refs").write_text(_FORGET_PEAK, encoding="ascii")


def _cpu_of(pid: int) -> float:
    # Nanoseconds; /proc/PID/stat has ticks of 10 ms.
    total = 0.0
    for each in (_PROC / str(pid) / "task").glob("*/schedstat"):
        with suppress(OSError):  # it has ended since
            total += int(each.read_text(encoding="ascii").split()[0]) / 1e9
    return total


def _status(pid: int, name: str) -> int:
    with suppress(OSError):
        text = (_PROC / str(pid) / "status").read_text(encoding="utf-8", errors="replace")
        for line in text.splitlines():
            key, _, value = line.partition(":")
            if key == name:
                return int(value.split()[0]) * _KILO
    return 0  # it has ended since


def _descendants() -> list[int]:
    found: list[int] = []
    pending = [os.getpid()]
    while pending:
        for children in (_PROC / str(pending.pop()) / "task").glob("*/children"):
            with suppress(OSError):
                born = [int(pid) for pid in children.read_text(encoding="ascii").split()]
                found += born
                pending += born
    return found
