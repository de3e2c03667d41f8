"""A client of OpenSSH's multiplexing protocol: asks a master for a session over fds of ours.

Source: PROTOCOL.mux of OpenSSH; version 4, in every release since 5.4.
"""

from __future__ import annotations

import array
import socket
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ncwire.driver import ChannelRequest

_VERSION = 4
_HELLO = 0x00000001
_NEW_SESSION = 0x10000002
_PERMISSION_DENIED = 0x80000002
_FAILURE = 0x80000003
_SESSION_OPENED = 0x80000006
_NO_ESCAPE = 0xFFFFFFFF
_REQUEST = 1


class MuxSession:
    """One session that the master runs for us, until this connection to it is closed.

    `session` is the number of the channel in the master's log once it is open, `refusal` the
    reason why it is not, and `ended` says that the master has nothing more to tell about it.
    """

    def __init__(self, path: str) -> None:
        self._sock = socket.socket(socket.AF_UNIX)
        self._inbox = bytearray()
        self.session: int | None = None
        self.refusal: str | None = None
        self.ended = False
        try:
            self._sock.connect(path)
            self._sock.setblocking(False)
        except BaseException:
            self._sock.close()
            raise

    def fileno(self) -> int:
        """Return the fd, for a selector."""
        return self._sock.fileno()

    def request(
        self, what: ChannelRequest, environment: Mapping[str, str], stream: int, errors: int
    ) -> None:
        """Ask for `what`, with `stream` as its stdin and stdout and `errors` as its stderr.

        Raises OSError when the master takes no more, as with an environment beyond reason.
        """
        variables = [f"{name}={value}" for name, value in environment.items()]
        # No tty, X11 or agent.
        flags = struct.pack(">IIIII", 0, 0, 0, what.kind == "subsystem", _NO_ESCAPE)
        self._send(struct.pack(">II", _HELLO, _VERSION))
        self._send(
            struct.pack(">II", _NEW_SESSION, _REQUEST)
            + _string("")
            + flags
            + _string("")
            + b"".join(_string(text) for text in (what.name, *variables))
        )
        for fd in (stream, stream, errors):
            rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))
            self._sock.sendmsg([b"\0"], [rights])

    def read(self) -> None:
        """Take in what the master has answered; never blocks."""
        try:
            while data := self._sock.recv(4096):
                self._inbox += data
                self._take_messages()
        except BlockingIOError:
            return
        except OSError:
            pass  # a master that was killed: the same as one that closed
        self.ended = True

    def close(self) -> None:
        """Close the connection, with which the master ends the session. Idempotent."""
        self._sock.close()

    def _send(self, message: bytes) -> None:
        packet = struct.pack(">I", len(message)) + message
        if self._sock.send(packet) != len(packet):
            raise BlockingIOError("the request is too long")

    def _take_messages(self) -> None:
        while len(self._inbox) >= 4:
            (length,) = struct.unpack_from(">I", self._inbox)
            if len(self._inbox) < 4 + length:
                return
            message = bytes(self._inbox[4 : 4 + length])
            del self._inbox[: 4 + length]
            self._take(message)

    def _take(self, message: bytes) -> None:
        (kind,) = struct.unpack_from(">I", message)
        if kind == _SESSION_OPENED:
            (self.session,) = struct.unpack_from(">I", message, 8)
        elif kind in {_FAILURE, _PERMISSION_DENIED}:
            self.refusal = message[12:].decode(errors="replace")


def _string(text: str) -> bytes:
    encoded = text.encode(errors="surrogateescape")
    return struct.pack(">I", len(encoded)) + encoded
