"""What is to be sent on a channel, as far as the channel has not taken it yet."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ncwire.driver import Channel


class Outbox:
    """A queue of buffers. `add` and `unsent` are for any thread; the rest needs the channel."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queue: deque[memoryview] = deque()

    def __bool__(self) -> bool:
        return bool(self._queue)

    def add(self, buffers: Sequence[bytes | memoryview]) -> None:
        """Queue a message's buffers behind all others'."""
        with self._lock:
            self._queue.extend(memoryview(buffer) for buffer in buffers)

    def send(self, channel: Channel) -> None:
        """Send what the channel takes now. Raises what `Channel.write` does."""
        while self._queue:
            head = self._queue[0]
            taken = channel.write(head)
            if taken == len(head):
                with self._lock:
                    self._queue.popleft()
            elif taken:
                self._queue[0] = head[taken:]
            else:
                return

    def send_at_once(self, channel: Channel, buffers: Sequence[bytes | memoryview]) -> None:
        """Send a message while nothing is queued; what the channel does not take now is.

        It comes before whatever another thread has queued meanwhile. Raises what
        `Channel.write` does.
        """
        rest: deque[memoryview] = deque(memoryview(buffer) for buffer in buffers)
        while rest:
            head = rest[0]
            taken = channel.write(head)
            if taken == len(head):
                rest.popleft()
                continue
            rest[0] = head[taken:]
            if not taken:
                with self._lock:
                    self._queue.extendleft(reversed(rest))
                return

    def unsent(self) -> bytes:
        """Return what is queued."""
        with self._lock:
            return b"".join(self._queue)

    def clear(self) -> None:
        """Let go of what is queued."""
        with self._lock:
            self._queue.clear()
