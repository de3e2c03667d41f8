"""ssh_config, resolved by OpenSSH itself: what `ssh -G` says for a host (ssh_config(5))."""

from __future__ import annotations

import getpass
import logging
import os
import re
import shutil
import socket
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from ncwire.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ncwire.driver.algorithms import Algorithms

_log = logging.getLogger(__name__)

USER_CONFIG: Final = "~/.ssh/config"
_TIMEOUT = 30.0  # a `Match exec` of the user's may run commands

# Printed when no file sets Port: `ssh -G` shows 22 for "not set" and for 22 alike.
_PORT_NOT_SET = "65535"

_REFUSED: Final = (
    "proxyjump",
    "proxycommand",
    "ciphers",
    "kexalgorithms",
    "macs",
    "hostkeyalgorithms",
    "pubkeyacceptedalgorithms",
    "certificatefile",
    "compression",
    "identityagent",
    "addressfamily",
    "bindinterface",
    "pubkeyauthentication",
    "passwordauthentication",
    "kbdinteractiveauthentication",
    "preferredauthentications",
    "knownhostscommand",
    "revokedhostkeys",
    "requiredrsasize",
    "pkcs11provider",
    "canonicalizehostname",
)
"""What would change the path, the security or the credentials, and is not supported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SSHConfig:
    """What the configuration says for one host; None or empty for what it does not set.

    `identity_files` and the known_hosts files are paths with tokens and `~` expanded; an empty
    tuple in place of None says that there are to be none.
    """

    hostname: str
    port: int | None = None
    user: str | None = None
    identity_files: tuple[str, ...] = ()
    identities_only: bool = False
    certificate_files: tuple[str, ...] = ()
    identity_agent: str | None = None
    """A path, "none", or None for the environment's SSH_AUTH_SOCK."""
    auth_methods: tuple[str, ...] | None = None
    user_known_hosts_files: tuple[str, ...] | None = None
    global_known_hosts_files: tuple[str, ...] | None = None
    host_key_alias: str | None = None
    strict_host_key_checking: str | None = None
    hash_known_hosts: bool = False
    connect_timeout: float | None = None
    keepalive: float | None = None
    keepalive_count: int | None = None
    bind_address: str | None = None
    address_family: socket.AddressFamily | None = None
    proxy_command: str | None = None
    """Tokens expanded."""
    proxy_jump: tuple[str, ...] = ()
    """Hops as they were written, nearest first."""
    algorithms: Algorithms | None = None
    """What is offered, where the file changes anything of it; empty kinds are ncwire's own."""
    environment: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def resolve(
    host: str,
    filename: str | None,
    *,
    port: int | None = None,
    username: str | None = None,
    overrides: Sequence[str] = (),
) -> SSHConfig:
    """Resolve what a configuration file says for a host, as OpenSSH does.

    `filename` is read in place of the user's and the system's file; None reads none, so that
    only `overrides` count ("Key=Value", as for ssh's -o). `port` and `username` are arguments
    that win over the file. Runs the `ssh` command, without a shell, and so whatever `Match
    exec` lines the file has.

    Raises `OptionError` for a file that is missing or that ssh rejects, with ssh's own words,
    and for a keyword that is set and not supported. `StrictHostKeyChecking` weakens nothing:
    an unknown host is refused unless `unknown_host_cb` accepts it, a changed one always.
    """
    if host.startswith("-"):
        raise OptionError("host", f"{host!r} begins with a hyphen")
    arguments = [f"-o{override}" for override in overrides]
    arguments += [] if username is None else ["-l", username]
    arguments += [] if port is None else ["-p", str(port)]
    source = filename or "the options given"
    said = _run(host, source, filename, arguments)
    unset = _run(host, source, None, [])
    settings = _Settings(host, source, said, unset)
    settings.refuse_unsupported()
    settings.tell_about_strictness()
    return settings.value()


