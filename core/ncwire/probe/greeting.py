"""The greeting: what an SSH server says before anything is encrypted, read without any library."""

from __future__ import annotations

import re
import ssl
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ncwire._interrupts import raise_signalled
from ncwire.driver.kexinit import KexInit
from ncwire.driver.no_ssh import other_protocol
from ncwire.errors import HandshakeError, StepTimeoutError

if TYPE_CHECKING:
    import socket

    from ncwire.driver.deadline import Deadline

_OURS = b"SSH-2.0-ncwire_probe\r\n"
_LONGEST_PREFACE = 8192
"""Bytes of lines before the identification, and of the line itself, that are read."""
_LONGEST_PACKET = 35000  # RFC 4253 section 6.1
_SHORTEST_PACKET = 5
_DISCONNECT = 1
_KEXINIT = 20
_PASSED_OVER = frozenset({2, 4})  # SSH_MSG_IGNORE, SSH_MSG_DEBUG: may come at any time
_IDENTIFICATION = re.compile(r"SSH-(?P<protocol>[^-]+)-(?P<software>.*)")
_SPEAKS_2 = frozenset({"2.0", "1.99"})  # RFC 4253 section 5.1
_EXCERPT = 60


@dataclass(frozen=True, slots=True)
class Greeting:
    """What the server said by itself; nothing of it is verified."""

    lines: tuple[str, ...]
    """Lines before the identification (RFC 4253 section 4.2)."""
    identification: str
    """The whole line, "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u7"."""
    offer: KexInit

    @property
    def software(self) -> str:
        """The software's version, with the comments that follow it."""
        found = _IDENTIFICATION.fullmatch(self.identification)
        return found["software"] if found else ""


def read_greeting(sock: socket.socket, deadline: Deadline) -> Greeting:
    """Send an identification, and read the server's and its KEXINIT; no more than these.

    Raises `HandshakeError`, which says what is there in place of an SSH server, as far as that
    can be told, and `StepTimeoutError`.
    """
    reader = _Reader(sock, deadline)
    reader.send(_OURS)
    *before, identification = reader.lines()
    found = _IDENTIFICATION.fullmatch(identification)
    if found is None or found["protocol"] not in _SPEAKS_2:
        raise HandshakeError(f"the server speaks SSH 1 only: {identification[:_EXCERPT]!r}")
    return Greeting(tuple(before), identification, reader.offer())


def speaks_tls(sock: socket.socket, deadline: Deadline) -> bool:
    """Tell whether a server answers to the first message of TLS as one that speaks it.

    For servers that say nothing to an SSH client. Nothing follows that message.
    """
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="tls")
    with suppress(ssl.SSLWantReadError):  # it waits for the answer
        client.do_handshake()
    try:
        sock.settimeout(deadline.remaining())
        sock.sendall(outgoing.read())
        return other_protocol(sock.recv(_EXCERPT)) == "TLS"
    except (OSError, StepTimeoutError):
        return False


class _Reader:
    """The server's bytes, one step after another."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self._sock = sock
        self._deadline = deadline
        self._data = b""
        self._beginning = b""

    def send(self, data: bytes) -> None:
        self._sock.settimeout(self._deadline.remaining())
        try:
            self._sock.sendall(data)
        except TimeoutError:
            raise self._deadline.error() from None
        except OSError:
            pass  # what the server said before it went is still to be read

    def lines(self) -> list[str]:
        """Return the lines up to the identification, which is the last."""
        lines: list[bytes] = []
        length = 0
        while not (lines and lines[-1].startswith(b"SSH-")):
            line = self._line(_LONGEST_PREFACE - length, first=not lines)
            length += len(line)
            lines.append(line)
        return [line.rstrip(b"\r\n").decode("utf-8", "replace") for line in lines]

    def offer(self) -> KexInit:
        """Return what the KEXINIT says."""
        while (payload := self._payload())[0] in _PASSED_OVER:
            pass
        if payload[0] == _DISCONNECT:
            raise HandshakeError(f"the server disconnects: {_disconnect_reason(payload)}")
        try:
            return KexInit.from_payload(payload)
        except ValueError as error:
            raise HandshakeError(f"the server's offer cannot be read: {error}") from error

    def _line(self, limit: int, *, first: bool) -> bytes:
        while b"\n" not in self._data:
            if first:
                self._refuse_other_protocol()
            if len(self._data) >= limit or not self._more():
                raise self._no_identification()
        if first:
            self._refuse_other_protocol()
        line, _, self._data = self._data.partition(b"\n")
        if len(line) >= limit:
            raise self._no_identification()
        return line + b"\n"

    def _refuse_other_protocol(self) -> None:
        if name := other_protocol(self._data):
            raise HandshakeError(f"no SSH server answers: what is there speaks {name}")

    def _no_identification(self) -> HandshakeError:
        if not self._beginning:
            return SilentServerError(
                "no SSH server answers: the connection is closed before any identification"
            )
        said = self._beginning.decode("utf-8", "replace")
        return HandshakeError(f"no SSH server answers: what is there says {said!r}")

    def _payload(self) -> bytes:
        length = int.from_bytes(self._exactly(4), "big")
        if not _SHORTEST_PACKET <= length <= _LONGEST_PACKET:
            raise HandshakeError(f"the server's first packet has an impossible length: {length}")
        packet = self._exactly(length)
        payload = packet[1 : length - packet[0]]
        if not payload:
            raise HandshakeError("the server's first packet is empty")
        return payload

    def _exactly(self, size: int) -> bytes:
        while len(self._data) < size:
            if not self._more():
                raise HandshakeError("the server closes before it says what it offers")
        data, self._data = self._data[:size], self._data[size:]
        return data

    def _more(self) -> bool:
        while True:
            self._sock.settimeout(self._deadline.slice())
            try:
                more = self._sock.recv(4096)
                break
            except OSError as error:
                raise_signalled(error)
                if not isinstance(error, TimeoutError):
                    return False
        self._data += more
        self._beginning = (self._beginning + more)[:_EXCERPT]
        return bool(more)


class SilentServerError(HandshakeError):
    """The server went without a word."""


def _disconnect_reason(payload: bytes) -> str:
    # RFC 4253 section 11.1: a code, a description, a language.
    length = int.from_bytes(payload[5:9], "big")
    return repr(payload[9 : 9 + length].decode("utf-8", "replace")[:_EXCERPT])
