"""The plain part of the handshake: identification strings, and the key exchange."""

from __future__ import annotations

import select
import socket
from typing import TYPE_CHECKING

from ncwire.errors import HandshakeError
from ncwire_libssh2.connection import AGAIN
from ncwire_libssh2.identification import Lines
from ncwire_libssh2.plain import NEWKEYS, PlainPackets

if TYPE_CHECKING:
    from collections.abc import Callable

    from ncwire.driver import Algorithms, Deadline
    from ncwire_libssh2.connection import Connection

_AT_ONCE = 4096
"""How much of what comes before the identification is looked at in one go."""

_LONGEST_PACKET = 35000  # RFC 4253 section 6.1
_SHORTEST_PACKET = 5
_MOST = 1 << 20
"""How many bytes of packets may come until the new keys; of OpenSSH's sshd it is some 3,000."""


def _broken(why: str) -> HandshakeError:
    return HandshakeError(f"SSH handshake: the connection broke: {why}")


class Greeting:
    """The exchange of identifications and keys, up to the server's NEWKEYS.

    libssh2 1.11.1 tells nothing of it and checks too little. So the server's bytes are taken
    from the socket here, and libssh2 is given the very same, one packet at a time: what it has
    not been given it cannot read past. The server's NEWKEYS is the last that it is given: by
    then it knows the host key, and has seen it sign. So all that comes encrypted, in which
    only libssh2 can look, waits in the socket until the core has judged the key.
    """

    def __init__(self, connection: Connection, ours: Algorithms, deadline: Deadline) -> None:
        self.version = ""
        """The server's identification (RFC 4253 section 4.2)."""
        self.packets = PlainPackets(ours)
        """What is known of the server's packets."""
        self._connection = connection
        self._deadline = deadline

    def exchange(self) -> None:
        """Bring libssh2 to where it has heard the server's NEWKEYS.

        Raises `HandshakeError` when no identification comes or a packet is none that may come,
        `NoCommonAlgorithmError`, `StepTimeoutError`, and `Fault` for what libssh2 raises.
        """
        self._hear(b"")  # it begins with its own identification, which need not wait for theirs
        line = self._identification()
        self.version = line.rstrip(b"\r\n").decode("utf-8", "replace")
        self._hear(line)
        left = _MOST
        while left > 0:
            self._deadline.remaining()
            number, size = self._hear_packet()
            if number == NEWKEYS:
                return
            left -= size
        raise HandshakeError("SSH handshake: more data than a handshake can need")

    def _identification(self) -> bytes:
        """Return the line, and pass over those before it; what comes after it stays unread."""
        lines = Lines()
        while seen := self._receive(_AT_ONCE, socket.MSG_PEEK, lines.missing):
            self._deadline.remaining()
            line = lines.take(self._receive(seen.find(b"\n") + 1 or len(seen)))
            if line is not None:
                return line
        raise lines.missing()

    def _hear_packet(self) -> tuple[int, int]:
        """Have libssh2 hear a packet; return its message number and size."""
        header = self._whole(4)
        length = int.from_bytes(header, "big")
        if not _SHORTEST_PACKET <= length <= _LONGEST_PACKET:
            raise HandshakeError(f"SSH handshake: the server's packet has a length of {length}")
        packet = self._whole(length)
        number = self.packets.check(packet)
        self._hear(header + packet)
        return number, 4 + length

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
                with connection, connection.lock:
                    connection.check_not_ending()
                    answer = answer[connection.sock.send(answer) :]
            except BlockingIOError:
                connection.wait(select.POLLOUT, self._deadline)
            except OSError as error:
                if error.errno is None:  # a signal handler's, and none of the system's
                    raise
                return  # what the server said before it went is still to be read

    def _whole(self, size: int) -> bytes:
        data = self._exactly(size)
        if len(data) < size:
            raise HandshakeError("SSH handshake: the connection was closed by the server")
        return data

    def _exactly(self, size: int) -> bytes:
        """Return so many bytes, or fewer at the end."""
        data = b""
        while len(data) < size and (more := self._receive(size - len(data))):
            data += more
        return data

    def _receive(
        self, size: int, flags: int = 0, lost: Callable[[str], HandshakeError] = _broken
    ) -> bytes:
        connection = self._connection
        while True:
            try:
                with connection, connection.lock:
                    connection.check_not_ending()
                    return connection.sock.recv(size, flags)
            except BlockingIOError:
                connection.wait(select.POLLIN, self._deadline)
            except OSError as error:
                raise lost(error.strerror or str(error)) from error
