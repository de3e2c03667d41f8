"""The workers: the threads that answer calls, each call on one of its own."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from ncwire.driver.forking import free_in_child
from ncwire.driver.threads import start_thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from ncwire.callhome.call import Call


class Workers:
    """Has calls answered by `answer`; `done` is called after each, on its thread.

    What `answer` returns, if anything, is called when the call counts as answered already: for
    work that takes as long as it takes, and that nothing here waits for.
    """

    def __init__(
        self,
        answer: Callable[[Call], Callable[[], object] | None],
        done: Callable[[], object],
    ) -> None:
        self._answer = answer
        self._done = done
        self._lock = threading.RLock()
        self._ended = False
        self._calls: set[Call] = set()
        self._answered: list[Call] = []
        self._threads: set[threading.Thread] = set()

    def __len__(self) -> int:
        """Return how many calls are being answered."""
        with self._lock:
            return len(self._calls)

    def start(self, call: Call) -> None:
        """Have a call answered; after `end`, aborted. Raises RuntimeError without a thread."""
        thread = threading.Thread(
            target=self._run, args=(call,), name=f"ncwire-call-{call.peer}", daemon=True
        )
        with self._lock:
            if self._ended:
                call.abort()
                return
            start_thread(thread)
            self._calls.add(call)
            self._threads = {each for each in self._threads if each.is_alive()} | {thread}

    def answered(self) -> list[Call]:
        """Return the calls that have been answered since this was last asked."""
        with self._lock:
            answered, self._answered = self._answered, []
        return answered

    def end(self) -> None:
        """Abort all calls, and answer none from here on. Idempotent."""
        with self._lock:
            self._ended = True
            calls = list(self._calls)
        for call in calls:
            call.abort()

    def join(self, until: float) -> list[str]:
        """Wait for the threads that answer; return the names of those left (`time.monotonic`)."""
        with self._lock:
            threads = self._threads - {threading.current_thread()}
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))
        return [thread.name for thread in threads if thread.is_alive()]

    def abandon_in_child(self) -> None:
        """Let go of all calls in a forked child, which has none of the threads."""
        free_in_child(self._lock)
        self._ended = True
        calls, self._calls, self._threads = self._calls, set(), set()
        for call in calls:
            call.abandon_in_child()

    def _run(self, call: Call) -> None:
        afterwards = None
        try:
            afterwards = self._answer(call)
        finally:
            with self._lock:
                self._calls.discard(call)
                self._answered.append(call)
                if afterwards is not None:
                    self._threads.discard(threading.current_thread())
            self._done()
        if afterwards is not None:
            afterwards()
