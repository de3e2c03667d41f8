"""ncclient's parameters of `connect` as ncwire takes them, with the leniencies that it has."""

from __future__ import annotations

import os
import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ncwire.driver.timeouts import DefaultBudget, Timeouts
from ncwire.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Mapping

DAY: Final = 86_400.0
"""Seconds in which `timeout=None`, which is without limit in ncclient, comes to its end."""

_LAST_FD: Final = 2**31 - 1
"""The last that a C int can hold."""
_BAD_FD: Final = "sock_fd: {}: {}; give the fileno() of a connected socket"

_SWITCHES: Final = ("allow_agent", "hostkey_verify", "look_for_keys")


def settled(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of `ncwire.SSHSession.connect` for those of ncclient's.

    As ncclient does: any value counts as true or false; numbers may be strings; an ssh_config that
    is not there raises FileNotFoundError; `sock_fd` stays the caller's, and a copy of it is used;
    an empty value is none.
    """
    found = {name: value for name, value in given.items() if value not in (None, "")}
    for name in _SWITCHES:
        found[name] = bool(given[name])
    for name in ("timeout", "keepalive", "port"):
        if name in found:
            found[name] = number(found[name])
    for name in ("username", "password"):
        if name in found:
            found[name] = _text(found[name])
    if given["password"] == "":
        found["password"] = ""
    if not found.get("keepalive"):
        found.pop("keepalive", None)
    _settle_config(found)
    found.setdefault("host", None)
    if "timeout" not in found:
        found["timeouts"] = without_limit()
    return found


def without_limit() -> Timeouts:
    """Return the budgets of `timeout=None`.

    ncclient limits neither the TCP connect nor the hello then, and leaves the rest to paramiko's
    own limits, which are like ours. Those of ssh_config win over the first.
    """
    return Timeouts(connect=DefaultBudget(DAY), hello=DefaultBudget(DAY))


def number(value: Any) -> Any:
    """Return the number that a string stands for; anything else as it is, to be refused."""
    if not isinstance(value, str):
        return value
    for kind in (int, float):
        with suppress(ValueError):
            return kind(value)
    return value


def rpc_timeout(value: Any) -> Any:
    """Return the seconds that an rpc waits, which may be a string; None is without limit.

    Raises `OptionError` for what is none: ncclient fails with it at the first rpc, with the
    TypeError or OverflowError of `threading.Event.wait`.
    """
    found = number(value)
    if found is None or (isinstance(found, int | float) and found <= threading.TIMEOUT_MAX):
        return found
    raise OptionError(
        "manager_params['timeout']", f"must be a number of seconds, or None, not {value!r}"
    )


def fd_number(fd: Any) -> int:
    """Return the number of an fd, which may be a string. Raises `OptionError` for what is none."""
    found = number(fd)
    if not isinstance(found, int) or isinstance(found, bool) or abs(found) > _LAST_FD:
        raise OptionError(
            "sock_fd", f"must be the number of an fd, as a socket's fileno() tells it, not {fd!r}"
        )
    return found


def copied_socket(fd: int) -> socket.socket:
    """Return a socket of a copy of this fd, which stays the caller's.

    Raises OSError for an fd that is not open, or is no connected socket; nothing is left then.
    """
    copy = -1
    try:
        copy = os.dup(fd)
        sock = socket.socket(fileno=copy)
    except OSError as error:
        if copy >= 0:
            os.close(copy)
        raise OSError(error.errno, _BAD_FD.format(fd, error.strerror)) from error
    try:
        sock.getpeername()
    except OSError as error:
        sock.close()
        raise OSError(error.errno, _BAD_FD.format(fd, error.strerror)) from error
    return sock


def _text(value: Any) -> str:
    # What is no UTF-8 is refused where all text is: an error of this `decode` would have it in it.
    return value.decode(errors="surrogateescape") if isinstance(value, bytes) else str(value)


def _settle_config(found: dict[str, Any]) -> None:
    config = found.get("ssh_config")
    if config in (None, False):
        found.pop("ssh_config", None)
        return
    path = Path("~/.ssh/config" if config is True else config).expanduser()
    path.open().close()
    found["ssh_config"] = path
