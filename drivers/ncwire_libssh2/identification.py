"""The server's identification, and the lines that may come before it (RFC 4253 section 4.2)."""

from __future__ import annotations

import re
from typing import Final

from ncwire.driver import no_identification, one_line, other_protocol
from ncwire.errors import HandshakeError

LONGEST_LINE: Final = 8192
MOST_LINES: Final = 1024
"""How long a line may be, and how many may come, as OpenSSH has it (ssh.h, SSH_MAX_BANNER_LEN and
SSH_MAX_PRE_BANNER_LINES): what ssh connects to is connected to here."""

_LONGEST: Final = 255  # with its end, RFC 4253 section 4.2; libssh2 1.11.1 has room for 256
_TOLD: Final = 300

_VERSION: Final = re.compile(rb"SSH-(\d{1,9})\.(\d{1,9})-.+")
_BINARY: Final = re.compile(rb"[\0\r]")


class Lines:
    """What the server says up to its identification, judged as it comes, as OpenSSH does.

    A NUL, or a carriage return in the middle of a line, is nothing that an SSH server says: then
    no end of the line is waited for (kex.c, kex_exchange_identification).
    """

    def __init__(self) -> None:
        self._line = b""
        self._number = 0
        self._said = b""
        self._beginning = b""

    def take(self, piece: bytes) -> bytes | None:
        """Take more of a line, up to its line feed; return the identification once it is whole.

        Raises `HandshakeError` for what cannot lead to one, or not to one of SSH 2.
        """
        self._line += piece
        self._beginning = self._beginning or self._line
        text = self._line.removesuffix(b"\n").rstrip(b"\r")
        self._said = text or self._said
        if _BINARY.search(text):
            raise self.missing("it is not SSH that is spoken there, but something binary")
        if len(text) > LONGEST_LINE:
            raise self.missing(f"a line is longer than {LONGEST_LINE} bytes")
        if not self._line.endswith(b"\n"):
            return None
        line, self._line = self._line, b""
        if text.startswith(b"SSH-") and text != b"SSH-":
            _check(line, text)
            return line
        self._number += 1
        if self._number == MOST_LINES:
            raise self.missing(f"it is not among the first {MOST_LINES} lines")
        return None

    def missing(self, why: str = "") -> HandshakeError:
        """Return the error for an identification that did not come, with what came last."""
        if name := other_protocol(self._beginning):
            return HandshakeError(f"SSH handshake: the peer speaks {name}, not SSH")
        if not self._beginning:
            told = f"SSH handshake: {no_identification(b'')}"
            return HandshakeError(f"{told}: {why}" if why else told)
        told = "SSH handshake: no SSH identification came from the server"
        if why:
            told += f": {why}"
        if self._said:
            told += f"; it said: {_told(self._said)}"
        return HandshakeError(told)


def _check(line: bytes, text: bytes) -> None:
    version = _VERSION.fullmatch(text)
    if version is None:
        raise HandshakeError(
            "SSH handshake: no version can be read from the server's identification: "
            f"{_told(text)}"
        )
    major, minor = int(version[1]), int(version[2])
    # RFC 4253 section 5.1: 1.99 is said by servers that speak both.
    if major != 2 and (major, minor) != (1, 99):  # noqa: PLR2004 - SSH 2
        raise HandshakeError(
            f"SSH handshake: the server speaks SSH {major}.{minor} and not 2.0: {_told(text)}"
        )
    if len(line) > _LONGEST:
        raise HandshakeError(
            f"SSH handshake: the server's identification is longer than the {_LONGEST} bytes that "
            f"RFC 4253 lets it have, and libssh2 takes: {_told(text)}"
        )


def _told(text: bytes) -> str:
    return one_line(text.decode("utf-8", "replace"), _TOLD)
