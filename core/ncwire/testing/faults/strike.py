"""`Strike`: one fault, done to one connection when its phase comes."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ncwire.testing.fault_proxy import FaultProxy, Side
    from ncwire.testing.faults.fault import Fault


class Strike:
    """What `fault` does to the bytes of one side.

    It is told when by one of its methods, once, at a moment at which the peer of that side waits
    for it: all that it had sent before has arrived, so that the next bytes are those meant.
    """

    def __init__(self, proxy: FaultProxy, fault: Fault, side: Side) -> None:
        self.done = threading.Event()
        """Set once the fault has happened; then `at` is when, on the clock of `time.monotonic`."""
        self.at = 0.0
        self._proxy = proxy
        self._fault = fault
        self._side = side

    def at_next_bytes(self) -> None:
        """Strike what that side sends next."""
        self._proxy.change_next(self._changed, self._then, of=self._side)

    def at_message(self, number: int) -> None:
        """Strike the server's message of that number; see `FaultProxy.change_message`."""
        self._proxy.change_message(number, self._changed, self._then)

    def in_silence(self) -> None:
        """Strike now if the fault needs no bytes, or else what that side sends next."""
        if self._fault.ends:
            self._note()
            self._then()
        else:
            self.at_next_bytes()

    def _changed(self, data: bytes) -> bytes:
        self._fault.begin(self._proxy)
        self._note()
        return self._fault.changed(data)

    def _then(self) -> None:
        self._fault.end(self._proxy, self._side)

    def _note(self) -> None:
        self.at = time.monotonic()
        self.done.set()
