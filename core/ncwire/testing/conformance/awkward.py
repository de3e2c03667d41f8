"""Peers that are no proper server: silent, gone, of another protocol, or not even there."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from ncwire.testing.conformance.acceptor import Acceptor

if TYPE_CHECKING:
    from collections.abc import Callable

_PENDING = 8
_DRIP = 0.05
_KEX_LISTS = 10
_COOKIE = 16


class Unanswering:
    """A port whose host answers nothing: its queue of connections is full (Linux drops then)."""

    def __init__(self) -> None:
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(0)
        self.port: int = self._listener.getsockname()[1]
        self._pending = [socket.socket() for _ in range(_PENDING)]
        for sock in self._pending:
            sock.setblocking(False)
            with suppress(BlockingIOError):
                sock.connect(("127.0.0.1", self.port))

    def close(self) -> None:
        """End it. Idempotent."""
        for sock in (*self._pending, self._listener):
            sock.close()


class UnansweringPath:
    """The same on a Unix socket, where a connect that does not block fails (EAGAIN)."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        self._listener.listen(0)
        self._pending = [socket.socket(socket.AF_UNIX) for _ in range(_PENDING)]
        for sock in self._pending:
            sock.setblocking(False)
            with suppress(BlockingIOError):
                sock.connect(path)

    def close(self) -> None:
        """End it. Idempotent."""
        for sock in (*self._pending, self._listener):
            sock.close()


class AwkwardPeer:
    """Accepts connections on a free port of 127.0.0.1, and does with each what `act` does.

    A connection stays open after `act` has returned True.
    """

    def __init__(self, act: Callable[[socket.socket], bool]) -> None:
        self._act = act
        listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = listener.getsockname()[1]
        self.accepted = threading.Event()
        self._acceptor = Acceptor(listener, self._serve, "peer")

    def close(self) -> None:
        """End it and its connections. Idempotent."""
        self._acceptor.close()

    def _serve(self, sock: socket.socket) -> None:
        self.accepted.set()
        with sock, suppress(OSError):
            if self._act(sock):
                while sock.recv(1 << 16):
                    pass


def silent(sock: socket.socket) -> bool:
    """Say nothing."""
    del sock
    return True


def gone(sock: socket.socket) -> bool:
    """Hang up."""
    del sock
    return False


def another_protocol(sock: socket.socket) -> bool:
    """Speak another protocol, and hang up, as such servers do."""
    sock.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    sock.recv(1 << 16)
    return False


def dripping(sock: socket.socket) -> bool:
    """Send one line after the other that is no identification (RFC 4253 section 4.2)."""
    pause = threading.Event()
    while True:
        sock.sendall(b"please wait\r\n")
        pause.wait(_DRIP)


def dripping_record(sock: socket.socket) -> bool:
    """Send the record of a TLS handshake byte by byte (RFC 8446 section 5.1), and no end of it."""
    pause = threading.Event()
    sock.sendall(b"\x16\x03\x03\x40\x00\x02\x00\x3f\x00\x03\x03")
    while True:
        sock.sendall(b"\0")
        pause.wait(_DRIP)


class KexRecorder:
    """Takes a client's first words and hangs up; `lists` are what its key exchange offers.

    They are the name-lists of RFC 4253 section 7.1, in that order.
    """

    def __init__(self) -> None:
        self.lists: list[list[str]] = []

    def __call__(self, sock: socket.socket) -> bool:
        """Serve one connection."""
        sock.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
        with sock.makefile("rb") as words:
            while not words.readline().startswith(b"SSH-"):
                pass
            length, padding = struct.unpack(">IB", words.read(5))
            payload = words.read(length - 1)[: length - 1 - padding]
        rest = payload[1 + _COOKIE :]
        for _ in range(_KEX_LISTS):
            (size,) = struct.unpack(">I", rest[:4])
            self.lists.append(rest[4 : 4 + size].decode("ascii").split(","))
            rest = rest[4 + size :]
        return False
