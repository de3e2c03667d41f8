"""What a channel owns: the ssh that carries it, and those of the jump hosts before it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ncwire_openssh.master import Master
    from ncwire_openssh.mux import MuxClient


@dataclass(frozen=True, slots=True)
class OpenSSHProcess:
    """The ssh that carries a session: `pid` is its process id."""

    pid: int


class Connection:
    """The masters in the order in which they were started; the last carries the session.

    A shared one that somebody else has started is not among them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._masters: list[Master] = []
        self._forwards: list[MuxClient] = []
        self.aborted = False
        self.process: OpenSSHProcess | None = None

    def add(self, master: Master) -> None:
        """Take a master, which is ended with the others from here on."""
        with self._lock:
            self._masters.append(master)

    def add_forward(self, forward: MuxClient) -> None:
        """Take what carries the bytes between two of them."""
        self._forwards.append(forward)

    def interrupt(self) -> None:
        """Kill all from another thread than the owner's, who sees them end, and frees the rest."""
        with self._lock:
            self.aborted = True
            masters = list(self._masters)
        for master in masters:
            master.interrupt()

    def settle(self) -> None:
        """Let go of what only connecting needs."""
        for master in self._masters:
            master.forget_questions()
            if master.shared:
                master.kill()

    def read_log(self) -> None:
        """Take in what they have logged, so that they can go on to log; never blocks."""
        for master in self._masters:
            if not master.shared:
                master.read()

    def reason(self) -> str:
        """Return why the session has ended, in ssh's words."""
        if not self._masters or self._masters[-1].shared:
            return "the shared connection has ended"
        # The first that has ended takes the others with it, and those know nothing of why.
        for master in self._masters:
            if not master.read() or master is self._masters[-1]:
                reason = master.end_reason()
                return f"jump host {master.name}: {reason}" if master.name else reason
        return ""

    def kill(self) -> None:
        """Free everything now. Idempotent."""
        for forward in self._forwards:
            forward.close()
        for master in reversed(self._masters):
            master.kill()

    def end(self) -> None:
        """Have all end in order, the last first; may wait some seconds. Idempotent."""
        for master in reversed(self._masters):
            master.end()
        for forward in self._forwards:
            forward.close()
