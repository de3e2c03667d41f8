"""What is expanded in the values of a configuration: tokens, variables, `~` (ssh_config(5))."""

from __future__ import annotations

import getpass
import os
import re
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ncwire._ssh.destination import check_host, check_username_for_shell
from ncwire.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PROXY: Final = "%hnpr"
"""The tokens of ProxyCommand and ProxyJump."""
HOST_NAME: Final = "%h"
_PATH: Final = "%dhikLlnpru"


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the tokens stand for, for one host of one file."""

    source: str
    host: str
    """As it was given."""
    hostname: str
    port: int
    user: str
    alias: str | None = None

    def expand(self, keyword: str, value: str, allowed: str) -> str:
        """Expand the tokens named. Raises `OptionError` for any other."""
        return self._expand(keyword, value, allowed, self._meanings())

    def command(self, keyword: str, value: str) -> str:
        """Expand the tokens of a command, which a shell is to run.

        Raises `OptionError` also for a name from which the shell could read more than a name,
        wherever it comes from: the names of a file have not passed the checks of arguments.
        """
        meanings = self._meanings()

        def checked(token: str, check: Callable[[str, str], None]) -> Callable[[], str]:
            def meaning() -> str:
                name = meanings[token]()
                try:
                    check(f"%{token}", name)
                except OptionError as error:
                    raise self._error(keyword, f"cannot be run: {error}") from error
                return name

            return meaning

        safe = {
            "h": checked("h", check_host),
            "n": checked("n", check_host),
            "r": checked("r", check_username_for_shell),
        }
        return self._expand(keyword, value, PROXY, {**meanings, **safe})

    def _expand(
        self,
        keyword: str,
        value: str,
        allowed: str,
        meanings: Mapping[str, Callable[[], str]],
    ) -> str:

        def meaning(match: re.Match[str]) -> str:
            if match[1] and match[1] in allowed:
                return meanings[match[1]]()
            raise self._error(keyword, f"has the token {match[0]}, which is not supported")

        return re.sub(r"%(.?)", meaning, value)

    def path(self, keyword: str, value: str) -> str:
        """Expand a file name: tokens, `${VARIABLE}`, and `~` at its beginning."""

        def variable(match: re.Match[str]) -> str:
            try:
                return os.environ[match[1]]
            except KeyError:
                raise self._error(
                    keyword, f"needs the environment variable {match[1]}, which is not set"
                ) from None

        expanded = re.sub(r"\$\{(\w+)\}", variable, self.expand(keyword, value, _PATH))
        return expand_home(expanded)

    def _error(self, keyword: str, problem: str) -> OptionError:
        return OptionError("ssh_config", f"{self.source}: {keyword} for {self.host} {problem}")

    def _meanings(self) -> Mapping[str, Callable[[], str]]:
        local = socket.gethostname
        return {
            "%": lambda: "%",
            "d": home,
            "h": lambda: self.hostname,
            "i": lambda: str(os.getuid()),
            "k": lambda: self.alias or self.host,
            "L": lambda: local().partition(".")[0],
            "l": local,
            "n": lambda: self.host,
            "p": lambda: str(self.port),
            "r": lambda: self.user,
            "u": getpass.getuser,
        }


def expand_home(path: str) -> str:
    """Expand `~` and `~user` at the beginning, as ssh does."""
    if path == "~" or path.startswith("~/"):
        return home() + path[1:]
    try:
        return str(Path(path).expanduser())
    except (RuntimeError, ValueError) as error:  # the latter for a NUL
        raise OptionError("ssh_config", f"{path}: {error}") from error


def home() -> str:
    """Return the home directory that the password database has, as ssh takes it."""
    try:
        import pwd  # noqa: PLC0415 - not on every system

        return pwd.getpwuid(os.getuid()).pw_dir
    except (ImportError, KeyError):
        return str(Path.home())
