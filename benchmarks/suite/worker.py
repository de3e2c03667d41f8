"""A contestant's process: told by a pipe to connect, and to carry out batches of rpcs.

With the standard library only, for it runs under the Pythons of the peers too. Requests are
lines of JSON on stdin, answers lines of JSON on what was stdout.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import sys
import time
import traceback
import zlib
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite import subsystem
from suite.target import Case, Target

if TYPE_CHECKING:
    from collections.abc import Callable

_LIBC = ctypes.CDLL(None)
WARM_UP = 0.1  # of a batch's time


class Contestant(ABC):
    """One way of carrying out rpcs. What it waits for is measured: it does nothing besides."""

    def __init__(self, target: Target, **parameters: Any) -> None:
        self.target = target
        self.parameters = parameters

    @abstractmethod
    def open(self, framing: str) -> None:
        """Open a session with this framing, after closing one that is open."""

    @abstractmethod
    def prepare(self, case: Case) -> Callable[[], object]:
        """Return what carries out one rpc and returns the whole reply, in whatever form."""

    @abstractmethod
    def document(self, reply: Any) -> bytes:
        """Return a reply's document, to be checked; not measured."""

    def close(self) -> None:
        """End the session."""

    def worker(self) -> Worker:
        """Return what carries out this process's requests."""
        return Worker(self)


class Worker:
    def __init__(self, contestant: Contestant) -> None:
        self._contestant = contestant
        self._framing: str | None = None
        self._checked: set[Case] = set()
        self._resident = 0  # of the idle session, which no reply has made larger

    def batch(self, case: dict[str, Any], seconds: float, least: int) -> dict[str, float]:
        """Carry out rpcs for so many seconds, and at least so many; return what they took.

        Times are in seconds for each rpc: their quantiles, and CPU time of the process and its
        children. Memory is in bytes: the most that was resident meanwhile, and by how much that
        is more than when the session had just been opened.
        """
        rpc = self._prepared(Case(**case))
        warm = time.perf_counter() + WARM_UP * seconds
        while time.perf_counter() < warm:
            rpc()
        gc.collect()
        _forget_peak()
        times = []
        cpu = cpu_time()
        began = now = time.perf_counter()
        until = began + seconds
        while now < until or len(times) < least:
            rpc()
            last, now = now, time.perf_counter()
            times.append(now - last)
        cpu = cpu_time() - cpu
        peak = resident("VmHWM")
        times.sort()
        return {
            "count": len(times),
            "wall": (now - began) / len(times),
            "p50": times[len(times) // 2],
            "p95": times[int(len(times) * 0.95)],
            "p99": times[int(len(times) * 0.99)],
            "cpu": cpu / len(times),
            "peak": peak,
            "growth": peak - self._resident,
        }

    def close(self) -> None:
        self._contestant.close()

    def _prepared(self, case: Case) -> Callable[[], object]:
        if case.framing != self._framing:
            self._contestant.open(case.framing)
            self._framing = case.framing
            self._resident = self._resident or resident("VmRSS")
        rpc = self._contestant.prepare(case)
        if case not in self._checked:
            check(self._contestant.document(rpc()), case)
            self._checked.add(case)
        return rpc


def check(document: bytes, case: Case) -> None:
    """Raise ValueError unless this is the whole reply."""
    if not case.size:
        if b"<ok/>" not in document:
            raise ValueError(f"no <ok/> in {document[:200]!r}")
        return
    start = document.index(b"<data>") + len(b"<data>")
    content = memoryview(document)[start : document.rindex(b"</data>")]
    if len(content) != case.size or zlib.crc32(content) != subsystem.expected(case.size):
        raise ValueError(f"{len(content)} bytes of content where {case.size} were asked for")


def cpu_time() -> float:
    """Return the CPU time of this process and of its children, in seconds."""
    return time.process_time() + sum(_cpu_of(pid) for pid in _descendants())


def _cpu_of(pid: int) -> float:
    # Nanoseconds; /proc/PID/stat has ticks of 10 ms.
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(each.read_text().split()[0]) for each in tasks) / 1e9


def resident(name: str) -> int:
    """Return a figure of proc(5), status, of this process and its children, in bytes."""
    return sum(_status(pid, name) for pid in (os.getpid(), *_descendants()))


def _status(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return int(value.split()[0]) * 1024
    raise LookupError(name)


def _forget_peak() -> None:
    if hasattr(_LIBC, "malloc_trim"):  # glibc keeps what was freed
        _LIBC.malloc_trim(0)
    for pid in (os.getpid(), *_descendants()):
        Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")  # proc(5)


def _descendants() -> list[int]:
    found: list[int] = []
    pending = [os.getpid()]
    while pending:
        for children in Path(f"/proc/{pending.pop()}/task").glob("*/children"):
            born = [int(pid) for pid in children.read_text().split()]
            found += born
            pending += born
    return found


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    name, target, parameters = sys.argv[1:]
    module, _, attribute = name.partition(":")
    worker = None
    for line in sys.stdin:
        request, arguments = json.loads(line)
        try:
            if worker is None:
                kind = getattr(importlib.import_module(module), attribute)
                contestant = kind(Target(**json.loads(target)), **json.loads(parameters))
                worker = contestant.worker()
            answer = {"result": getattr(worker, request)(**arguments)}
        except Exception:  # noqa: BLE001 - whatever it is, the other process tells of it
            answer = {"error": traceback.format_exc()}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
