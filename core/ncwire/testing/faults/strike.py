"""`Strike`: one fault, done to one connection when its phase comes."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

    from ncwire.testing.fault_link import Side
    from ncwire.testing.fault_proxy import FaultProxy
    from ncwire.testing.faults.fault import Fault

_PATIENCE = 10.0
_LENGTH, _TAG = 4, 16


class Strike:
    """What `fault` does to the bytes of one side.

    It is told when by one of its methods, once, at a moment at which the peer of that side waits
    for it: all that it had sent before has arrived, so that the next bytes are those meant.
    """

    def __init__(self, proxy: FaultProxy, fault: Fault, side: Side) -> None:
        self.done = threading.Event()
        """Set once the fault has happened; then `at` is when, on the clock of `time.monotonic`."""
        self.at = 0.0
        self.spared = 0
        """How many whole packets of AES-GCM were among the struck bytes that passed."""
        self._proxy = proxy
        self._fault = fault
        self._side = side

    def at_next_bytes(self) -> None:
        """Strike what that side sends next."""
        self._proxy.change_next(self._changed, self._then, of=self._side)

    @contextmanager
    def at_burst(self) -> Generator[None]:
        """Hold back what is sent meanwhile, let it all pass then, and strike most of that at once.

        What comes before the fault is still on its way through the client when the fault arrives.
        """
        self._proxy.freeze()
        yield
        self.at_next_bytes()
        self._proxy.thaw()

    def at_message(self, number: int) -> None:
        """Strike the server's message of that number; see `FaultProxy.change_message`.

        It is struck when the client has said something, too: a reset that came sooner would show
        as one of a connection that never stood.
        """

        def changed(data: bytes) -> bytes:
            self._proxy.await_client(_PATIENCE)
            return self._changed(data)

        self._proxy.change_message(number, changed, self._then)

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
        changed = self._fault.changed(data)
        if not self._fault.breaks:
            self.spared = _whole_packets(changed)
        return changed

    def _then(self) -> None:
        self._fault.end(self._proxy, self._side)

    def _note(self) -> None:
        self.at = time.monotonic()
        self.done.set()


def _whole_packets(data: bytes) -> int:
    count = 0
    while len(data) > _LENGTH:
        # RFC 5647 section 7.3: the length is in the clear, the tag not counted in it.
        size = _LENGTH + int.from_bytes(data[:_LENGTH], "big") + _TAG
        count += len(data) >= size
        data = data[size:]
    return count
