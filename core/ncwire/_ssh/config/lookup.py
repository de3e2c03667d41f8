"""A configuration file, and looking a host up in it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Protocol

from ncwire._ssh.config.interpret import Question
from ncwire._ssh.config.paramiko_parser import Fallback
from ncwire._ssh.config.ssh_g import OpenSSH
from ncwire._ssh.destination import check_host, check_username_for_shell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ncwire._ssh.config.interpret import Reading
    from ncwire._ssh.config.result import SSHConfig


class _Resolver(Protocol):
    def read(self, question: Question) -> Reading: ...


class Configuration:
    """One file, in which any number of hosts can be looked up; None stands for an empty one.

    It is read in place of the user's and the system's file. Where OpenSSH's client is installed
    it runs `ssh -G`, without a shell, and so whatever `Match exec` lines the file has; elsewhere
    paramiko's parser reads it, and what that lacks is refused.

    Raises `OptionError` for a file that cannot be read.
    """

    def __init__(self, filename: str | None) -> None:
        source = filename or "the options given"
        ssh = shutil.which("ssh")
        self._resolver: _Resolver = (
            Fallback(filename, source) if ssh is None else OpenSSH(ssh, filename, source)
        )

    def lookup(
        self,
        host: str,
        *,
        default_port: int,
        port: int | None = None,
        username: str | None = None,
        overrides: Sequence[str] = (),
    ) -> SSHConfig:
        """Return what the file says for a host.

        `port` and `username` are arguments that win over the file, `overrides` are as well
        ("Key=Value", as for ssh's -o). `default_port` is the port where none is set.

        Raises `OptionError` for a file that ssh rejects, with ssh's own words, for a keyword
        that is set and not supported, and for a name that must not come near a shell.
        """
        check_host("host", host)
        if username is not None:
            check_username_for_shell("username", username)
        question = Question(
            host=host,
            port=port,
            username=username,
            default_port=default_port,
            overrides=overrides,
        )
        return self._resolver.read(question).value()


def resolve(
    host: str,
    filename: str | None,
    *,
    port: int | None = None,
    username: str | None = None,
    overrides: Sequence[str] = (),
    default_port: int = 830,
) -> SSHConfig:
    """Look one host up in a file; see `Configuration`."""
    return Configuration(filename).lookup(
        host, default_port=default_port, port=port, username=username, overrides=overrides
    )
