"""Host and user names: what can be one, and which of them may stand in a shell's line.

A configuration puts them there by tokens, in ProxyCommand and Match exec (ssh_config(5)), and does
so without quoting. The rules are those of OpenSSH's client for the names on its command line
(ssh.c, valid_hostname and valid_ruser), which came of CVE-2023-51385 and CVE-2025-61984, and a
stricter one where its rule lets a variable through.
"""

from __future__ import annotations

import re
from typing import Final

from ncwire.errors import OptionError

_SHELL: Final = "'`\"$;&<>|(){}"
_NOT_IN_A_HOST: Final = frozenset("@/\\[],*?#~" + _SHELL)
# One "$" may end it, as in the account of a machine: what the shell makes of it is no command.
# But "a$IFS-oX" is two words to a shell, and the second an option to the program.
# OpenSSH lets through what a shell makes names of files of, and what it takes for a comment.
# A backslash before a "-" is the shell's, and goes: what is left is an option.
_NOT_IN_A_SHELL: Final = re.compile(
    r"""\\?-|.*(?:['`";&<>|(){}*?[#]|\s\\?-|\\\Z|\$.)""", re.DOTALL
)


def check_host(option: str, host: str) -> None:
    """Raise `OptionError` for what can be no host name and no IP address."""
    if (
        not host
        or host.startswith("-")
        or _NOT_IN_A_HOST & set(host)
        or any(c.isspace() or not c.isprintable() for c in host)
    ):
        raise OptionError(
            option, f"{host!r} is no host name or IP address (an IPv6 address has no brackets)"
        )


def check_username(option: str, username: str) -> None:
    """Raise `OptionError` for what can be no user name at all: empty, or with control characters.

    A server takes any other (RFC 4252 section 5 wants UTF-8).
    """
    if not username:
        raise OptionError(option, "is empty")
    if not is_text(username):
        raise OptionError(option, f"{username!r} has a character that no name can have")


def check_username_for_shell(option: str, username: str) -> None:
    """Raise `OptionError` also for one from which a shell could read more than a name."""
    check_username(option, username)
    if _NOT_IN_A_SHELL.match(username):
        raise OptionError(
            option,
            f"{username!r} has what a shell would not take as part of a name, and ssh_config may "
            "put it into a command",
        )


def is_encodable(text: str) -> bool:
    """Tell whether it can be sent as UTF-8: it has no half of a surrogate pair."""
    return not any("\ud800" <= c <= "\udfff" for c in text)


def is_text(name: str) -> bool:
    """Tell whether it has neither control characters nor what cannot be sent as UTF-8."""
    has_controls = any(ord(c) < ord(" ") or "\x7f" <= c <= "\x9f" for c in name)
    return is_encodable(name) and not has_controls
