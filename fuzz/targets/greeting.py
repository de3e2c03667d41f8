"""What a server says before anything is encrypted: identification lines and its first packets."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ncwire.driver import Deadline
from ncwire.errors import HandshakeError
from ncwire.probe.greeting import Greeting, read_greeting
from targets import cutting
from targets.property import Raised, agree, outcome, require

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable

TOKENS = (
    b"SSH-2.0-", b"SSH-1.99-x\r\n", b"SSH-1.5-x\n", b"\r\n", b"\n", b"HTTP/1.0 400\r\n",
    b"<hello ", b"\x16\x03\x01", b"\xff\xfd", b"\0\0\0\x0c", b"\x14", b"\x02", b"\x04", b"\x01",
    b"\0\0\xff\xff", b"<html>", b"\x1b[2J", b"\xe9", b"banner\r\n", b"\0\0\0\x05",
)  # fmt: skip
LONGEST = 4096
_PATIENCE = 60.0


def one(data: bytes) -> None:
    """Hear a greeting, and the end of the connection behind it."""
    at_once = _heard([data])
    for pieces in (cutting.byte_by_byte(data), cutting.at_random(data)):
        agree("a greeting means the same however it is cut", _kind(at_once), _kind(_heard(pieces)))
    if isinstance(at_once, Greeting):
        require(at_once.identification.startswith("SSH-"), "an identification says SSH")
        require("\n" not in "".join(at_once.lines), "lines are told apart")


class _Line:
    """A socket, as far as a greeting needs one, on which this and nothing more comes."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = [each for each in reversed(list(pieces)) if each]

    def settimeout(self, _seconds: float) -> None:
        """Never wait."""

    def sendall(self, _data: bytes) -> None:
        """Take what is said."""

    def recv(self, size: int) -> bytes:
        """Return what comes next; b"" at the end."""
        if not self._pieces:
            return b""
        piece = self._pieces.pop()
        if piece[size:]:
            self._pieces.append(piece[size:])
        return piece[:size]


def _heard(pieces: Iterable[bytes]) -> object:
    sock = cast("socket.socket", _Line(pieces))
    deadline = Deadline.after(_PATIENCE, "handshake")
    return outcome(lambda: read_greeting(sock, deadline), HandshakeError)


def _kind(found: object) -> object:
    # An error shows what had come by then.
    return found.kind if isinstance(found, Raised) else found
