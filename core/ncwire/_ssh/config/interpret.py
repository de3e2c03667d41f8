"""From the settings that were read, by ssh or by paramiko's parser, to what they mean."""

from __future__ import annotations

import fnmatch
import logging
import os
import socket
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from ncwire._ssh.config import algorithms, keywords, tokens
from ncwire._ssh.config.result import SSHConfig
from ncwire.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ncwire._ssh.config.algorithms import Change

_log = logging.getLogger(__name__)

_YES: Final = ("yes", "true")
_NO: Final = ("no", "false", "off")
_METHODS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "publickey": "pubkeyauthentication",
        "keyboard-interactive": "kbdinteractiveauthentication",
        "password": "passwordauthentication",
    }
)
_FAMILIES: Final = MappingProxyType({"inet": socket.AF_INET, "inet6": socket.AF_INET6})


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is to be looked up; arguments that are not None win over the file."""

    host: str
    port: int | None = None
    username: str | None = None
    default_port: int
    overrides: Sequence[str] = ()

    def __post_init__(self) -> None:
        # A line of a configuration is made of each, and `ssh -G` tells them in lines.
        for option, name in (("host", self.host), ("username", self.username)):
            if name is not None and not name.isprintable():
                raise OptionError(option, f"{name!r} has a control character")


class Reading:
    """The settings for one host: keywords in lower case, with the values as they were read.

    `settings` has what the file sets, and hostname, port and user in any case; names of files
    are told apart. `default` has OpenSSH's own values, as far as they are known. `changes` has
    the lists of algorithms.
    """

    def __init__(
        self,
        source: str,
        question: Question,
        settings: Mapping[str, list[str]],
        default: Mapping[str, list[str]],
        changes: Mapping[str, Change],
    ) -> None:
        self._source = source
        self._host = question.host
        self._settings = settings
        self._default = default
        self._changes = changes
        self._tokens = tokens.Tokens(
            source,
            question.host,
            settings["hostname"][0],
            int(settings["port"][0]),
            settings["user"][0],
            self._one("hostkeyalias"),
        )

    def value(self) -> SSHConfig:
        """Return the settings as values. Raises `OptionError` for what is not supported."""
        self._refuse_unsupported()
        self._tell_what_has_no_effect()
        return SSHConfig(
            hostname=self._tokens.hostname,
            port=self._tokens.port,
            user=self._tokens.user,
            identity_files=self._paths("IdentityFile"),
            identities_only=self._one("identitiesonly") in _YES,
            certificate_files=self._paths("CertificateFile") or (),
            identity_agent=self._identity_agent(),
            auth_methods=self._auth_methods(),
            user_known_hosts_files=self._files("userknownhostsfile"),
            global_known_hosts_files=self._files("globalknownhostsfile"),
            host_key_alias=self._one("hostkeyalias"),
            strict_host_key_checking=self._strictness(),
            hash_known_hosts=self._one("hashknownhosts") in _YES,
            connect_timeout=self._seconds("connecttimeout"),
            keepalive=self._seconds("serveraliveinterval"),
            keepalive_count=self._count("serveralivecountmax"),
            bind_address=self._one("bindaddress"),
            address_family=self._address_family(),
            proxy_command=self._proxy_command(),
            proxy_jump=self._proxy_jump(),
            algorithms=algorithms.changed(
                self._changes,
                compressed=self._one("compression") in _YES,
                source=f"{self._source} for {self._host}",
            ),
            environment=self._environment(),
        )

    def _refuse_unsupported(self) -> None:
        for name, harmless in keywords.REFUSED.items():
            value = self._one(name.lower())
            if value is not None and value not in harmless:
                raise self._unsupported(name)
        for name in keywords.WIDENED_ONLY:
            value, usual = self._one(name.lower()), self._default.get(name.lower(), [""])[0]
            if value is not None and not _widens(value, usual):
                raise self._unsupported(name)
        for name in self._settings:
            if name not in keywords.KNOWN:
                raise self._unsupported(name)

    def _unsupported(self, name: str) -> OptionError:
        usual = (*self._default.get(name.lower(), ()), *keywords.REFUSED.get(name, ()))
        way_out = f"; ssh_options=[{f'{name}={usual[0]}'!r}] does without" if usual else ""
        return OptionError(
            "ssh_config",
            f"{self._source} sets {name} for {self._host}, which is not supported{way_out}",
        )

    def _unknown(self, name: str) -> OptionError:
        return OptionError(
            "ssh_config", f"{self._source}: {name} for {self._host} has no value that ssh knows"
        )

    def _tell_what_has_no_effect(self) -> None:
        found = [name for name in keywords.WITHOUT_EFFECT if name.lower() in self._settings]
        if found:
            _log.info(
                "%s sets for %s what has no effect: %s",
                self._source,
                self._host,
                ", ".join(found),
            )

    def _strictness(self) -> str | None:
        said = self._one("stricthostkeychecking")
        if said in _NO:
            _log.warning(
                "%s: StrictHostKeyChecking %s for %s is taken as ask: host keys are always "
                "checked; an unknown host is accepted through unknown_host_cb, or by accept-new",
                self._source,
                "no" if said == "false" else said,
                self._host,
            )
            return "ask"
        if said is not None and said not in (*_YES, "ask", "accept-new"):
            raise self._unknown("StrictHostKeyChecking")
        return "yes" if said in _YES else said

    def _address_family(self) -> socket.AddressFamily | None:
        said = self._one("addressfamily")
        if said in (None, "any"):
            return None
        if said not in _FAMILIES:
            raise self._unknown("AddressFamily")
        return _FAMILIES[said]

    def _identity_agent(self) -> str | None:
        said = self._one("identityagent")
        if said is None or said == "SSH_AUTH_SOCK":
            return None
        if said.startswith("$") and not said.startswith("${"):
            return os.environ.get(said[1:]) or "none"
        return said

    def _auth_methods(self) -> tuple[str, ...] | None:
        preferred = self._one("preferredauthentications")
        off = {method for method, keyword in _METHODS.items() if self._one(keyword) in _NO}
        if preferred is None and not off:
            return None
        order = _METHODS if preferred is None else preferred.split(",")
        methods = tuple(name for name in order if name in _METHODS and name not in off)
        if not methods:
            raise OptionError(
                "ssh_config", f"{self._source} leaves no method of authentication for {self._host}"
            )
        return methods

    def _proxy_command(self) -> str | None:
        said = self._one("proxycommand")
        if said is None or said.lower() == "none":
            return None
        return self._tokens.command("ProxyCommand", said)

    def _proxy_jump(self) -> tuple[str, ...]:
        said = self._one("proxyjump")
        if said is None or said.lower() == "none":
            return ()
        return tuple(self._tokens.expand("ProxyJump", said, tokens.PROXY).split(","))

    def _environment(self) -> Mapping[str, str]:
        patterns = self._settings.get("sendenv", [])
        sent = {
            name: value
            for name, value in os.environ.items()
            if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
        }
        pairs = (pair.partition("=") for pair in self._settings.get("setenv", []))
        return MappingProxyType({**sent, **{name: value for name, _, value in pairs}})

    def _one(self, keyword: str) -> str | None:
        values = self._settings.get(keyword)
        return values[0] if values else None

    def _seconds(self, keyword: str) -> float | None:
        value = self._one(keyword)
        return float(value) if value not in (None, "none", "0") else None

    def _count(self, keyword: str) -> int | None:
        value = self._one(keyword)
        return None if value is None else int(value)

    def _paths(self, keyword: str) -> tuple[str, ...] | None:
        values = self._settings.get(keyword.lower())
        if values is None:
            return None
        return tuple(self._tokens.path(keyword, value) for value in values if value != "none")

    def _files(self, keyword: str) -> tuple[str, ...] | None:
        values = self._settings.get(keyword)
        if values is None:
            return None
        return tuple(tokens.expand_home(value) for value in values if value != "none")


def _widens(value: str, usual: str) -> bool:
    return value.startswith(("+", "^")) or set(value.split(",")) >= set(usual.split(","))
