"""A contestant's process: told by a pipe to connect, and to carry out batches of rpcs.

With the standard library only, for it runs under the Pythons of the peers too. Requests are
lines of JSON on stdin, answers lines of JSON on what was stdout. The first line is the target and
the contestant's parameters: on a command line others could read them.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import re
import sys
import time
import traceback
import zlib
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from ncwire.bench import consumption, subsystem
from ncwire.bench.quantities import Batch, quantile
from ncwire.bench.target import Case, Target

if TYPE_CHECKING:
    from collections.abc import Callable

WARM_UP = 0.1
"""How much of a batch's time comes before it, and is not counted."""

_RPC_ERROR = re.compile(rb"<(?:[\w.-]+:)?rpc-error[\s>]")
_ERROR_TAG = re.compile(rb"<(?:[\w.-]+:)?error-tag>\s*([\w-]+)")


class ReplyError(ValueError):
    """A reply is not the one that was asked for."""


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

    def worker(self) -> Any:
        """Return what carries out this process's requests."""
        return Worker(self)


class Worker:
    """Carries out a process's requests, with one session at a time."""

    def __init__(self, contestant: Contestant) -> None:
        self.contestant = contestant
        self._framing: str | None = None
        self._connected = False
        self._checked: set[Case] = set()
        self._resident = 0  # of the idle session, which no reply has made larger

    def connect(self, framing: str, seconds: float, most: int) -> Batch:
        """Open sessions one after the other, for so many seconds and at most so many.

        Each ends with its hello, and is closed unmeasured. Returns seconds for each. Before the
        first of all there is one that is not counted, for which libraries are imported.
        """
        self.close()
        if not self._connected:
            self.contestant.open(framing)
            self.contestant.close()
            self._connected = True
        times: list[float] = []
        cpu = 0.0
        until = time.perf_counter() + seconds
        while not times or (len(times) < most and time.perf_counter() < until):
            before, began = consumption.cpu_time(), time.perf_counter()
            self.contestant.open(framing)
            times.append(time.perf_counter() - began)
            cpu += consumption.cpu_time() - before
            self.contestant.close()
        times.sort()
        return {"count": len(times), "p50": quantile(times, 0.5), "cpu": cpu / len(times)}

    def batch(self, case: dict[str, Any], seconds: float, least: int = 1) -> Batch:
        """Carry out rpcs for so many seconds, and at least so many; return what they took.

        Times are in seconds for each rpc: their quantiles, and CPU time of the process and its
        children. Memory is in bytes: the most that was resident meanwhile, and by how much that
        is more than when the session had just been opened.
        """
        rpc = self.prepared(Case(**case))
        warm = time.perf_counter() + WARM_UP * seconds
        while time.perf_counter() < warm:
            rpc()
        consumption.forget_peak()
        times: list[float] = []
        cpu = consumption.cpu_time()
        began = now = time.perf_counter()
        until = began + seconds
        while now < until or len(times) < least:
            rpc()
            last, now = now, time.perf_counter()
            times.append(now - last)
        cpu = consumption.cpu_time() - cpu
        peak = consumption.resident("VmHWM")
        times.sort()
        return {
            "count": len(times),
            "wall": (now - began) / len(times),
            "p50": quantile(times, 0.5),
            "p95": quantile(times, 0.95),
            "p99": quantile(times, 0.99),
            "cpu": cpu / len(times),
            "peak": peak,
            "growth": peak - self._resident,
        }

    def close(self) -> None:
        """End the session; the next request opens another."""
        self._framing = None
        self.contestant.close()

    def prepared(self, case: Case) -> Callable[[], object]:
        """Return what carries out one rpc of this case, on a session that is open for it."""
        self.opened(case.framing)
        rpc = self.contestant.prepare(case)
        if case not in self._checked:
            check(self.contestant.document(rpc()), case)
            self._checked.add(case)
        return rpc

    def opened(self, framing: str) -> None:
        """Have a session with this framing."""
        if framing != self._framing:
            self.contestant.open(framing)
            self._framing = framing
            self._resident = self._resident or consumption.resident("VmRSS")


def check(document: bytes, case: Case) -> None:
    """Raise `ReplyError` unless this is the whole reply."""
    if case.xml:
        if _RPC_ERROR.search(document):
            found = _ERROR_TAG.search(document)
            raise ReplyError(f"an <rpc-error> came: {found[1].decode() if found else 'no tag'}")
        return
    if not case.size:
        if b"<ok/>" not in document:
            raise ReplyError(f"no <ok/> in {document[:200]!r}")
        return
    before, begin, rest = document.partition(b"<data>")
    content, end, _ = rest.rpartition(b"</data>")
    if not begin or not end:
        raise ReplyError(f"<data> not found in {before[:200]!r}")
    if len(content) != case.size or zlib.crc32(content) != subsystem.expected(case.size):
        raise ReplyError(f"{len(content)} bytes of content where {case.size} were asked for")


def main() -> None:
    """Answer requests until the end of stdin."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    # A library's log of an error that is told in the answer is not for the terminal.
    logging.getLogger().addHandler(logging.NullHandler())
    module, _, attribute = sys.argv[1].partition(":")
    settings = json.loads(sys.stdin.readline() or "null")
    worker: Any = None
    for line in sys.stdin:
        request, arguments = json.loads(line)
        try:
            if worker is None:
                kind = getattr(importlib.import_module(module), attribute)
                contestant = kind(Target(**settings["target"]), **settings["parameters"])
                worker = contestant.worker()
            answer: dict[str, object] = {"result": getattr(worker, request)(**arguments)}
        except Exception as error:  # noqa: BLE001 - whatever it is, the other process tells of it
            answer = {"error": traceback.format_exc(), "reason": _told(error)}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _told(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


if __name__ == "__main__":
    main()
