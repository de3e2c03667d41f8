"""A configuration as paramiko's parser reads it, where OpenSSH's client is not installed.

What that parser does not know, or knows in part, is refused: it must not be that a file means one
thing with OpenSSH and another without.
"""

from __future__ import annotations

import getpass
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from ncwire._interrupts import raise_signalled
from ncwire._ssh.config import keywords
from ncwire._ssh.config.algorithms import KINDS, Change
from ncwire._ssh.config.interpret import Reading
from ncwire._ssh.config.tokens import HOST_NAME, Tokens
from ncwire._ssh.config.words import words
from ncwire.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ncwire._ssh.config.interpret import Question

_INSTALL: Final = "install OpenSSH's client (Debian package openssh-client)"
_LINE: Final = re.compile(r"\s*(\w+)(?:\s*=\s*|\s+)(.*\S)")
_UNITS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_SEVERAL: Final = ("userknownhostsfile", "globalknownhostsfile", "sendenv", "setenv")
_BLOCKS: Final = ("host", "match")
_AS_WRITTEN: Final = ("proxycommand", "proxyjump")
"""Keywords of which OpenSSH takes the rest of the line, quotes and all."""
_ONE: Final = frozenset(name.lower() for name in keywords.HONOURED) - {
    *_SEVERAL, *_BLOCKS, *_AS_WRITTEN, "ignoreunknown",
}  # fmt: skip
_MARK: Final = "\x01"
_TIMES: Final = ("connecttimeout", "serveraliveinterval")
_ONCE: Final = ("certificatefile", "sendenv")
"""Keywords that add up in OpenSSH, and of which paramiko keeps the first."""


