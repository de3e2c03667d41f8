"""A thread that calls libssh2, so that who waits for it can leave when it does not return."""

from __future__ import annotations

import sys
import threading
import time
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from ncwire.driver import start_thread
from ncwire.driver.deadline import SLICE
from ncwire.errors import TransportError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ncwire.driver import Deadline

_GRACE = 0.5
"""Seconds for a call that is about to return when the deadline passes: without it a peer that is
only slow would now and then be taken for one that keeps libssh2 busy."""

_LEFT_BEHIND = (
    "libssh2 is still busy with what the server sent, in a thread that frees the connection when"
    " it is done (see `ncwire drivers`)"
)

NAME = "ncwire libssh2 connecting"
"""The thread's, for who looks at a process that has one left."""

_Jobs = SimpleQueue["_Job | None"]


class Aside:
    """Carries out calls one after the other in a thread of its own, which begins with the first.

    A call of libssh2's cannot be interrupted, and a server can keep one busy for minutes with a
    few bytes (CVE-2026-55199). So while a connection is being set up, each call that may read is
    made here, and the caller waits no longer than its deadline. The thread is a daemon: neither
    the process's end nor the end of the connection waits for a call that does not return.
    """

    def __init__(self) -> None:
        self._jobs: _Jobs = SimpleQueue()
        # `stop` may come from any thread, between what `call` looks at and what it does.
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopped = False
        self._busy = False

    def call(self, operation: Callable[[], Any], deadline: Deadline) -> Any:
        """Return what `operation` returns, or raise what it raises.

        Raises `StepTimeoutError` when it does neither in time, which is then left behind, and
        `TransportError` after `stop` and when the process can start no thread.
        """
        job = _Job(operation)
        with self._lock:
            if self._stopped:
                raise TransportError("the connection is closed")
            if self._thread is None:
                self._thread = self._started()
            self._busy = True
            self._jobs.put(job)
        job.wait(deadline)
        self._busy = False
        return job.outcome()

    def _started(self) -> threading.Thread:
        thread = threading.Thread(target=_serve, args=(self._jobs,), name=NAME, daemon=True)
        try:
            start_thread(thread)
        except RuntimeError as error:
            raise TransportError(f"libssh2 needs a thread to connect: {error}") from error
        return thread

    def stop(self) -> None:
        """End the thread, at once unless a call is under way: then with it. Idempotent."""
        with self._lock:
            thread = self._thread
            if not self._stopped:
                # Also where it knows of none: an interrupt may have come when one had started.
                self._jobs.put(None)
            self._stopped = True
        if thread is None or thread is threading.current_thread() or self._busy:
            return
        # At the interpreter's end, in the `__del__` of a global, daemon threads are gone without
        # having ended: CPython 3.13 would wait for one for ever.
        if not sys.is_finalizing():
            thread.join()


class _Job:
    def __init__(self, operation: Callable[[], Any]) -> None:
        self._operation = operation
        self._done: SimpleQueue[None] = SimpleQueue()
        self._result: Any = None
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            self._result = self._operation()
        except BaseException as error:  # noqa: BLE001 - raised again by who waits
            self._error = error
        self._done.put(None)

    def wait(self, deadline: Deadline) -> None:
        while True:
            left = deadline.at - time.monotonic()
            try:
                self._done.get(timeout=max(0.0, min(left, SLICE)))
            except Empty:
                if left > SLICE:
                    continue
                self._wait_longer(deadline)
            return

    def outcome(self) -> Any:
        if self._error is None:
            return self._result
        try:
            raise self._error
        finally:
            self._error = None  # its traceback has this frame, which has it

    def _wait_longer(self, deadline: Deadline) -> None:
        try:
            self._done.get(timeout=_GRACE)
        except Empty:
            error = deadline.error()
            error.args = (f"{error}; {_LEFT_BEHIND}",)
            raise error from None


def _serve(jobs: _Jobs) -> None:
    # It has no reference to the connection but through a job: one that is let go must end.
    while (job := jobs.get()) is not None:
        job.run()
        del job
