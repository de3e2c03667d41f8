"""A client of OpenSSH's multiplexing protocol, by which a running ssh shares its connection.

Source: PROTOCOL.mux of OpenSSH; version 4 of it, and its proxy mode, in every release since 7.4.
"""

from __future__ import annotations

import array
import errno
import selectors
import socket
import struct
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from ncwire.driver import Deadline

_VERSION = 4
_HELLO = 0x00000001
_ALIVE_CHECK = 0x10000004
_STDIO_FORWARD = 0x10000008
_PROXY = 0x1000000F
_PERMISSION_DENIED = 0x80000002
_FAILURE = 0x80000003
_ALIVE = 0x80000005
_SESSION_OPENED = 0x80000006
_PROXYING = 0x8000000F
_REQUEST = 1
_LENGTH = 4
"""Bytes that tell of how many bytes a packet is."""
_MOST = 1 << 18
"""Bytes of a packet; ssh takes no more of one either (mux.c)."""


class HasFileno(Protocol):
    """What a selector can wait for."""

    def fileno(self) -> int:
        """Return the fd."""


Watch = tuple[tuple[HasFileno, ...], "Callable[[], None]"]
"""What else to wait for, and what to do when any of it is ready; what that raises passes."""


class MuxRefusedError(Exception):
    """The master does not do what it was asked for; the text is its reason."""


class MuxClient:
    """A connection to the control socket of a running ssh, a master.

    Raises OSError where the master is not there, or has ended.
    """

    def __init__(self, path: str) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self._inbox = bytearray()
        try:
            # Before it connects: one that is stopped, and its queue full, is not waited for.
            self.sock.setblocking(False)
            self.sock.connect(path)
            self._send(struct.pack(">II", _HELLO, _VERSION))
        except BaseException:
            self.sock.close()
            raise

    def pid(self, step: Deadline, watch: Watch) -> int:
        """Return the master's process id.

        Raises `MuxRefusedError`, OSError and `StepTimeoutError`.
        """
        self._send(struct.pack(">II", _ALIVE_CHECK, _REQUEST))
        answer = self._answer(_ALIVE, step, watch)
        (pid,) = struct.unpack_from(">I", answer, 8)
        return int(pid)

    def become_proxy(self, step: Deadline, watch: Watch) -> socket.socket:
        """Return the socket, over which the SSH connection protocol is spoken from here on.

        Each message has its length, four bytes, and a byte that means nothing before it. What
        the master does not pass on are the messages of others (channels.c,
        channel_proxy_downstream). Raises as `pid` does.
        """
        self._send(struct.pack(">II", _PROXY, _REQUEST))
        self._answer(_PROXYING, step, watch)
        return self.sock

    def forward(self, fd: int, host: str, port: int, step: Deadline, watch: Watch) -> None:
        """Have the master carry the bytes of a socket to a port that the server reaches.

        It is open then; closing this connection closes it. Raises as `pid` does.
        """
        name = host.encode()
        request = struct.pack(">II", _STDIO_FORWARD, _REQUEST) + _string(b"") + _string(name)
        self._send(request + struct.pack(">I", port))
        for _ in range(2):  # for its stdin and for its stdout
            rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))
            self.sock.sendmsg([b"\0"], [rights])
        self._answer(_SESSION_OPENED, step, watch)

    def close(self) -> None:
        """Close the connection, with which the master ends what it was asked for. Idempotent."""
        self.sock.close()

    def _send(self, message: bytes) -> None:
        packet = _string(message)
        if self.sock.send(packet) != len(packet):
            raise BlockingIOError(errno.EAGAIN, "ssh takes no more over its control socket")

    def _answer(self, wanted: int, step: Deadline, watch: Watch) -> bytes:
        sources, look = watch
        with selectors.DefaultSelector() as selector:
            for source in (self.sock, *sources):
                selector.register(source, selectors.EVENT_READ)
            while True:
                while (message := self._next()) is not None:
                    (kind,) = struct.unpack_from(">I", message)
                    if kind in {_FAILURE, _PERMISSION_DENIED}:
                        raise MuxRefusedError(message[12:].decode(errors="replace"))
                    if kind == wanted:
                        return message
                selector.select(step.slice())
                look()
                self._receive()

    def _receive(self) -> None:
        try:
            # Not a byte more than of this message: what follows may be another protocol's.
            data = self.sock.recv(self._missing())
        except BlockingIOError:
            return
        if not data:
            raise ConnectionResetError("ssh has closed its control socket")
        self._inbox += data

    def _missing(self) -> int:
        if len(self._inbox) < _LENGTH:
            return _LENGTH - len(self._inbox)
        (length,) = struct.unpack_from(">I", self._inbox)
        if length > _MOST:
            raise ConnectionError("what ssh says over its control socket is not its protocol")
        return _LENGTH + int(length) - len(self._inbox)

    def _next(self) -> bytes | None:
        if self._missing() or len(self._inbox) < _LENGTH:
            return None
        message = bytes(self._inbox[_LENGTH:])
        self._inbox.clear()
        return message


def _string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data
