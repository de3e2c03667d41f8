"""What the bare loops have in common: a connection is opened, the reply is a list of reads."""

from __future__ import annotations

import socket
from abc import abstractmethod
from typing import TYPE_CHECKING

from ncwire.bench.floor import framing
from ncwire.bench.worker import Contestant

if TYPE_CHECKING:
    from collections.abc import Callable

    from ncwire.bench.target import Case, Target

CIPHER = "aes128-gcm@openssh.com"
KILO = 1024


class Bare(Contestant):
    """A library without a framework. A subclass connects, and has the loop."""

    _case: Case

    def open(self, framing_: str) -> None:
        """Connect, and exchange hellos."""
        self.close()
        self.connect()
        received = b""
        while framing.END_OF_MESSAGE not in received:
            data = self.read_some()
            if not data:
                raise EOFError("the server ended before its hello")
            received += data
        self.write(framing.hello(framing_))

    def prepare(self, case: Case) -> Callable[[], list[bytes]]:
        """Return the loop for this case."""
        self._case = case
        return self.loop(framing.request(case), framing.receiver(case))

    def document(self, reply: list[bytes]) -> bytes:
        """Return the document that these reads are."""
        return framing.document(reply, self._case)

    @abstractmethod
    def connect(self) -> None:
        """Log in and start the subsystem."""

    @abstractmethod
    def read_some(self) -> bytes:
        """Wait for something to read; for the hello only."""

    @abstractmethod
    def write(self, data: bytes) -> None:
        """Send everything; for the hello only."""

    @abstractmethod
    def loop(
        self, request: bytes, receiver: Callable[[], framing.Chunks | framing.EndMarker]
    ) -> Callable[[], list[bytes]]:
        """Return what sends the request, and reads until the reply is whole."""


def connected(target: Target) -> socket.socket:
    """Return a socket without Nagle's algorithm, which waits for delayed acknowledgements."""
    sock = socket.create_connection((target.host, target.port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock
