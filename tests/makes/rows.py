"""The matrix of makes: its rows and columns, and the cells that cannot be, with the reason.

The page docs/makes.rst is made of it too, so nothing here needs pytest or a server.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Check:
    """A row: a test of test_makes.py, run for each make on each driver."""

    label: str
    seen: str


@dataclass(frozen=True)
class Make:
    """A column: a server, how it is set up, and the checks that it cannot take part in."""

    label: str
    """As it is printed, in a column of 12."""
    setting: str
    not_applicable: Mapping[str, str] = field(default_factory=dict)


CHECKS: Mapping[str, Check] = {
    "login_by_password": Check("login: password", "A password opens a session."),
    "login_by_key": Check("login: key", "A key file opens a session."),
    "login_by_prompts": Check(
        "login: prompts",
        "The answers of ``auth_handler`` open a session, and nothing else is had.",
    ),
    "login_by_agent": Check("login: agent", "A key that only the agent has opens a session."),
    "hello": Check(
        "hello", "Session-id and capabilities are there; the server says that it is of this make."
    ),
    "rpc": Check("rpc", "20 requests at once; each reply is for its own request."),
    "download": Check("20 MB down", "Replies of 20 MB in all are whole, and as they must be."),
    "upload": Check("20 MB up", "Requests of 20 MB in all; the server tells that they are whole."),
    "notifications": Check("notifications", "They come in their order, after a subscription."),
    "keepalive": Check(
        "keepalive",
        "An idle session lives by its answers to keepalives; when they fail to come it ends, "
        "and says so.",
    ),
    "close": Check(
        "close",
        "``close-session`` and ``close`` end the session for a cause that says who ended it, "
        "and the server's program with it.",
    ),
}

_FEW_LOGINS = "has no keyboard-interactive"

MAKES: Mapping[str, Make] = {
    "openssh": Make("OpenSSH", "sshd with PAM, the subsystem a small server of the tests"),
    "netconfd": Make("netconfd", "yuma123's netconfd behind OpenSSH's sshd with PAM"),
    "dropbear": Make(
        "dropbear",
        "as Debian builds it; it has no subsystem, so the profile's ``command`` is run",
        {"login_by_prompts": f"Debian's dropbear {_FEW_LOGINS}"},
    ),
    "asyncssh": Make(
        "AsyncSSH",
        "windows of 2 KiB, packets of 256 bytes, new keys after each 256 KiB, and prompts in five "
        "rounds, three of which ask nothing",
    ),
    "conch": Make(
        "Conch",
        "the server of Twisted Conch, as it comes",
        {"login_by_prompts": f"Conch's server {_FEW_LOGINS}"},
    ),
}
