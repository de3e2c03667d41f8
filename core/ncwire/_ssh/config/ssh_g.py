"""A configuration as OpenSSH's client resolves it: `ssh -G`."""

from __future__ import annotations

import getpass
import re
import shlex
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ncwire._interrupts import raise_signalled
from ncwire._ssh.config import algorithms
from ncwire._ssh.config.interpret import Question, Reading
from ncwire._ssh.config.tokens import Tokens
from ncwire.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ncwire._ssh.config.algorithms import Change

_TIMEOUT = 30.0  # a `Match exec` of the user's may run commands
_READ: Final = "debug1: Reading configuration data "
_FILES: Final = ("userknownhostsfile", "globalknownhostsfile")


@dataclass(frozen=True, slots=True)
class _Said:
    """What ssh printed: the settings, and the names of the files that it read."""

    settings: Mapping[str, list[str]]
    files: tuple[str, ...]


class OpenSSH:
    """Resolves one file (None: no file), for any number of hosts."""

    def __init__(self, ssh: str, filename: str | None, source: str) -> None:
        self._ssh = ssh
        self._source = source
        self._include = "" if filename is None else _include(filename)
        # ssh's own defaults: what differs from them is what the file sets.
        self._default = self._run("ncwire", "", []).settings

    def read(self, question: Question) -> Reading:
        """Return what is said for a host. Raises `OptionError` with ssh's words."""
        arguments = [f"-o{override}" for override in question.overrides]
        arguments += [] if question.username is None else ["-l", question.username]
        arguments += [] if question.port is None else ["-p", str(question.port)]
        said = self._run(question.host, self._include + self._fill_in(question), arguments)
        settings = {
            keyword: values
            for keyword, values in said.settings.items()
            if values != self._default.get(keyword)
        }
        changes = {
            keyword: self._change(keyword, said, question.overrides)
            for keyword in algorithms.KINDS
            if self._is_set(keyword, said.settings)
        }
        for keyword in algorithms.KINDS:
            settings.pop(keyword, None)
        settings.update({name: said.settings[name] for name in ("hostname", "port", "user")})
        settings.pop("host", None)
        names = Tokens(
            self._source,
            question.host,
            settings["hostname"][0],
            int(settings["port"][0]),
            settings["user"][0],
            settings.get("hostkeyalias", [None])[0],
        )
        for keyword in _FILES:
            if keyword in settings:
                statements = _statements(keyword, said.files, question.overrides)
                settings[keyword] = self._told_apart(
                    keyword, settings[keyword][0], statements, names
                )
        return Reading(self._source, question, settings, self._default, changes)

    def _fill_in(self, question: Question) -> str:
        """Return what is in force where the file says nothing: the first value obtained counts.

        That tells what ssh's output does not: whether a value that is ssh's default was set. And
        tokens stand for the port and the user that ncwire goes by.
        """
        lines = ["Match all", f"    Port {question.default_port}"]
        try:
            user = getpass.getuser()
        except (OSError, KeyError, ImportError) as error:
            raise_signalled(error)
            user = ""
        if re.fullmatch(r"[\w.@+-]+", user):
            lines.append(f"    User {user}")
        lines += [f"    {keyword} {self._backwards(keyword)}" for keyword in algorithms.KINDS]
        return "\n".join(lines) + "\n"

    def _backwards(self, keyword: str) -> str:
        # A list that ssh accepts, and that no file is likely to have.
        return ",".join(reversed(self._default[keyword][0].split(",")))

    def _is_set(self, keyword: str, settings: Mapping[str, list[str]]) -> bool:
        return settings[keyword][0] != self._backwards(keyword)

    def _change(self, keyword: str, said: _Said, overrides: Sequence[str]) -> Change:
        try:
            return algorithms.told_apart(
                keyword,
                [words[0] for words in _statements(keyword, said.files, overrides)],
                algorithms.names(said.settings[keyword][0]),
                algorithms.names(self._default[keyword][0]),
            )
        except ValueError as error:
            raise OptionError(
                "ssh_config",
                f"{self._source}: which statement of {keyword} counts cannot be told: {error}; "
                "write the list out",
            ) from error

    def _told_apart(
        self, keyword: str, value: str, statements: Iterable[Sequence[str]], tokens: Tokens
    ) -> list[str]:
        """Return the names of files that ssh -G joined by spaces, without quoting.

        The statement that came to this is looked for. Where none did, names that are absolute
        and have no spaces are told apart, and others refused.
        """
        possible = {tuple(words) for words in statements if _joined(words, tokens) == value}
        if len(possible) == 1:
            return [_expanded(word, tokens) for word in possible.pop()]
        names = re.split(r" (?=[/~]|none$)", value)
        if possible or any(" " in name for name in names):
            raise OptionError(
                "ssh_config",
                f"{self._source}: {keyword} {value}: where one name ends and the next begins "
                "cannot be told; use names without spaces, or pass known_hosts",
            )
        return names

    def _run(self, host: str, text: str, arguments: Sequence[str]) -> _Said:
        with tempfile.TemporaryDirectory(prefix="ncwire-") as folder:
            wrapper = Path(folder) / "config"
            wrapper.write_text(text, encoding="utf-8", errors="surrogateescape")
            # -v: for the names of the files that are read.
            command = [self._ssh, "-G", "-T", "-v", "-F", str(wrapper), *arguments, "--", host]
            try:
                done = subprocess.run(  # noqa: S603 - a list, no shell; host and options are checked
                    command,
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    timeout=_TIMEOUT,
                    check=False,
                    text=True,
                    errors="surrogateescape",
                )
            except subprocess.TimeoutExpired as error:
                raise OptionError(
                    "ssh_config", f"{self._source}: ssh -G took more than {_TIMEOUT:g} s"
                ) from error
            except (OSError, ValueError) as error:
                raise_signalled(error)
                raise OptionError("ssh_config", f"{self._source}: {error}") from error
        told = done.stderr.splitlines()
        if done.returncode != 0:
            words = [line for line in told if not line.startswith(("debug", "OpenSSH_"))]
            text = "; ".join(words).replace(str(wrapper), self._source) or "ssh -G failed"
            raise OptionError("ssh_config", f"{self._source}: {text}")
        read = (line.removeprefix(_READ) for line in told if line.startswith(_READ))
        files = tuple(dict.fromkeys(name for name in read if name != str(wrapper)))
        return _Said(_parsed(done.stdout), files)


