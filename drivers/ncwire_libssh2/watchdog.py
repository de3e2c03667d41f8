"""The end of a call of libssh2's that a peer keeps busy."""

from __future__ import annotations

import queue
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from ncwire.driver import Forkable, start_thread, watch_forks

if TYPE_CHECKING:
    from collections.abc import Hashable
    from typing import Protocol

    class Interruptible(Hashable, Protocol):
        """A connection, as far as it concerns the watchdog."""

        def interrupt(self, since: float) -> None:
            """End the call that began then, if it is still under way."""


_LONGEST = 0.025
"""Seconds that a call may take before it is interrupted; up to twice as many in effect."""

_WAKEFUL = 1.0
"""Seconds in which the thread sees no call, after which it sleeps until there is one."""

_LEAVING = 1.0


class Watchdog(Forkable):
    """Interrupts calls that take too long. One thread, for all connections of the process.

    libssh2 1.11.1 takes in packets until the socket has no more (channel.c,
    _libssh2_channel_read and _libssh2_channel_write; packet.c, _libssh2_packet_requirev): a peer
    that sends without a pause what opens no window (stderr, SSH_MSG_IGNORE, global requests)
    keeps it for as long as it likes. Nothing in libssh2's interface, and nothing of a socket's,
    bounds that; but it does not hold Python's lock, so another thread can take the socket away.

    Who calls libssh2 puts the connection into `calls` before, and takes it out after, the
    connection's lock being held; the value is when the call began. Then it wakes the thread
    if that is not `awake`. The thread first says that it is asleep, and then looks whether there
    are calls: so one of both sees the other.
    """

    def __init__(self) -> None:
        self.calls: dict[Interruptible, float] = {}
        """What is in libssh2, and since when, on the clock of `time.monotonic`."""
        self.awake = False
        """Whether the thread looks at `calls` now and again."""
        self._connections: set[int] = set()
        # Freeing comes out of a garbage collection, too, and that in the middle of anything.
        self._lock = threading.RLock()
        self._bell: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        watch_forks(self)

    def watch(self, connection: Interruptible) -> None:
        """Be there for a connection, until `forget`."""
        with self._lock:
            self._connections.add(id(connection))

    def forget(self, connection: Interruptible) -> None:
        """Let go of a connection; with the last one the thread ends. Idempotent."""
        with self._lock:
            self._connections.discard(id(connection))
            self.calls.pop(connection, None)
            if self._connections or self._thread is None:
                return
            thread, self._thread = self._thread, None
            self._bell.put(False)
            self._bell = queue.SimpleQueue()
            self.awake = False
        # At the interpreter's end threads of its own are gone, and nothing ever ends their wait.
        if thread is not threading.current_thread() and not sys.is_finalizing():
            with suppress(RuntimeError):  # an interrupt has kept it from starting
                thread.join(_LEAVING)

    def rouse(self) -> None:
        """Have the thread look at `calls`."""
        with self._lock:
            try:
                self.awake = True
                if self._thread is not None:
                    self._bell.put(True)
                    return
                self._thread = threading.Thread(
                    target=self._run,
                    args=(self._bell,),
                    name="ncwire-libssh2 watchdog",
                    daemon=True,
                )
                start_thread(self._thread)
            except RuntimeError:  # no thread is to be had; the next call tries again
                self._let_go()
            except BaseException:
                # An interrupt: whether a thread runs is not known.
                self._let_go()
                raise

    def _let_go(self) -> None:
        """Have the next call start a thread; one that runs after all ends by its bell."""
        self._thread = None
        self.awake = False
        bell, self._bell = self._bell, queue.SimpleQueue()
        bell.put(False)

    def abandon_in_child(self) -> None:
        """Begin anew: the thread is the parent's; see `Forkable`."""
        self.calls.clear()
        self._connections.clear()
        self.awake = False
        self._lock = threading.RLock()
        self._bell = queue.SimpleQueue()
        self._thread = None

    def _run(self, bell: queue.SimpleQueue[bool]) -> None:
        asleep, sleep_at = False, 0.0
        while True:
            roused = False
            with suppress(queue.Empty):
                roused = bell.get(timeout=None if asleep else _LONGEST)
                if not roused:
                    return
            now = time.monotonic()
            calls = self.calls.copy()
            for connection, since in calls.items():
                if now - since > _LONGEST:
                    with suppress(OSError):  # there is no fd left for it: the next time
                        connection.interrupt(since)
            if roused or calls:
                sleep_at = now + _WAKEFUL
            asleep = now > sleep_at and self._falls_asleep(bell)

    def _falls_asleep(self, bell: queue.SimpleQueue[bool]) -> bool:
        if bell is not self._bell:  # another has taken over
            return False
        self.awake = False
        if self.calls:
            self.awake = True
        return not self.awake


WATCHDOG = Watchdog()
"""The process's one."""
