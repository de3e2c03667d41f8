"""known_hosts: which keys are on file for a name, line by line and by a second opinion."""

from __future__ import annotations

import re

from ncwire._ssh.hostkeys.known_hosts import KnownHostsFile
from targets.property import agree, require

TOKENS = (
    b"r1 ", b"[r1]:830 ", b"*,!r1 ", b"r? ", b"* ", b"r1,r2 ", b"@revoked ", b"@cert-authority ",
    b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl",
    b"ssh-rsa AAAA", b"|1|", b"|", b"=", b"\t", b"\n", b"\r", b"#", b"\0", b"\xff", b"!", b"?",
    b"*", b"|1|9qCgJ+LJWbr8S6yCSvO8RQGdrqM=|KJ6cuk8oTMbKMdOlEDCUDuDUKuk= ", b"\x0b", b"\x85",
    b"\xc3\xa9",
)  # fmt: skip
LONGEST = 2048
_NAMES = ("r1", "[r1]:830", "r2", "x", "", "é")
_MOST_NAMES = 8


def one(data: bytes) -> None:
    """Look names up in a file."""
    file = KnownHostsFile("f", data)
    lines = data.split(b"\n")
    alone = [KnownHostsFile("f", line) for line in lines]
    for name in (*_NAMES, *_names_in(lines)):
        expected = [
            (number, entry.marker, entry.key)
            for number, each in enumerate(alone, start=1)
            for entry in each.lookup(name)
        ]
        found = [(entry.line, entry.marker, entry.key) for entry in file.lookup(name)]
        agree("a line means the same whatever the others are", expected, found)
        agree("what was found is found again", tuple(file.lookup(name)), tuple(file.lookup(name)))
        for number, marker, _ in found:
            require(not marker or marker.encode() in lines[number - 1], "a marker is the line's")
        _check_matching(name, lines, {number for number, *_ in found})


def _check_matching(name: str, lines: list[bytes], found: set[int]) -> None:
    """Compare with what sshd(8) says, for lines in which nothing else can be meant."""
    for number, line in enumerate(lines, start=1):
        fields = line.split(None, 1)
        if len(fields) < 2 or fields[0][:1] in (b"#", b"@", b"|"):  # noqa: PLR2004
            continue
        if not list(KnownHostsFile("f", b"* " + fields[1]).lookup("any")):
            continue  # its key is none
        wanted = name.lower().encode("utf-8", "surrogateescape")
        agree("a line is found by its names only", _matches(wanted, fields[0]), number in found)


def _matches(name: bytes, patterns: bytes) -> bool:
    each = patterns.lower().split(b",")
    if any(_like(name, pattern[1:]) for pattern in each if pattern.startswith(b"!")):
        return False
    return any(_like(name, pattern) for pattern in each if not pattern.startswith(b"!"))


def _like(name: bytes, pattern: bytes) -> bool:
    expression = re.escape(pattern).replace(rb"\*", b".*").replace(rb"\?", b".")
    return re.fullmatch(expression, name, re.DOTALL) is not None


def _names_in(lines: list[bytes]) -> list[str]:
    names = [field for line in lines for field in line.split(None, 1)[:1]]
    names = [name for field in names for name in field.split(b",")]
    return [name.decode("utf-8", "surrogateescape") for name in names[:_MOST_NAMES]]
