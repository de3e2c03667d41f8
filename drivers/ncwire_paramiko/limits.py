"""What a peer may state of its messages: paramiko believes any length and any count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from paramiko import SSHException
from paramiko.common import MSG_EXT_INFO, MSG_USERAUTH_INFO_REQUEST

if TYPE_CHECKING:
    from paramiko.message import Message

LONGEST: Final = 256 * 1024
"""How many bytes of a packet are read at once; longer ones OpenSSH refuses, too (packet.c,
PACKET_MAX_SIZE), and RFC 4253 section 6.1 has 35,000. Paramiko 5.1 would gather up to 4 GiB."""

COUNTED: Final = frozenset({MSG_EXT_INFO, MSG_USERAUTH_INFO_REQUEST})
"""The messages with a count of what follows. Paramiko 5.1 goes through as many as are stated,
past the message's end, where it reads zeros: four billion for one packet."""

_EXTENSION = 8  # bytes at least: the lengths of name and value, RFC 8308 section 2.3
_PROMPT = 5  # the length of the prompt, and whether to echo, RFC 4256 section 3.2


def check_length(size: int) -> None:
    """Raise `SSHException` for what no packet needs."""
    if size > LONGEST:
        raise SSHException(f"the server's packet is longer than any may be: {size} bytes")


def check_count(kind: int, message: Message) -> None:
    """Raise `SSHException` for a message of `COUNTED` that states more than it can have."""
    if kind == MSG_EXT_INFO:
        what, least = "extensions", _EXTENSION
    else:
        what, least = "prompts", _PROMPT
        for _ in ("name", "instruction", "language"):
            message.get_binary()
    count = message.get_int()
    left = len(message.get_remainder())
    message.rewind()
    if count * least > left:
        raise SSHException(f"the server's message states {count} {what} and has no room for them")
