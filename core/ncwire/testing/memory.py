"""A driver without SSH: TCP in the clear, for tests on one machine."""

from __future__ import annotations

import os
import selectors
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from ncwire.driver import Channel, ChannelInfo, Driver, Feature, LastWords, Readiness, Wait
from ncwire.errors import TransportError

if TYPE_CHECKING:
    from ncwire.driver import ConnectOptions, Deadline


class MemoryChannel(Channel):
    """A channel over a connected stream socket, which it owns.

    The shortest complete implementation of the contract, for tests of whatever stands above
    it; `MemoryChannel.pair` makes one with its peer.
    """

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.info = ChannelInfo("memory", "")
        self.native = sock
        with suppress(OSError):  # the peer may have gone already, which `read` tells
            self.peer_address, self.local_address = sock.getpeername(), sock.getsockname()
        self._sock = sock
        self._blocked = False
        self._finishing = False
        self._heard = time.monotonic()
        self.words = LastWords()
        """What a scripted peer has said beside the stream."""

    @classmethod
    def pair(cls) -> tuple[MemoryChannel, socket.socket]:
        """Return a channel and the blocking socket at its other end, for a scripted peer."""
        ours, peer = socket.socketpair()
        return cls(ours), peer

    def fileno(self) -> int:
        """Return the socket's fd."""
        return self._sock.fileno()

    def wants(self) -> Wait:
        """Watch for reading always, for writing after a write that would have blocked."""
        return Wait(Readiness.READ | Readiness.WRITE if self._blocked else Readiness.READ)

    def read(self, size: int) -> bytes | None:
        """Return what has arrived."""
        try:
            data = self._sock.recv(size)
        except BlockingIOError:
            return None
        except OSError as error:
            raise TransportError(f"memory channel: {error.strerror}") from error
        self._heard = time.monotonic()
        return data

    def write(self, data: memoryview) -> int:
        """Send as much as the socket takes."""
        try:
            sent = self._sock.send(data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            raise TransportError(f"memory channel: {error.strerror}") from error
        self._blocked = sent < len(data)
        return sent

    def heard(self) -> float:
        """Return when bytes last came."""
        return self._heard

    def finish(self) -> bool:
        """End our direction; TCP loses what is under way if it is closed before the peer has.

        A peer in this process, of `pair`, has all that was written.
        """
        if not self._finishing:
            self._finishing = True
            with suppress(OSError):  # broken: `read` tells
                self._sock.shutdown(socket.SHUT_WR)
        self._blocked = False
        return self._sock.family == socket.AF_UNIX

    def last_words(self) -> LastWords:
        """Return `words`."""
        return self.words

    def close(self) -> None:
        """Close the socket."""
        self._sock.close()

    def abort(self) -> None:
        """Close the socket."""
        self._sock.close()


class MemoryDriver(Driver):
    """Connects to 127.0.0.1 by TCP, in the clear: nothing is authenticated, nothing is secret.

    The shortest complete driver. It is registered nowhere; tests name the class.
    """

    name = "memory"
    contract = (1, 0)
    features = frozenset({Feature.SOCKET, Feature.BIND_ADDRESS, Feature.FINISH})

    def __init__(self) -> None:
        self._sock: socket.socket | None = None
        self._aborted = False

    @classmethod
    def library(cls) -> str:
        """Return what stands in a library's place."""
        return "memory"

    def connect(self, options: ConnectOptions, deadline: Deadline) -> Channel:
        """Return a channel over `options.sock`, or over a new connection."""
        if options.sock is not None:
            return MemoryChannel(options.sock)
        if options.host != "127.0.0.1":
            raise TransportError(
                f"memory driver: it sends in the clear, so not to {options.host}, "
                "but to 127.0.0.1 alone"
            )
        sock = socket.socket()
        try:
            self._dial(sock, options, deadline)
        except TransportError:  # first: a StepTimeoutError is an OSError, too
            sock.close()
            raise
        except OSError as error:
            sock.close()
            raise TransportError(
                f"memory driver: connect to port {options.port}: {error.strerror}"
            ) from error
        return MemoryChannel(sock)

    def abort(self) -> None:
        """Have a connect under way fail."""
        self._aborted = True
        if self._sock is not None:
            with suppress(OSError):
                self._sock.shutdown(socket.SHUT_RDWR)

    def _dial(self, sock: socket.socket, options: ConnectOptions, deadline: Deadline) -> None:
        sock.setblocking(False)
        if options.bind_addr is not None:
            sock.bind((options.bind_addr, 0))
        with suppress(BlockingIOError):
            sock.connect((options.host, options.port))
        # From here on a shutdown wakes the wait; one that came before is seen now.
        self._sock = sock
        with selectors.DefaultSelector() as selector:
            selector.register(sock, selectors.EVENT_WRITE)
            if not self._aborted and not selector.select(deadline.remaining()):
                raise deadline.error()
        if self._aborted:
            raise TransportError("memory driver: aborted")
        if problem := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(problem, os.strerror(problem))
