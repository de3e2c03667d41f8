"""Whether a caller's thread serves a connection in place of the loop's, and how it waits."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from ncwire._engine.poller import READ, EpollPoller
from ncwire._interrupts import by_signal
from ncwire.driver import Wakeup
from ncwire.driver.forking import free_in_child

if TYPE_CHECKING:
    from collections.abc import Callable

    from ncwire._engine.outcome import Outcome


class Leader:
    """One caller at a time has it, from `take` to `give_back`, and may `wait` for the fd.

    While it waits, what comes wakes it alone: the fd is watched for by the kernel's exclusive
    wake-ups, and it is the first in line, since `stand_behind` puts the loop behind it. While it
    does not, what comes wakes the loop. So no call changes what is watched.

    **Who reads, who sleeps and who rings.** Any thread may read a reply: the caller that has
    borrowed the connection, the loop's thread, and another caller that has just sent something.
    A caller that has not borrowed it sleeps on its own `Outcome`, which tells it itself. The one
    that has sleeps in `wait`, where an outcome cannot tell it. So, in this order:

    1. a caller takes it (`owner` is set), then looks whether its outcome is done, then sleeps;
    2. who reads a reply completes the outcome, then looks for an `owner` whose outcome is done
       (`ring`), with the channel's lock released, and rings the bell; a bell that was rung before
       the sleep ends it at once;
    3. who is interrupted between these two wakes the loop, which rings in its stead, as it does
       after each of its turns.

    One of 1 and 2 therefore sees what the other did: `tests/core/serving_model.py` explores every
    order of their steps.

    `take`, `give_back`, `ring` and `close` are for every thread. What is needed to wait is made
    when the first caller takes it, and is gone when `close` was called and it has no owner.
    """

    def __init__(self, fd: int, stand_behind: Callable[[], None]) -> None:
        self._fd = fd
        self._stand_behind = stand_behind
        # Re-entrant, as each lock of the engine: a signal handler may call the session whose
        # lock the code that it has interrupted holds.
        self._change = threading.RLock()
        self.owner: Outcome | None = None
        """What the caller that has it waits for. Only that caller takes it away: by a plain
        assignment, which no interrupt can come in the middle of."""
        self.closed = False
        """Whether `close` was called: the owner must leave, and `close` once more."""
        self._poller: EpollPoller | None = None
        self._wait: Callable[[float], list[tuple[int, int]]] = _nothing
        self._wakeup: Wakeup | None = None
        self._rings = -1  # its fd

    def take(self, outcome: Outcome) -> bool:
        """Take it for the caller that waits for this, if no other has it; do not wait for that.

        False also when there is no fd left to wait with, or the connection's is closed. The caller
        looks at `owner` before it leaves: an interrupt may come when it is set already.
        """
        with self._change:
            if self.closed or self.owner is not None:
                return False
            self.owner = outcome
        if self._poller is not None or self._prepare():
            return True
        self.owner = None
        return False

    def give_back(self) -> None:
        """Let others take it, unless an interrupt has done so; its owner's to call."""
        self.owner = None
        if self.closed:  # set before `close` looks for an owner: so one of both frees
            self.close()

    def wait(self, seconds: float) -> None:
        """Wait until the fd can be read, or another thread rings, or time is up.

        What can be read then is to be read until nothing is left, or to be left to the loop
        expressly: no other thread has been told of it. Only for the thread that has taken it.

        Of the peer's end all are told, though, exclusive or not: the kernel wakes for a change of
        the socket's state all that wait, with no key (Linux 6.1, `sk_state_change` as tcp_fin and
        unix_release_sock call it). So a channel may take a read that came short for the last, as
        the fd's readiness is a level: what comes with the end is not lost.
        """
        try:
            for fd, _ in self._wait(max(0.0, seconds)):
                wakeup = self._wakeup  # once: a handler's fork may take it away in between
                if fd == self._rings and wakeup is not None:
                    wakeup.clear()
        except (OSError, ValueError) as error:
            # In a child that a signal handler has forked in the middle, all this is closed.
            if not self.closed or by_signal(error):
                raise

    def ring(self) -> None:
        """Wake the owner if what it waits for is done, or if it must leave."""
        owner = self.owner
        if owner is not None and (owner.done or self.closed):
            self.wake()

    def wake(self) -> None:
        """Wake the owner."""
        wakeup = self._wakeup
        if wakeup is not None:
            wakeup.ring()

    def close(self) -> None:
        """Free what it waits with, now or when it is given back. Idempotent."""
        with self._change:
            self.closed = True
            if self.owner is None:
                self._free()
            else:
                self.wake()

    def _prepare(self) -> bool:
        try:
            self._wakeup = Wakeup()
            self._rings = self._wakeup.fileno()
            poller = EpollPoller(exclusive=True)
            poller.watch(self._rings, READ)
            # Last, for its number comes to be another's when the connection is freed meanwhile.
            poller.watch(self._fd, READ)
        except BaseException as error:
            self._free()
            if isinstance(error, OSError) and not by_signal(error):
                return False
            raise
        with self._change:
            self._poller, self._wait = poller, poller.wait
        self._stand_behind()
        return True

    def _free(self) -> None:
        poller, self._poller, self._wait = self._poller, None, _nothing
        wakeup, self._wakeup = self._wakeup, None
        if poller is not None:
            poller.close()
        if wakeup is not None:
            wakeup.close()

    def abandon_in_child(self) -> None:
        """Close this process's copies, which the parent goes on with: nothing is changed there."""
        free_in_child(self._change)
        self.owner = None
        self.close()


def _nothing(_seconds: float) -> list[tuple[int, int]]:
    return []
