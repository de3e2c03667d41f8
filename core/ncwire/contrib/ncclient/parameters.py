"""ncclient's parameters of `connect` as ncwire takes them, with the leniencies that it has."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ncwire.driver.timeouts import DefaultBudget, Timeouts

if TYPE_CHECKING:
    from collections.abc import Mapping

DAY: Final = 86_400.0
"""Seconds in which `timeout=None`, which is without limit in ncclient, comes to its end."""

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


def copied_socket(fd: Any) -> socket.socket:
    """Return a socket of a copy of this fd, which stays the caller's. Raises OSError."""
    return socket.socket(fileno=os.dup(int(fd)))


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
