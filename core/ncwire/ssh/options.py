"""From the documented parameters of `connect` to settled `ConnectOptions`, or a clear refusal."""

from __future__ import annotations

import getpass
import os
import socket
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from ncwire.driver.algorithms import Algorithms
from ncwire.driver.options import ConnectOptions, Timeouts
from ncwire.errors import OptionError
from ncwire.ssh import config, sockets
from ncwire.ssh.hostkeys import default_unknown_host_cb, parse_hostkey_b64

if TYPE_CHECKING:
    from ncwire.driver.auth import Prompt
    from ncwire.ssh.config import SSHConfig


class DefaultPort(int):
    """A port that nobody chose: it equals that number, and yields to ssh_config's Port."""

    __slots__ = ()


DEFAULT_PORT: Final = DefaultPort(830)
"""NETCONF over SSH (RFC 6242 section 7)."""

SYSTEM_KNOWN_HOSTS: Final = ("/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2")
_HIGHEST_PORT = 65535
_NOT_IN_A_HOST = frozenset("@/\\[],") | {chr(code) for code in range(33)} | {"\x7f"}

UnknownHostCallback = Callable[[str, str], bool]
AuthHandler = Callable[[str, str, "Sequence[Prompt]"], "Sequence[str]"]
Filename = str | os.PathLike[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Jump:
    """A host to go through on the way, with what it takes to log in there.

    What is None comes from ssh_config for that host, as far as one is read; nothing is taken
    from the parameters of the session's own host.
    """

    host: str
    port: int | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    key_filename: Filename | Iterable[Filename] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """The parameters of `SSHSession.connect`, as they were given."""

    host: str | None
    port: int = DEFAULT_PORT
    timeout: float | None = None
    unknown_host_cb: UnknownHostCallback | None = default_unknown_host_cb
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    key_filename: Filename | Iterable[Filename] | None = None
    allow_agent: bool = True
    hostkey_verify: bool = True
    hostkey_b64: str | None = None
    accept_new: bool = False
    look_for_keys: bool = True
    ssh_config: Filename | bool | None = None
    sock_fd: int | None = None
    bind_addr: str | None = None
    jumps: Iterable[str | Jump] = ()
    sock: socket.socket | None = None
    keepalive: float | None = None
    keepalive_count: int | None = None
    environment: Mapping[str, str] | None = None
    auth_handler: AuthHandler | None = None
    subsystems: Iterable[str] = ("netconf",)
    timeouts: Timeouts | None = None
    algorithms: Algorithms | None = None
    ssh_options: Iterable[str] = ()


def user_known_hosts() -> str:
    """Return the user's known_hosts file, as documented for `load_known_hosts`."""
    return "~/ssh/known_hosts" if sys.platform == "win32" else "~/.ssh/known_hosts"


def exists(filename: str) -> bool:
    """Tell whether there is such a file, `~` expanded."""
    try:
        return Path(filename).expanduser().exists()
    except (OSError, RuntimeError):  # a folder that is not ours, a user that there is not
        return False


def filenames(option: str, given: Filename | Iterable[Filename] | None) -> tuple[str, ...]:
    """Return one file name or several as strings. Raises `OptionError` naming the option."""
    if given is None:
        return ()
    if isinstance(given, str | os.PathLike):
        return (os.fspath(given),)
    return _strings(option, given, os.PathLike)


def settle(given: Parameters, known_hosts: Sequence[str] = ()) -> ConnectOptions:
    """Check every parameter, apply ssh_config, and fill in what nobody chose.

    `known_hosts` are files that were loaded explicitly; without one ssh_config's count, or else
    the user's and the system's, as far as they exist. Explicit arguments win over ssh_config.

    Raises `OptionError`, which names the parameter and never shows a secret; nothing has been
    sent then, and `sock` and `sock_fd` are still the caller's.
    """
    _check_kinds(given)
    _check_route(given)
    file = _resolved(given)
    files = filenames("key_filename", given.key_filename)
    return ConnectOptions(
        host=given.host if file is None else file.hostname,
        port=_port(given, file),
        username=_username(given, file),
        password=given.password,
        key_filename=files,
        allow_agent=given.allow_agent,
        look_for_keys=given.look_for_keys,
        identity_files=file.identity_files if file is not None and not files else (),
        identities_only=file is not None and file.identities_only,
        identity_agent=_identity_agent(file),
        auth_handler=given.auth_handler,
        hostkey_verify=given.hostkey_verify,
        hostkey_b64=given.hostkey_b64,
        known_hosts=tuple(known_hosts) or _default_known_hosts(file),
        host_key_alias=None if file is None else file.host_key_alias,
        unknown_host_cb=_callback(given.unknown_host_cb),
        bind_addr=_bind_addr(given, file),
        keepalive=given.keepalive
        or (file.keepalive if file and given.keepalive is None else None),
        environment=_environment(given, file),
        subsystems=_subsystems(given),
        algorithms=given.algorithms,
        timeouts=_timeouts(given, file),
        # Last: from here on the fd has an owner.
        sock=sockets.from_fd(given.sock_fd) if given.sock_fd is not None else given.sock,
    )


_KINDS: Final[Mapping[str, tuple[tuple[type, ...], str]]] = MappingProxyType(
    {
        "host": ((str,), "a host name or an IP address"),
        "port": ((int,), "a number"),
        "timeout": ((int, float), "a number of seconds"),
        "username": ((str,), "a string"),
        "password": ((str,), "a string"),
        "hostkey_b64": ((str,), "a string"),
        "ssh_config": ((str, os.PathLike, bool), "a path, or True"),
        "sock_fd": ((int,), "a file descriptor"),
        "bind_addr": ((str,), "an address"),
        "sock": ((socket.socket,), "a socket"),
        "keepalive": ((int, float), "a number of seconds"),
        "environment": ((Mapping,), "a mapping of names to values"),
        "timeouts": ((Timeouts,), "a Timeouts"),
        "algorithms": ((Algorithms,), "an Algorithms"),
    }
)
_SWITCHES: Final = ("allow_agent", "hostkey_verify", "look_for_keys")
_CALLABLES: Final = ("unknown_host_cb", "auth_handler")


def _check_kinds(given: Parameters) -> None:
    for name, (kinds, meaning) in _KINDS.items():
        value = getattr(given, name)
        wrong = not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds)
        if value is not None and wrong:
            raise OptionError(name, f"must be {meaning}, not {type(value).__name__}")
    for name in _SWITCHES:
        if not isinstance(getattr(given, name), bool):
            raise OptionError(name, "must be True or False")
    for name in _CALLABLES:
        value = getattr(given, name)
        if value is not None and not callable(value):
            raise OptionError(name, f"must be callable, {type(value).__name__} is not")
    if given.timeout is not None and not given.timeout > 0:
        raise OptionError("timeout", f"{given.timeout!r} is no positive number of seconds")
    if given.keepalive is not None and not given.keepalive >= 0:
        raise OptionError("keepalive", f"{given.keepalive!r} is no number of seconds")
    if given.hostkey_b64 is not None:
        parse_hostkey_b64(given.hostkey_b64)


