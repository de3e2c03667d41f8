"""A host's and a user's name in the command of ssh_config: words and no more, whatever they are.

An input is a host, a NUL and a user.
"""

from __future__ import annotations

import shlex

from ncwire._ssh.config.interpret import Question
from ncwire._ssh.config.paramiko_parser import Fallback
from ncwire._ssh.config.result import SSHConfig
from ncwire.errors import OptionError
from targets.property import agree, outcome, require

TOKENS = (
    b"\0", b";", b"&", b"|", b"$", b"`", b"(", b")", b"'", b'"', b"\\", b"\n", b"\r", b" ", b"#",
    b"*", b"~", b"-o", b"%h", b"%", b"\nProxyCommand x", b"\nMatch all", b"\xc2\xa0",
    b"\xe2\x80\xa8",
)  # fmt: skip
LONGEST = 128
_COMMAND = "ProxyCommand=relay %n %r"


def one(data: bytes) -> None:
    """Resolve a host for a user."""
    host, _, user = data.decode(errors="replace").partition("\0")
    if not host or not user:  # parameters that are refused before
        return
    found = outcome(lambda: _resolved(host, user), OptionError)
    if not isinstance(found, SSHConfig):
        return
    agree("a user is taken as it is given", user, found.user)
    agree("nothing but the option is said", 830, found.port)
    require(found.host_key_alias is None, "nothing but the option is said")
    command = found.proxy_command or ""
    agree("names are no part of the command's grammar", f"relay {host} {user}", command)
    # A user's name may have spaces, as OpenSSH's rule lets it (ssh.c, valid_ruser); what comes
    # after one is an argument, and never an option.
    program, first, *others = shlex.split(command, comments=True)
    require([program, first] == ["relay", host], "the host is one word")
    require(not any(word.startswith("-") for word in others), "no option")
    # One "$" may end a user's name, as that of a machine's account; a shell leaves it as it is.
    read = command.removesuffix("$")
    require(not set(read) & set("\n\r\0;&|$`()<>'\"*?"), "nothing that a shell reads")


def _resolved(host: str, user: str) -> SSHConfig:
    question = Question(host=host, username=user, default_port=830, overrides=(_COMMAND,))
    return Fallback(None, "f").read(question).value()
