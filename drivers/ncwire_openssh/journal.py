"""What ssh logs, read as it comes: how far a connection has got, and what is known of it."""

from __future__ import annotations

import enum
import os
import re
import socket
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from ncwire.driver import ChannelInfo, is_aead

if TYPE_CHECKING:
    from collections.abc import Callable

    from ncwire.driver import SocketAddress

_KEPT = 100
"""Lines kept for the reason of a failure: a connection that lives long logs without end."""
_LONGEST = 4096
"""Bytes of a line; ssh itself cuts them at 1024."""
_NO_REASON = (
    "debug", "@", "Transferred: ", "Bytes per second: ", "Authenticated to ", "Warning: "
)  # fmt: skip
"""How lines begin that tell of no failure."""
PARTIAL = ": accepted, more is wanted"
DENIED = ": denied"
_VERSION_CUT = 100
"""ssh logs this much of the peer's version."""


class Phase(enum.Enum):
    """The step that a connection is in."""

    CONNECT = "TCP connect"
    HANDSHAKE = "SSH handshake"
    AUTH = "authentication"
    OPEN = "channel"


class Journal:
    """ssh's log at LogLevel DEBUG1, from the FIFO that it writes to.

    Each pattern is anchored at both ends of what ssh itself says: ssh escapes line feeds, so a
    server's text may stand within a line, and never begin one.
    """

    def __init__(self, fifo: str) -> None:
        self._fd = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        self._file = os.fdopen(self._fd, "rb", buffering=0)
        self._rest = b""
        self._signing = False
        self.lines: deque[str] = deque(maxlen=_KEPT)
        self.phase = Phase.CONNECT
        self.judged = False
        """Whether the host's key was found good; its signature is verified after that."""
        self.method = ""
        """The method of authentication that is being tried."""
        self.attempts: list[str] = []
        self.offered: tuple[str, ...] = ()
        self.answers = 0
        self.planned: list[str] = []
        """The keys that ssh is going to try, unless it gets in before."""
        self.unsigned: list[str] = []
        """Keys that the server would have taken, and with which ssh then did not sign."""
        self._facts: dict[str, str] = {}
        self.peer: SocketAddress | None = None
        """The address that ssh tried last: once it is in, the one that it is connected to."""

    @property
    def stage(self) -> tuple[object, ...]:
        """What changes with each step that has a budget of its own."""
        return self.phase, self.method, self.answers, bool(self.planned), len(self.unsigned)

    def fileno(self) -> int:
        """Return the fd, for a selector."""
        return self._fd

    def read(self) -> None:
        """Take in what has been logged; never blocks, and does nothing once it is closed."""
        while data := self._read_some():
            *whole, rest = (self._rest + data).split(b"\n")
            self._rest = rest[:_LONGEST]
            for line in whole:
                self._take(line.decode(errors="replace").rstrip("\r"))

    def close(self) -> None:
        """Close the FIFO; what ssh then logs is lost, and does it no harm. Idempotent."""
        self._file.close()

    def find(self, pattern: str) -> re.Match[str] | None:
        """Return where the whole of a line matches, the last one first."""
        for line in reversed(self.lines):
            if match := re.fullmatch(pattern, line):
                return match
        return None

    def reason(self) -> str:
        """Return the last that ssh said of its own accord, debugging left out."""
        for line in reversed(self.lines):
            if line and not line.startswith(_NO_REASON):
                return line.rstrip(".")
        return ""

    def info(self, banner: str = "") -> ChannelInfo:
        """Return what ssh tells of the connection."""
        known = self._facts.get
        server, cipher = known("server", ""), known("cipher", "")
        cut = len(server) >= _VERSION_CUT or "\\" in server  # cut short, or escaped: not as sent
        return ChannelInfo(
            library="OpenSSH",
            library_version=known("library", ""),
            server_version="" if cut or not server else f"SSH-{known('protocol')}-{server}",
            banner=banner,
            kex=known("kex", ""),
            cipher=cipher,
            mac="" if is_aead(cipher) else known("mac", ""),
            compression=known("compression", ""),
        )

    def _read_some(self) -> bytes:
        if self._file.closed:
            return b""
        try:
            return os.read(self._fd, 1 << 16)
        except BlockingIOError:
            return b""

    def _take(self, line: str) -> None:
        self.lines.append(line)
        for pattern, note in _NOTES:
            if match := pattern.fullmatch(line):
                note(self, match)
                return

    def note_peer(self, match: re.Match[str]) -> None:
        """Take the address that ssh is about to try."""
        address, port = match[1], int(match[2])
        if ":" not in address:
            self.peer = (address, port)
            return
        address, _, interface = address.partition("%")
        scope = int(interface) if interface.isdecimal() else 0
        with suppress(OSError):
            scope = socket.if_nametoindex(interface) if interface and not scope else scope
        self.peer = (address, port, 0, scope)

    def note_start(self, match: re.Match[str]) -> None:
        """Take the first line of the exchange with the peer."""
        self.phase = Phase.HANDSHAKE
        self.note_facts(match)

    def note_trust(self, _: re.Match[str]) -> None:
        """Take the word that the host is who it should be, of the first key exchange's."""
        if self.phase is Phase.HANDSHAKE:
            self.phase = Phase.AUTH

    def note_service(self, _: re.Match[str]) -> None:
        """Take the server's word that it lets users log in."""
        self.method = self.method or "none"

    def note_success(self) -> None:
        """Take it that the user was let in: by the key that the server has accepted last, if any.

        The server's answer to its signature is no line of the log then.
        """
        self.unsigned = self.unsigned[:-1] if self._signing else self.unsigned
        self._signing = False
        self.phase = Phase.OPEN

    def note_planned(self, match: re.Match[str]) -> None:
        """Take the word that a key is going to be tried."""
        self.planned.append(match[1])

    def note_offered(self, match: re.Match[str]) -> None:
        """Take the server's answer to an attempt."""
        self.offered = tuple(match[1].split(","))
        self.answers += 1
        self.unsigned = self.unsigned[:-1] if self._signing else self.unsigned
        self._signing = False
        if self.attempts and not self.attempts[-1].endswith((DENIED, PARTIAL)):
            self.attempts[-1] += DENIED

    def note_partial(self, _: re.Match[str]) -> None:
        """Take the word that the last attempt was one of several that are wanted."""
        if self.attempts:
            self.attempts[-1] += PARTIAL

    def note_key(self, match: re.Match[str]) -> None:
        """Take the word that a key is tried."""
        self.attempts.append(f"publickey {match[1]}")
        self._signing = False

    def note_method(self, match: re.Match[str]) -> None:
        """Take the word that a method is tried."""
        self.method = match[1]
        if self.method != "publickey":
            self.attempts.append(self.method)
            self._signing = False

    def note_accepted_key(self, match: re.Match[str]) -> None:
        """Take the word that the server would have a key.

        Its next answer is to the signature, and takes the key off the list again.
        """
        self.unsigned.append(match[1])
        self._signing = True

    def note_facts(self, match: re.Match[str]) -> None:
        """Take what the line has names for.

        The first key exchange's; a later one may come at any time, and change the cipher.
        """
        for name, value in match.groupdict().items():
            self._facts.setdefault(name, value)