def _check_route(given: Parameters) -> None:
    has_socket = given.sock is not None or given.sock_fd is not None
    if given.sock is not None and given.sock_fd is not None:
        raise OptionError("sock_fd", "cannot be given together with sock")
    if has_socket and given.bind_addr is not None:
        raise OptionError("bind_addr", "means nothing to a socket that is open already")
    if given.sock is not None:
        sockets.check_connected("sock", given.sock)
    if given.host is None:
        if not has_socket:
            raise OptionError("host", "needed, unless sock or sock_fd is given")
    else:
        _check_host("host", given.host)
    if given.bind_addr is not None:
        _check_host("bind_addr", given.bind_addr)
    if not 0 < given.port <= _HIGHEST_PORT:
        raise OptionError("port", f"{int(given.port)} is not between 1 and {_HIGHEST_PORT}")


def _check_host(option: str, host: str) -> None:
    if not host or host.startswith("-") or _NOT_IN_A_HOST & set(host):
        raise OptionError(
            option, f"{host!r} is no host name or IP address (an IPv6 address has no brackets)"
        )


def _resolved(given: Parameters) -> SSHConfig | None:
    overrides = _strings("ssh_options", given.ssh_options)
    for override in overrides:
        if not override.partition("=")[0].strip() or "\n" in override:
            raise OptionError("ssh_options", f"{override.splitlines()[:1]} is not Key=Value")
    filename = _config_filename(given.ssh_config)
    if given.ssh_config in (None, False) and not overrides:
        return None
    if given.host is None:
        raise OptionError("ssh_config", "needs a host to look up")
    return config.resolve(
        given.host,
        filename,
        port=None if isinstance(given.port, DefaultPort) else given.port,
        username=given.username,
        overrides=overrides,
    )


