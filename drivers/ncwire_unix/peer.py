"""Who owns the other end of a Unix socket, as the kernel knows it."""

from __future__ import annotations

import pwd
import socket
import struct
import sys
from typing import Final

from ncwire.errors import OptionError

OPTION: Final = "driver_options.peer_uid"

_UCRED: Final = struct.Struct("iII")
"""pid, uid and gid (unix(7))."""
_XUCRED: Final = struct.Struct("=IIh")
"""The head of macOS' and FreeBSD's: a version, the uid, and how many groups follow."""
_XUCRED_SIZE: Final = 128
_SOL_LOCAL: Final = 0


def wanted(text: str) -> int:
    """Return the uid of a user that is given by number or name. Raises `OptionError`."""
    if not (_has_so_peercred() or hasattr(socket, "LOCAL_PEERCRED")):
        raise OptionError(OPTION, "this system does not tell who owns the other end of a socket")
    if text.isascii() and text.isdecimal():
        return int(text)
    try:
        return pwd.getpwnam(text).pw_uid
    except (KeyError, ValueError) as error:
        raise OptionError(OPTION, f"there is no user {text[:100]!r}") from error


def uid(sock: socket.socket) -> int:
    """Return who listened at the other end, or made the pair. Raises OSError."""
    if _has_so_peercred():
        data = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
        return int(_UCRED.unpack(data)[1])
    option: int = getattr(socket, "LOCAL_PEERCRED")  # noqa: B009 - no attribute on Linux
    data = sock.getsockopt(_SOL_LOCAL, option, _XUCRED_SIZE)
    return int(_XUCRED.unpack(data[: _XUCRED.size])[1])


def named(number: int) -> str:
    """Return a uid with the user's name, if it has one."""
    try:
        return f"{number} ({pwd.getpwuid(number).pw_name})"
    except (KeyError, OverflowError):
        return str(number)


def _has_so_peercred() -> bool:
    return sys.platform.startswith("linux") and hasattr(socket, "SO_PEERCRED")
