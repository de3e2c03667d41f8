"""Starting a thread so that no interrupt leaves it half started, and locks to wait for one by."""

from __future__ import annotations

import _thread
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from ncwire.driver.forking import Forkable, watch_forks

if TYPE_CHECKING:
    from typing import Final


def start_thread(thread: threading.Thread) -> None:
    """Start a thread, as `thread.start()` does, whatever a signal handler raises meanwhile.

    That comes out of this call. The thread then runs all the same, if it was to be started
    already: who starts one that an interrupt makes superfluous tells it so in what it looks at.

    Raises RuntimeError where the process can start no thread, as in a child that is forked
    meanwhile; no thread runs then. From any thread.

    `Thread.start` waits for the new thread at a lock. A handler that raises there leaves that
    lock taken at times, and the new thread waits for it for ever before it has run anything; at
    others a RuntimeError of the lock's takes the interrupt's place (CPython 3.11 to 3.13). So in
    the main thread, the only one that handlers run in, another one starts it.
    """
    if threading.get_ident() != threading.main_thread().ident:
        thread.start()
        return
    starter = _Starter(thread)
    watch_forks(starter)
    _thread.start_new_thread(starter.run, ())
    starter.wait()


class _Starter(Forkable):
    def __init__(self, thread: threading.Thread) -> None:
        self._thread = thread
        self._done: Final = locked()
        self._failures: list[BaseException] = []

    def run(self) -> None:
        """Start the thread. In a thread of its own."""
        try:
            self._thread.start()
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            self._failures.append(error)
        unlock(self._done)

    def wait(self) -> None:
        """Wait until the thread has started, or raise why it has not."""
        self._done.acquire()
        try:
            for failure in self._failures:
                raise failure
        finally:
            self._failures.clear()  # whose traceback refers to this

    def abandon_in_child(self) -> None:
        """Have no thread to wait for; see `Forkable`."""
        self._failures.append(RuntimeError("can't start new thread: this process was forked"))
        unlock(self._done)


def locked() -> _thread.LockType:
    """Return a lock that is held, until `unlock`."""
    lock = _thread.allocate_lock()
    lock.acquire()
    return lock


def unlock(lock: _thread.LockType) -> None:
    """Let a lock go, if it is held. Any thread may."""
    with suppress(RuntimeError):  # it is unlocked
        lock.release()