_NOTES: list[tuple[re.Pattern[str], Callable[[Journal, re.Match[str]], None]]] = [
    (re.compile(pattern), note)
    for pattern, note in (
        (
            r"debug1: Connecting to .* \[([0-9A-Fa-f:.]+(?:%\S+)?)\] port ([0-9]+)\.",
            Journal.note_peer,
        ),
        (
            r"debug1: Local version string SSH-[0-9.]+-OpenSSH_(?P<library>.*)",
            Journal.note_start,
        ),
        (
            (
                r"debug1: Remote protocol version (?P<protocol>[0-9.]+), "
                r"remote software version (?P<server>.*)"
            ),
            Journal.note_facts,
        ),
        (r"debug1: kex: algorithm: (?P<kex>\S+)", Journal.note_facts),
        (
            (
                r"debug1: kex: server->client cipher: (?P<cipher>\S+) MAC: (?P<mac>\S+) "
                r"compression: (?P<compression>\S+)"
            ),
            Journal.note_facts,
        ),
        (r"debug1: SSH2_MSG_NEWKEYS received", Journal.note_trust),
        (r"debug1: Will attempt key: (.*)", Journal.note_planned),
        (r"debug1: SSH2_MSG_SERVICE_ACCEPT received", Journal.note_service),
        (r"debug1: Authentications that can continue: (\S+)", Journal.note_offered),
        (r'Authenticated using ".*" with partial success\.', Journal.note_partial),
        (r"debug1: Offering public key: (.*)", Journal.note_key),
        (r"debug1: Server accepts key: (.*)", Journal.note_accepted_key),
        (r"debug1: Next authentication method: (\S+)", Journal.note_method),
    )
]
