"""The floor of the Unix socket, and of any: a blocking socket in a bare loop.

The fastest of what was tried, on CPython 3.11 with glibc 2.36:

- reads of 64 kB, and of 256 kB after one that was full. Python makes room for all that is asked
  for; above 128 kB glibc has the kernel map it, and unmap it, for each reply, however small: an
  empty one takes 15 microseconds longer so. Large replies take a fifth longer by 64 kB alone;
- blocking. A poll before each read, as a limit of time needs it, takes 2 microseconds more.
"""

from __future__ import annotations

import socket
from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from ncwire.bench.floor.bare import KILO, Bare

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ncwire.bench.floor.framing import Chunks, EndMarker

READ = 64 * KILO
LARGE_READ = 256 * KILO


class BareSocket(Bare):
    """A blocking socket, which a subclass connects."""

    def __init__(self, target: Any) -> None:
        super().__init__(target)
        self._sock: socket.socket | None = None

    def connect(self) -> None:
        """See `Bare`."""
        self._sock = self.connected()

    @abstractmethod
    def connected(self) -> socket.socket:
        """Return a connected socket."""

    def opened(self) -> socket.socket:
        """Return the socket."""
        if self._sock is None:
            raise AssertionError("it was not opened")
        return self._sock

    def read_some(self) -> bytes:
        """See `Bare`."""
        return self.opened().recv(READ)

    def write(self, data: bytes) -> None:
        """See `Bare`."""
        self.opened().sendall(data)

    def loop(
        self, request: bytes, receiver: Callable[[], Chunks | EndMarker]
    ) -> Callable[[], list[bytes]]:
        """See `Bare`."""
        send, receive = self.opened().sendall, self.opened().recv

        def blocking() -> list[bytes]:
            send(request)
            reads: list[bytes] = []
            feed = receiver().feed
            size = READ
            while True:
                data = receive(size)
                reads.append(data)
                if feed(data):
                    return reads
                if not data:
                    raise EOFError
                size = LARGE_READ if len(data) == size else READ

        return blocking

    def close(self) -> None:
        """Close the socket."""
        if self._sock is not None:
            self._sock.close()
            self._sock = None


class BareUnix(BareSocket):
    """A Unix socket; the parameters are those of `ncwire.connect`, of which it needs the path."""

    def __init__(self, target: Any, host: None, driver_options: Mapping[str, str]) -> None:
        del host
        super().__init__(target)
        self._path = driver_options["path"]

    def connected(self) -> socket.socket:
        """See `BareSocket`."""
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(self._path)
        return sock