def _config_filename(ssh_config: Filename | bool | None) -> str | None:  # noqa: FBT001 - as documented
    if ssh_config is True:
        # As for ssh, a user without a configuration has an empty one.
        return config.USER_CONFIG if exists(config.USER_CONFIG) else None
    if ssh_config is None or ssh_config is False:
        return None
    return os.fspath(ssh_config)


def _port(given: Parameters, file: SSHConfig | None) -> int:
    if isinstance(given.port, DefaultPort) and file is not None and file.port is not None:
        return file.port
    return int(given.port)


def _username(given: Parameters, file: SSHConfig | None) -> str:
    if given.username == "":
        raise OptionError("username", "is empty")
    username = given.username or (file.user if file else None)
    if username is not None:
        return username
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError) as error:
        raise OptionError("username", "needed: this process's user has no name") from error


def _identity_agent(file: SSHConfig | None) -> str | None:
    named = None if file is None else file.identity_agent
    if named is None:
        return os.environ.get("SSH_AUTH_SOCK") or None
    return None if named == "none" else named


def _callback(given: UnknownHostCallback | None) -> UnknownHostCallback | None:
    # The default decides nothing, so that it asks nothing of a driver either.
    return None if given is default_unknown_host_cb else given


def _bind_addr(given: Parameters, file: SSHConfig | None) -> str | None:
    if given.bind_addr is not None or file is None:
        return given.bind_addr
    return None if given.sock is not None or given.sock_fd is not None else file.bind_address


def _environment(given: Parameters, file: SSHConfig | None) -> Mapping[str, str]:
    explicit = given.environment or {}
    for name, value in explicit.items():
        _check_variable(name, value)
    return MappingProxyType({**(file.environment if file else {}), **explicit})


def _check_variable(name: object, value: object) -> None:
    if not (isinstance(name, str) and isinstance(value, str)):
        raise OptionError("environment", "names and values must be strings")
    if not name or "=" in name or "\0" in name + value:
        raise OptionError("environment", f"{name!r} cannot be set")


def _subsystems(given: Parameters) -> tuple[str, ...]:
    names = _strings("subsystems", given.subsystems)
    if not names or not all(names):
        raise OptionError("subsystems", "give at least one name, and none that is empty")
    return names


def _timeouts(given: Parameters, file: SSHConfig | None) -> Timeouts:
    connect = given.timeout
    if connect is None and given.timeouts is None and file is not None:
        connect = file.connect_timeout
    timeouts = given.timeouts or Timeouts()
    if connect is None:
        return timeouts
    # A longer wait than by default must not be cut short by a default.
    longer = 0.0 if given.timeouts else max(0.0, connect - timeouts.connect)
    return replace(timeouts, connect=float(connect), overall=timeouts.overall + longer)


def _default_known_hosts(file: SSHConfig | None) -> tuple[str, ...]:
    user: Sequence[str] | None = file.user_known_hosts_files if file else None
    system: Sequence[str] | None = file.global_known_hosts_files if file else None
    if user is None:
        user = (user_known_hosts(), user_known_hosts() + "2")
    if system is None:
        system = SYSTEM_KNOWN_HOSTS
    # As for ssh, one that does not exist is empty.
    return tuple(name for name in (*user, *system) if exists(name))


def _strings(option: str, values: object, *kinds: type) -> tuple[str, ...]:
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise OptionError(option, "must be several strings, in a list or tuple")
    listed = tuple(values)
    if not all(isinstance(value, (str, *kinds)) for value in listed):
        raise OptionError(option, "must be strings")
    return tuple(os.fspath(value) for value in listed)
