"""`Crew`: several processes that try cells at the same time, since most of it is waiting."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Self

from ncwire.testing.faults.cell import WRONG, Result

if TYPE_CHECKING:
    from types import TracebackType

    from ncwire.testing.faults.cell import Cell

JOBS = 4
_LAST_WORDS = 2000
_PATIENCE = 5.0
"""Seconds that a process may take to its end, at the end of its orders."""


class Crew:
    """Tries cells in `jobs` processes, until `close`. One that a cell kills is replaced."""

    def __init__(self, jobs: int = JOBS) -> None:
        self._pool = ThreadPoolExecutor(jobs, thread_name_prefix="fault matrix")
        self._free: queue.LifoQueue[_Worker] = queue.LifoQueue()
        self._all: list[_Worker] = []
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def submit(self, cell: Cell) -> Future[Result]:
        """Have a cell tried; the future never fails, whatever the cell does to its process."""
        return self._pool.submit(self._try, cell)

    def close(self) -> None:
        """Begin no more cells, and end the processes. Idempotent."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            workers, self._all = self._all, []
        for worker in workers:
            worker.close()
        self._pool.shutdown()

    def _try(self, cell: Cell) -> Result:
        try:
            worker = self._free.get_nowait()
        except queue.Empty:
            worker = _Worker()
            with self._lock:
                self._all.append(worker)
        try:
            result = worker.run(cell)
        except (OSError, ValueError):
            return Result(cell, WRONG, f"its process ended: {worker.last_words()}")
        self._free.put(worker)
        return result


class _Worker:
    """One process."""

    def __init__(self) -> None:
        with ExitStack() as stack:
            self._stderr = stack.enter_context(
                tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")
            )
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ncwire.testing.faults.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                encoding="utf-8",
            )
            self._stack = stack.pop_all()

    def run(self, cell: Cell) -> Result:
        """Try a cell; raises OSError or ValueError when the process has died of it."""
        process = self._process
        if process.stdin is None or process.stdout is None:
            raise ValueError("no pipes")
        order = [cell.driver, cell.phase.value, cell.fault.value, cell.by_await]
        process.stdin.write(json.dumps(order) + "\n")
        process.stdin.flush()
        return Result.from_json(json.loads(process.stdout.readline()))

    def last_words(self) -> str:
        """Return the status and the end of stderr of a process that has died."""
        status = self._process.wait()
        self._stderr.seek(0)
        return f"status {status}\n{self._stderr.read()[-_LAST_WORDS:]}"

    def close(self) -> None:
        """End it, in the middle of a cell if it is at one."""
        process = self._process
        if process.stdin is not None:
            # What was written and not taken goes nowhere now.
            with suppress(OSError):
                process.stdin.close()
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()
        self._stack.close()
