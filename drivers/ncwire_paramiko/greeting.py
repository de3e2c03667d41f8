"""What a server says before the packets: lines, and who it is (RFC 4253 section 4.2)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import paramiko

from ncwire.driver import no_identification, one_line, other_protocol

if TYPE_CHECKING:
    from paramiko.packet import Packetizer

_MOST_LINES = 1024  # OpenSSH 9.2, ssh.h, SSH_MAX_PRE_BANNER_LINES
_LONGEST_LINE = 8192  # SSH_MAX_BANNER_LEN
_IDENTIFICATION = re.compile(r"SSH-(\d+)\.(\d+)-.")
_SHOWN = 100
_KEPT = 1200
"""How many bytes are kept of what comes before it, for an error to tell."""


def identification(packetizer: Packetizer) -> str:
    """Return the server's identification, as OpenSSH's client takes it (9.2, kex.c).

    Up to 1023 other lines may come before it, in any encoding, of up to 8192 bytes each. Raises
    `paramiko.SSHException` for more, for a NUL, for a carriage return in a line, for a
    version other than 2 and 1.99, and when the connection ends.
    """
    said = bytearray()
    for _ in range(_MOST_LINES):
        line = _line(packetizer, said)
        if line.startswith(b"SSH-") and len(line) > len(b"SSH-"):
            return _checked(line)
    raise paramiko.SSHException(
        f"no SSH identification came from the server in its first {_MOST_LINES} lines"
    )


def _line(packetizer: Packetizer, said: bytearray) -> bytes:
    line = bytearray()
    carriage_return = False
    while (octet := _octet(packetizer, said)) != b"\n":
        if octet == b"\r":
            carriage_return = True
            continue
        if carriage_return or octet == b"\0":
            name = other_protocol(bytes(said))
            raise paramiko.SSHException(
                f"the peer speaks {name}, not SSH"
                if name
                else "no SSH identification came from the server: what it sent is no text"
            )
        line += octet
        if len(line) > _LONGEST_LINE:
            raise paramiko.SSHException(
                f"no SSH identification came from the server: a line exceeds {_LONGEST_LINE} bytes"
            )
    return bytes(line)


def _octet(packetizer: Packetizer, said: bytearray) -> bytes:
    try:
        octet: bytes = packetizer.read_all(1)
    except (EOFError, OSError) as error:
        raise paramiko.SSHException(no_identification(bytes(said))) from error
    if len(said) < _KEPT:
        said += octet
    return octet


def _checked(line: bytes) -> str:
    # Kept as text by paramiko, and encoded again where the keys are exchanged.
    text = line.decode("utf-8", "replace")
    found = _IDENTIFICATION.match(text)
    if found is None or text.encode() != line:
        raise paramiko.SSHException(
            f"the server's identification {one_line(text, _SHOWN)!r} is none of SSH"
        )
    if found[1] != "2" and found.groups() != ("1", "99"):
        raise paramiko.SSHException(
            f"the server speaks version {found[1]}.{found[2]} of SSH, and not 2.0"
        )
    return text