class _Settings:
    """What `ssh -G` printed: with the file, and without, which shows what the file sets."""

    def __init__(
        self, host: str, source: str, said: dict[str, list[str]], unset: dict[str, list[str]]
    ) -> None:
        self._host = host
        self._source = source
        self._said = said
        self._unset = unset

    def refuse_unsupported(self) -> None:
        for keyword in _REFUSED:
            if self._changed(keyword):
                raise OptionError(
                    "ssh_config",
                    f"{self._source} sets {keyword} for {self._host}, which is not supported yet",
                )

    def tell_about_strictness(self) -> None:
        said = self._one("stricthostkeychecking")
        if said in ("false", "no", "off", "accept-new"):
            _log.info(
                "%s: StrictHostKeyChecking %s for %s is taken as ask: ncwire accepts an unknown "
                "host only through unknown_host_cb",
                self._source,
                said,
                self._host,
            )

    def value(self) -> SSHConfig:
        port = self._said["port"][0]
        hostname = self._said["hostname"][0]
        identity_files = tuple(
            self._expanded(path) for path in self._changed("identityfile") if path != "none"
        )
        return SSHConfig(
            hostname=hostname,
            port=None if port == _PORT_NOT_SET else int(port),
            user=self._one("user"),
            identity_files=identity_files,
            identities_only=self._one("identitiesonly") == "yes",
            user_known_hosts_files=self._files("userknownhostsfile"),
            global_known_hosts_files=self._files("globalknownhostsfile"),
            host_key_alias=self._one("hostkeyalias"),
            connect_timeout=self._seconds("connecttimeout"),
            keepalive=self._seconds("serveraliveinterval"),
            bind_address=self._one("bindaddress"),
            environment=MappingProxyType(
                dict(pair.split("=", 1) for pair in self._changed("setenv"))
            ),
        )

    def _changed(self, keyword: str) -> list[str]:
        values = self._said.get(keyword, [])
        return [] if values == self._unset.get(keyword, []) else values

    def _one(self, keyword: str) -> str | None:
        values = self._changed(keyword)
        return values[0] if values else None

    def _seconds(self, keyword: str) -> float | None:
        value = self._one(keyword)
        return float(value) if value not in (None, "none", "0") else None

    def _files(self, keyword: str) -> tuple[str, ...] | None:
        value = self._one(keyword)
        if value is None:
            return None
        # ssh -G separates by spaces and quotes nothing: a name with a space cannot be told.
        return tuple(name for name in value.split() if name != "none")

    def _expanded(self, path: str) -> str:
        """Expand what `ssh -G` leaves as it stands in IdentityFile (ssh_config(5), TOKENS)."""

        def token(match: re.Match[str]) -> str:
            try:
                return self._tokens()[match[1]]()
            except KeyError:
                raise OptionError(
                    "ssh_config",
                    f"{self._source}: IdentityFile {path} for {self._host} has the token "
                    f"{match[0]}, which is not supported",
                ) from None

        def variable(match: re.Match[str]) -> str:
            try:
                return os.environ[match[1]]
            except KeyError:
                raise OptionError(
                    "ssh_config",
                    f"{self._source}: IdentityFile {path} for {self._host} needs the environment "
                    f"variable {match[1]}, which is not set",
                ) from None

        expanded = re.sub(r"%(.?)", token, path)
        return str(Path(re.sub(r"\$\{(\w+)\}", variable, expanded)).expanduser())

    def _tokens(self) -> dict[str, Callable[[], str]]:
        hostname = self._said["hostname"][0]
        local = socket.gethostname
        return {
            "%": lambda: "%",
            "d": lambda: str(Path.home()),
            "h": lambda: hostname,
            "i": lambda: str(os.getuid()),
            "k": lambda: self._one("hostkeyalias") or self._host,
            "L": lambda: local().partition(".")[0],
            "l": local,
            "n": lambda: self._host,
            "r": lambda: self._said["user"][0],
            "u": getpass.getuser,
        }


def _run(
    host: str, source: str, filename: str | None, arguments: Sequence[str]
) -> dict[str, list[str]]:
    ssh = shutil.which("ssh")
    if ssh is None:
        raise OptionError(
            "ssh_config",
            "it is resolved by the ssh command, which is not installed: "
            "install OpenSSH's client (Debian package openssh-client)",
        )
    with tempfile.TemporaryDirectory(prefix="ncwire-") as folder:
        wrapper = Path(folder) / "config"
        wrapper.write_text(_wrapper(filename), encoding="utf-8")
        command = [ssh, "-G", "-T", "-F", str(wrapper), *arguments, "--", host]
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
                "ssh_config", f"{source}: ssh -G took more than {_TIMEOUT:g} s"
            ) from error
        except ValueError as error:
            raise OptionError("ssh_config", f"{source}: {error}") from error
    if done.returncode != 0:
        words = done.stderr.replace(str(wrapper), source).strip() or "ssh -G failed"
        raise OptionError("ssh_config", f"{source}: {'; '.join(words.splitlines())}")
    return _parsed(done.stdout)


def _wrapper(filename: str | None) -> str:
    """Return a configuration that reads the file, and then sets Port if the file does not."""
    include = ""
    if filename is not None:
        path = Path(filename).expanduser().absolute()
        try:
            path.open("rb").close()
        except OSError as error:
            raise OptionError("ssh_config", f"{filename}: {error.strerror}") from error
        # Include takes a glob pattern, and drops a missing file without a word.
        escaped = re.sub(r'([\\*?\[\]"])', r"\\\1", str(path))
        include = f'Include "{escaped}"\n'
    return f"{include}Match all\n    Port {_PORT_NOT_SET}\n"


def _parsed(output: str) -> dict[str, list[str]]:
    settings: dict[str, list[str]] = {}
    for line in output.splitlines():
        keyword, _, value = line.partition(" ")
        settings.setdefault(keyword.lower(), []).append(value)
    return settings
