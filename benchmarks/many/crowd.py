"""A contestant with many sessions, and what its process measures."""

from __future__ import annotations

import gc
import threading
import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from ncwire.bench.consumption import cpu_time, resident
from ncwire.bench.target import Case

if TYPE_CHECKING:
    from ncwire.bench.target import Target

AT_ONCE = 16
"""How many connections are being opened at a time."""


class Crowd(ABC):
    """Many sessions in one process. A subclass says how they are served."""

    def __init__(self, target: Target, **parameters: Any) -> None:
        self.target = target
        self.parameters = parameters

    @abstractmethod
    def connect(self, count: int) -> None:
        """Open so many sessions, `AT_ONCE` at a time."""

    @abstractmethod
    def exchange(self, seconds: float, rate: float, streamed: int) -> list[float]:
        """Carry out empty rpcs for so many seconds; return what each took, in seconds.

        All sessions at once, each with one rpc in flight; or with a `rate`, so many a second over
        all, session by session. With `streamed` the first session asks for replies of so many
        bytes meanwhile, one after the other, and is left out of what is returned.
        """

    def idle(self, seconds: float) -> None:
        """Do nothing, as a program that waits does."""
        time.sleep(seconds)

    @abstractmethod
    def close(self) -> None:
        """End all sessions."""

    def worker(self) -> CrowdWorker:
        """Return what carries out this process's requests."""
        return CrowdWorker(self)


class CrowdWorker:
    """Measures a crowd. What it returns is in seconds and bytes, for one session or one rpc."""

    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd

    def connect(self, count: int) -> dict[str, float]:
        gc.collect()
        memory, cpu, began = resident("VmRSS"), cpu_time(), time.perf_counter()
        self._crowd.connect(count)
        took, cpu = time.perf_counter() - began, cpu_time() - cpu
        gc.collect()
        return {
            "connect": took / count,
            "connect_cpu": cpu / count,
            "memory": (resident("VmRSS") - memory) / count,
            "threads": threading.active_count(),
        }

    def idle(self, seconds: float) -> dict[str, float]:
        cpu, began = cpu_time(), time.perf_counter()
        self._crowd.idle(seconds)
        return {"idle": (cpu_time() - cpu) / (time.perf_counter() - began)}

    def exchange(self, seconds: float, rate: float = 0.0, streamed: int = 0) -> dict[str, float]:
        cpu, began = cpu_time(), time.perf_counter()
        times = sorted(self._crowd.exchange(seconds, rate, streamed))
        cpu, took = cpu_time() - cpu, time.perf_counter() - began
        return {
            "count": len(times),
            "rate": len(times) / took,
            "cpu": cpu / len(times),
            "p50": times[len(times) // 2],
            "p99": times[int(len(times) * 0.99)],
            "worst": times[-1],
        }

    def close(self) -> None:
        self._crowd.close()


EMPTY = Case(0)
