"""What comes in on a connection: reading, decoding, and the messages that wait for the loop."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from ncwire._interrupts import raise_interruption
from ncwire._protocol.client import HelloReceived

if TYPE_CHECKING:
    from ncwire._engine.home import Home
    from ncwire._engine.shutdown import Shutdown
    from ncwire._protocol.client import Protocol, Root
    from ncwire._protocol.framing import Document
    from ncwire.driver import Channel

Task = Callable[[], None]


class Receiver:
    """Reads a channel, and hands on what has come: see `Events` for `hello` and `message`.

    `take_in` needs the channel; `dispatch` is the loop's thread's.
    """

    def __init__(
        self,
        channel: Channel,
        protocol: Protocol,
        shutdown: Shutdown,
        hello: Task,
        message: Callable[[Root, str | Document], Task | None],
        home: Home,
    ) -> None:
        self._channel = channel
        self._protocol = protocol
        self._shutdown = shutdown
        self._hello = hello
        self._message = message
        self._read_size, self._share = home.read_size, home.share
        self.inbox: deque[Task] = deque()
        """What is left to do on the loop's thread, in its order."""
        self.dispatching = False

    def take_in(self, backlog: int) -> bool:
        """Read and decode until nothing is left, the lock being held; return if more may be.

        Stops with more messages than `backlog` in the inbox. What goes wrong ends the connection;
        only what came from outside is raised, too: see `interruption`.
        """
        shutdown = self._shutdown
        if shutdown.stopped:
            return False
        try:
            taken = 0
            read, protocol, inbox = self._channel.read, self._protocol, self.inbox
            while taken < self._share and len(inbox) <= backlog:
                inlet = protocol.inlet
                if inlet is not None and inlet.full and shutdown.cause is None:
                    return False
                data = read(self._read_size)
                if data is None:
                    return False
                if not data:
                    shutdown.stream_ended()
                    return True  # the loop sees to the rest
                taken += len(data)
                if shutdown.cause is not None:
                    continue  # we end, and read only to see the peer's end
                whole = protocol.take_whole(data)
                if whole is None:
                    protocol.receive(data)
                    self._take_events()
                else:
                    root, content = whole
                    task = self._message(root, content)
                    if task is not None:
                        inbox.append(task)
        except BaseException as error:  # noqa: BLE001 - a driver may raise anything
            shutdown.fail(error)
            raise_interruption(error)
            return False
        return True

    def dispatch(self) -> None:
        """Do what is in the inbox; once there is a cause of the end, drop it."""
        # Set before the inbox is emptied, or somebody would take it for done with.
        self.dispatching = True
        try:
            while self.inbox and self._shutdown.cause is None:
                self.inbox.popleft()()
            if self._shutdown.cause is not None:
                # Nothing is read while something is left in it, and so the peer's end not seen.
                self.inbox.clear()
        finally:
            self.dispatching = False

    def _take_events(self) -> None:
        while self._shutdown.cause is None and (event := self._protocol.next_event()) is not None:
            if isinstance(event, HelloReceived):
                self.inbox.append(self._hello)
            else:
                task = self._message(event.root, event.content)
                if task is not None:
                    self.inbox.append(task)
