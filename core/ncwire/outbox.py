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
        self.queue: deque[memoryview] = deque()
        """What is queued, for others to look at whether anything is."""

    def add(self, buffers: Sequence[bytes | memoryview]) -> None:
        """Queue a message's buffers behind all others'."""
        with self._lock:
            self.queue.extend(memoryview(buffer) for buffer in buffers)

    def send(self, channel: Channel) -> None:
        """Send what the channel takes now. Raises what `Channel.write` does."""
        while self.queue:
            head = self.queue[0]
            taken = channel.write(head)
            if taken == len(head):
                with self._lock:
                    self.queue.popleft()
            elif taken:
                self.queue[0] = head[taken:]
            else:
                return

    def send_at_once(self, channel: Channel, buffers: Sequence[bytes | memoryview]) -> None:
        """Send a message while nothing is queued; what the channel does not take now is.

        It comes before whatever another thread has queued meanwhile. Raises what
        `Channel.write` does.
        """
        for index, buffer in enumerate(buffers):
            left = memoryview(buffer)
            while left:
                taken = channel.write(left)
                if not taken:
                    rest = [left, *(memoryview(each) for each in buffers[index + 1 :])]
                    with self._lock:
                        self.queue.extendleft(reversed(rest))
                    return
                left = left[taken:]

    def unsent(self) -> bytes:
        """Return what is queued."""
        with self._lock:
            return b"".join(self.queue)

    def clear(self) -> None:
        """Let go of what is queued."""
        with self._lock:
            self.queue.clear()