def _include(filename: str) -> str:
    # Include takes a glob pattern, and drops a missing file without a word.
    try:
        path = Path(filename).expanduser().absolute()
        path.open("rb").close()
    except (OSError, RuntimeError, ValueError) as error:
        raise_signalled(error)
        reason = getattr(error, "strerror", None) or error
        raise OptionError("ssh_config", f"{filename}: {reason}") from error
    escaped = re.sub(r'([\\*?\[\]"])', r"\\\1", str(path))
    return f'Include "{escaped}"\n'


def _parsed(output: str) -> dict[str, list[str]]:
    settings: dict[str, list[str]] = {}
    for line in output.splitlines():
        keyword, _, value = line.partition(" ")
        settings.setdefault(keyword.lower(), []).append(value)
    return settings


def _statements(
    keyword: str, files: Iterable[str], overrides: Iterable[str]
) -> list[Sequence[str]]:
    """Return the words of each line and option with a keyword, in force or not."""
    lines = list(overrides)
    for name in files:
        try:
            lines += Path(name).read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError as error:
            raise_signalled(error)
            continue
    pattern = re.compile(rf"\s*{keyword}(?:\s*=\s*|\s+)(.*)", re.IGNORECASE)
    found: list[Sequence[str]] = []
    for match in map(pattern.match, lines):
        # What shlex cannot read ssh did not read either.
        with suppress(ValueError):
            found += [words] if match and (words := shlex.split(match[1], comments=True)) else []
    return found


def _joined(words: Sequence[str], tokens: Tokens) -> str | None:
    try:
        return " ".join(_expanded(word, tokens) for word in words)
    except OptionError:
        return None


def _expanded(word: str, tokens: Tokens) -> str:
    return word if word == "none" else tokens.path("known_hosts file", word)
