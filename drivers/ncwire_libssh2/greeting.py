"""The plain part of the handshake: identification strings, and what the server offers."""

from __future__ import annotations

import select
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

from ncwire.driver import KexInit
from ncwire.errors import HandshakeError
from ncwire_libssh2.connection import AGAIN

if TYPE_CHECKING:
    from ncwire.driver import Deadline
    from ncwire_libssh2.connection import Connection

_LONGEST_GREETING = 8192
"""How far to look for the identification among the lines that may precede it."""

_LONGEST_PACKET = 35000  # RFC 4253 section 6.1
_SHORTEST_PACKET = 5
_PASSED_OVER = (2, 4)  # SSH_MSG_IGNORE, SSH_MSG_DEBUG: may come at any time


class Greeting:
    """The exchange of identifications, up to the server's KEXINIT.

    libssh2 1.11.1 tells of neither. So the server's bytes are taken from the socket here, and
    libssh2 is given the very same, one step at a time: what it has not been given it cannot
    read past.
    """

    def __init__(self, connection: Connection, deadline: Deadline) -> None:
        self.version = ""
        """The server's identification (RFC 4253 section 4.2)."""
        self.offer: KexInit | None = None
        """What the server offers; None unless its first packet that counts is a KEXINIT."""
        self._connection = connection
        self._deadline = deadline

    def exchange(self) -> None:
        """Bring libssh2 to where it has heard the server's KEXINIT, or whatever came in its place.

        Raises `HandshakeError` when no identification comes, `StepTimeoutError`, and `Fault` for
        what libssh2 raises: what is wrong with a packet is left for it to find.
        """
        self._hear(b"")  # it begins with its own identification, which need not wait for theirs
        line = self._identification()
        self.version = line.rstrip(b"\r\n").decode("utf-8", "replace")
        self._hear(line)
        while self._hear_packet() in _PASSED_OVER:
            self._deadline.remaining()

    def _identification(self) -> bytes:
        """Return the line, and pass over those before it."""
        left = _LONGEST_GREETING
        while (line := self._line(left)).endswith(b"\n"):
            if line.startswith(b"SSH-"):
                return line
            left -= len(line)
        raise HandshakeError("SSH handshake: no SSH identification came from the server")

    def _hear_packet(self) -> int:
        """Have libssh2 hear a packet; return its message number, -1 for what is no packet."""
        header = self._exactly(4)
        length = int.from_bytes(header, "big")
        packet = self._exactly(length) if _SHORTEST_PACKET <= length <= _LONGEST_PACKET else b""
        payload = packet[1 : length - packet[0]] if len(packet) == length > 0 else b""
        # Noted before libssh2 hears of it, since it may fail over it.
        with suppress(ValueError):
            self.offer = KexInit.from_payload(payload)
        self._hear(header + packet)
        return payload[0] if payload else -1

    def _hear(self, said: bytes) -> None:
        """Have libssh2 take in what the server said, and send what it says to that."""
        connection = self._connection

        def handshake() -> None:
            if connection.session.handshake(connection.handed_over) != AGAIN:
                raise HandshakeError("SSH handshake: libssh2 takes it to be over before its end")

        answer: bytes = connection.drive(
            lambda: connection.with_peer_played(said, handshake), self._deadline
        )
        while answer:
            try:
                with connection:
                    answer = answer[connection.sock.send(answer) :]
            except BlockingIOError:
                connection.wait(select.POLLOUT, self._deadline)
            except OSError:
                return  # what the server said before it went is still to be read

    def _line(self, limit: int) -> bytes:
        """Return a line, or less at the end or the limit."""
        line = b""
        while len(line) < limit and not line.endswith(b"\n"):
            seen = self._receive(limit - len(line), socket.MSG_PEEK)
            if not seen:
                break
            line += self._exactly(seen.find(b"\n") + 1 or len(seen))
        return line

    def _exactly(self, size: int) -> bytes:
        """Return so many bytes, or fewer at the end."""
        data = b""
        while len(data) < size and (more := self._receive(size - len(data))):
            data += more
        return data

    def _receive(self, size: int, flags: int = 0) -> bytes:
        connection = self._connection
        while True:
            try:
                with connection:
                    return connection.sock.recv(size, flags)
            except BlockingIOError:
                connection.wait(select.POLLIN, self._deadline)
            except OSError as error:
                raise HandshakeError(
                    f"SSH handshake: the connection broke: {error.strerror or error}"
                ) from error