class Fallback:
    """Resolves one file (None: no file), for any number of hosts."""

    def __init__(self, filename: str | None, source: str) -> None:
        self._source = source
        self._lines = [] if filename is None else _read(filename).splitlines()
        self._check()

    def read(self, question: Question) -> Reading:
        """Return what is said for a host. Raises `OptionError`."""
        for override in question.overrides:
            self._check_line("the options given", override)
        given = dict(self._lookup(question))
        _keep_one_way(given)
        given.setdefault("port", str(question.default_port))
        given.setdefault("user", getpass.getuser())
        host = Tokens(self._source, question.host, question.host, 0, "")
        given["hostname"] = host.expand("HostName", given["hostname"], HOST_NAME)
        settings = {
            keyword: self._values(keyword, value)
            for keyword, value in ((keywords.ALIASES.get(key, key), given[key]) for key in given)
            if keyword not in ("ignoreunknown", *KINDS)
        }
        self._expand_paths(question, settings)
        changes = {key: self._change(key, given[key]) for key in KINDS if key in given}
        return Reading(self._source, question, settings, {}, changes)

    def _lookup(self, question: Question) -> Mapping[str, Any]:
        from paramiko.config import SSHConfig  # noqa: PLC0415 - only where it is needed
        from paramiko.ssh_exception import ConfigParseError  # noqa: PLC0415 - as above

        class Untouched(SSHConfig):
            """Leaves tokens as they stand: they are expanded as OpenSSH does, by ncwire."""

            TOKENS_BY_CONFIG_KEY: dict[str, list[str]] = {}  # noqa: RUF012 - as there

        # The first value obtained counts. An argument is no line, and has no quotes of its own.
        lines = [self._marked(line) for line in question.overrides]
        lines += [] if question.port is None else [f"Port {question.port}"]
        lines += [] if question.username is None else [f'User "{question.username}"']
        lines += [self._marked(line) for line in self._lines]
        try:
            parsed = Untouched.from_text("\n".join(lines))
            return parsed.lookup(question.host)
        except ConfigParseError as error:
            raise self._error(f"{error}") from error

    def _check(self) -> None:
        seen: dict[str, int] = {}
        for number, line in enumerate(self._lines, start=1):
            if not _is_comment(line):
                keyword = self._check_line(f"{self._source} line {number}", line)
                seen[keyword] = seen.get(keyword, 0) + 1
        for keyword in _ONCE:
            if seen.get(keyword, 0) > 1:
                self._lacks(self._source, f"several lines with {keyword}")

    def _check_line(self, where: str, line: str) -> str:
        match = _LINE.fullmatch(line.rstrip())
        if match is None:
            raise OptionError("ssh_config", f"{where}: no keyword with a value")
        keyword = _keyword(match)
        if keyword not in keywords.KNOWN:
            raise OptionError("ssh_config", f"{where}: unknown keyword {match[1]}")
        said = self._words(where, match)
        if keyword in _ONE and len(said) > 1:
            raise OptionError("ssh_config", f"{where}: {match[1]} has more than one value")
        self._check_has(where, keyword, " ".join(said).lower())
        return keyword

    def _words(self, where: str, match: re.Match[str]) -> list[str]:
        try:
            said = words(match[2])
        except ValueError as error:
            raise OptionError("ssh_config", f"{where}: {match[1]}: {error}") from error
        if not said:
            raise OptionError("ssh_config", f"{where}: no keyword with a value")
        if "\0" in match[2]:  # OpenSSH reads no further, and paramiko does
            raise OptionError("ssh_config", f"{where}: {match[1]} has a NUL in its value")
        if not all(said):
            raise OptionError("ssh_config", f"{where}: {match[1]} has an empty value")
        return said

    def _check_has(self, where: str, keyword: str, value: str) -> None:
        if keyword == "include":
            self._lacks(where, "Include")
        if keyword == "ignoreunknown":
            self._lacks(where, "IgnoreUnknown")
        if keyword == "canonicalizehostname" and value not in ("no", "none"):
            self._lacks(where, "CanonicalizeHostname")
        if keyword == "match":
            criteria = {word.lstrip("!") for word in value.replace("=", " ").split()}
            for lacking in ("exec", "canonical", "localnetwork", "tagged", "version"):
                if lacking in criteria:
                    self._lacks(where, f"Match {lacking}")

    def _lacks(self, where: str, what: str) -> NoReturn:
        raise OptionError(
            "ssh_config",
            f"{where}: {what} needs the ssh command, which is not installed: {_INSTALL}",
        )

    def _values(self, keyword: str, value: str | list[str] | None) -> list[str]:
        if value is None:
            return ["none"]
        if isinstance(value, list):
            return value
        if keyword in _SEVERAL:
            return value.split(_MARK)[1:]
        if keyword in _TIMES:
            return [self._seconds(keyword, value)]
        if keyword in ("port", "serveralivecountmax") and not value.isdecimal():
            raise self._error(f"{keyword}: {value!r} is no number")
        return [value]

    def _marked(self, line: str) -> str:
        """Return a line that paramiko reads as OpenSSH does.

        It takes off one kind of quotes, at both ends of a line only, and knows no comment at its
        end; so the words are told apart before, and each value stands between those quotes.
        """
        match = None if _is_comment(line) else _LINE.fullmatch(line.rstrip())
        if match is None:
            return line
        keyword, said = _keyword(match), self._words(self._source, match)
        if keyword in _BLOCKS:
            return f"{keyword} {shlex.join(said)}"
        if keyword in _SEVERAL:
            return f"{keyword} " + "".join(_MARK + word for word in said)
        if keyword not in _AS_WRITTEN:
            return f'{keyword} "{" ".join(said)}"'
        # As in readconf.c a command has its "#", and a way over hosts has not.
        rest = match[2] if keyword == "proxycommand" else match[2].partition("#")[0].rstrip()
        # Which paramiko knows without quotes.
        return f"{keyword} none" if rest.lower() == "none" else f'{keyword} "{rest}"'

    def _seconds(self, keyword: str, value: str) -> str:
        if value.lower() == "none":
            return "none"
        parts = re.findall(r"(\d+)([smhdw]?)", value.lower())
        if not parts or "".join(number + unit for number, unit in parts) != value.lower():
            raise self._error(f"{keyword}: {value!r} is no time")
        return str(sum(int(number) * _UNITS[unit] for number, unit in parts))

    def _expand_paths(self, question: Question, settings: dict[str, list[str]]) -> None:
        expand = Tokens(
            self._source,
            question.host,
            settings["hostname"][0],
            int(settings["port"][0]),
            settings["user"][0],
            settings.get("hostkeyalias", [None])[0],
        ).path
        for keyword in ("userknownhostsfile", "identityagent"):
            if keyword in settings:
                settings[keyword] = [
                    value if _stands(value) else expand(keyword, value)
                    for value in settings[keyword]
                ]

    def _change(self, keyword: str, value: str) -> Change:
        change = Change.parse(value)
        if change.sign != "-" and any("*" in name or "?" in name for name in change.names):
            self._lacks(self._source, f"a pattern in {keyword}")
        return change

    def _error(self, problem: str) -> OptionError:
        return OptionError("ssh_config", f"{self._source}: {problem}")


def _read(filename: str) -> str:
    try:
        return Path(filename).expanduser().read_text(encoding="utf-8", errors="surrogateescape")
    except (OSError, RuntimeError, ValueError) as error:
        raise_signalled(error)
        reason = getattr(error, "strerror", None) or error
        raise OptionError("ssh_config", f"{filename}: {reason}") from error


def _keyword(match: re.Match[str]) -> str:
    keyword = match[1].lower()
    return keywords.ALIASES.get(keyword, keyword)


def _is_comment(line: str) -> bool:
    return line.strip()[:1] in ("", "#")


def _stands(value: str) -> bool:
    return value in ("none", "SSH_AUTH_SOCK") or re.match(r"\$\w", value) is not None


def _keep_one_way(given: dict[str, Any]) -> None:
    # As in OpenSSH's readconf.c the first of the two counts, but for a ProxyJump none.
    ways = [keyword for keyword in given if keyword in ("proxyjump", "proxycommand")]
    if len(ways) > 1:
        way, other = ways
        is_none = way == "proxyjump" and str(given[way]).lower() == "none"
        del given[way if is_none else other]
