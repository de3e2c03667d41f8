"""The documented parameters of `connect`, as they are given, and what is refused at sight."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypedDict

from ncwire._algorithms.policy import AlgorithmPolicy
from ncwire._filename import named_file
from ncwire._interrupts import raise_signalled
from ncwire._plugins.url import is_url
from ncwire._ssh.destination import check_host, check_username, is_encodable
from ncwire._ssh.hostkeys.pinned import parse_hostkey_b64
from ncwire._ssh.options.defaults import DEFAULT_PORT, default_unknown_host_cb
from ncwire._ssh.route import sockets
from ncwire.driver.algorithms import Algorithms
from ncwire.driver.seconds import positive_seconds, seconds_or_none
from ncwire.driver.timeouts import Timeouts
from ncwire.errors import OptionError

if TYPE_CHECKING:
    from ncwire.driver.auth import Prompt
    from ncwire.profiles import DeviceProfile


DIRECTLY: Final = "none"
"""In `jumps`: go through no other host, whatever ssh_config says (as its ProxyJump)."""

_HIGHEST_PORT = 65535

UnknownHostCallback = Callable[[str, str], bool]
AuthHandler = Callable[[str, str, "Sequence[Prompt]"], "Sequence[str]"]
Filename = str | os.PathLike[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Jump:
    """A host to go through on the way, with what it takes to log in there.

    What is None comes from ssh_config for that host, as far as one is read; nothing is taken
    from the parameters of the session's own host. Without either the port is 22.
    """

    host: str
    port: int | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    key_filename: Filename | Iterable[Filename] | None = None
    passphrase: str | None = field(default=None, repr=False)


class ConnectParameters(TypedDict, total=False):
    """What a connection may be given beside the host: the parameters of `SSHSession.connect`.

    That method tells what each does in detail, and its default. `ncwire.connect` and
    `ncwire.probe.probe` take the same, and so may a function of a program's own that passes them
    on: `def connect_to_lab(name: str, **parameters: Unpack[ConnectParameters])`.
    """

    port: int
    """The TCP port."""
    timeout: float | None
    """Seconds for each step of connecting."""
    unknown_host_cb: UnknownHostCallback | None
    """Called with an unknown host and its key's MD5 fingerprint; True accepts."""
    username: str | None
    """Whom to log in as."""
    password: str | None
    """The password; also the passphrase where there is no `passphrase`."""
    key_filename: Filename | Iterable[Filename] | None
    """One private key file or several."""
    allow_agent: bool
    """Whether to use the agent's keys."""
    hostkey_verify: bool
    """Whether the host key must be a known one."""
    hostkey_b64: str | None
    """The one host key that is good, as known_hosts has it."""
    look_for_keys: bool
    """Whether to use `~/.ssh/id_*`."""
    ssh_config: Filename | bool | None
    """An OpenSSH client configuration; True: `~/.ssh/config`."""
    sock_fd: int | None
    """The fd of a connected socket to use."""
    bind_addr: str | None
    """The local source address."""
    sock: socket.socket | None
    """A connected socket to use."""
    keepalive: float | None
    """Seconds of silence after which the peer must answer."""
    environment: Mapping[str, str] | None
    """Names and values to set in the channel."""
    passphrase: str | None
    """What opens encrypted keys; sent to no server."""
    auth_handler: AuthHandler | None
    """Called with title, instruction and prompts; returns the answers."""
    accept_new: bool
    """Whether to accept an unknown host, and add its key to known_hosts."""
    jumps: Iterable[str | Jump]
    """Hosts to go through, nearest first."""
    keepalive_count: int | None
    """How many keepalives in a row may go unanswered."""
    subsystems: Iterable[str] | None
    """Names of subsystems to try in turn."""
    timeouts: Timeouts | None
    """The budgets of single steps, of the whole, of rpcs and of `close`, in seconds."""
    algorithms: Algorithms | AlgorithmPolicy | None
    """The algorithms to offer, or changes to the default."""
    ssh_options: Iterable[str]
    """"Key=Value" as for ssh's -o."""
    driver_options: Mapping[str, object] | None
    """Options of the driver's own, by name; `ncwire drivers NAME` lists them."""


def check_names(function: str, given: Mapping[str, object]) -> None:
    """Raise the `TypeError` that Python raises for an argument that a function has not.

    One that ncclient has is told with what takes its place.
    """
    known = ConnectParameters.__annotations__
    for name in given:
        if name not in known:
            near = get_close_matches(name, known, 1)
            advice = f". Did you mean {near[0]!r}?" if near else ""
            advice = f". Use {_OF_NCCLIENT[name]}" if name in _OF_NCCLIENT else advice
            raise TypeError(f"{function}() got an unexpected keyword argument {name!r}{advice}")


_OF_NCCLIENT: Final = {
    "device_params": "profile='junos', say, in place of device_params={'name': 'junos'}",
    "errors_params": "rpc(..., check=True), and read reply.errors to pass over some",
    "huge_tree": "reply.lxml(parser), where a reply is parsed; Limits(message=...) bounds it here",
    "manager_params": "Timeouts(rpc=...) for its timeout",
    "nc_params": "capabilities, or extra_capabilities of a profile, for those of our hello",
    "use_libssh": "driver='libssh2'",
}
"""What takes the place of parameters of `ncclient.manager.connect` (0.7.1) that ncwire has not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """The parameters of `SSHSession.connect` as they were given, with its defaults for others."""

    host: str | None
    port: int = DEFAULT_PORT
    timeout: float | None = None
    unknown_host_cb: UnknownHostCallback | None = default_unknown_host_cb
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    passphrase: str | None = field(default=None, repr=False)
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
    subsystems: Iterable[str] | None = None
    timeouts: Timeouts | None = None
    algorithms: Algorithms | AlgorithmPolicy | None = None
    ssh_options: Iterable[str] = ()
    driver_options: Mapping[str, object] | None = field(default=None, repr=False)
    profile: DeviceProfile | None = None

    @property
    def has_socket(self) -> bool:
        """Whether the caller brings an open socket."""
        return self.sock is not None or self.sock_fd is not None


def user_known_hosts() -> str:
    """Return the user's known_hosts file, as documented for `load_known_hosts`."""
    return "~/ssh/known_hosts" if sys.platform == "win32" else "~/.ssh/known_hosts"


def exists(filename: str) -> bool:
    """Tell whether there is such a file, `~` expanded."""
    try:
        return Path(filename).expanduser().exists()
    except (OSError, RuntimeError) as error:  # a folder that is not ours, a user that there is not
        raise_signalled(error)
        return False


def filenames(option: str, given: object) -> tuple[str, ...]:
    """Return one file name or several as strings. Raises `OptionError` naming the option."""
    if given is None:
        return ()
    if isinstance(given, str | os.PathLike):
        return (named_file(option, given),)
    if isinstance(given, bytes) or not isinstance(given, Iterable):
        what = type(given).__name__
        raise OptionError(option, f"must be a path, or several in a list or tuple, not {what}")
    return tuple(named_file(option, each) for each in given)


def expanded(option: str, names: Iterable[str]) -> tuple[str, ...]:
    """Return file names with `~` expanded.

    Raises `OptionError` for a user that there is not, and for what no file can be named.
    """
    try:
        return tuple(os.fspath(Path(name).expanduser()) for name in names)
    except (RuntimeError, ValueError) as error:
        raise OptionError(option, str(error)) from error


def strings(option: str, values: object) -> tuple[str, ...]:
    """Return several strings in a tuple. Raises `OptionError` naming the option."""
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        what = type(values).__name__
        raise OptionError(option, f"must be several strings, in a list or tuple, not {what}")
    listed = tuple(values)
    for value in listed:
        if not isinstance(value, str):
            raise OptionError(option, f"must be strings, {type(value).__name__} is none")
    return listed


def hops(jumps: Iterable[str | Jump]) -> tuple[str | Jump, ...]:
    """Return the jumps in a tuple. Raises `OptionError` for what is no jump."""
    if isinstance(jumps, str | bytes | Jump) or not isinstance(jumps, Iterable):
        raise OptionError("jumps", "must be several hosts, in a list or tuple")
    listed = tuple(jumps)
    for jump in listed:
        if not isinstance(jump, str | Jump):
            raise OptionError("jumps", f"{type(jump).__name__} is no str and no Jump")
    if DIRECTLY in listed and len(listed) > 1:
        raise OptionError("jumps", f"{DIRECTLY!r} cannot be given together with hosts")
    return listed


def check(given: Parameters, *, needs_host: bool = True) -> None:
    """Raise `OptionError` for the first parameter that is not of its documented form.

    `needs_host`: whether a host, or a socket in its place, must be among them.
    """
    _check_kinds(given)
    _check_values(given)
    if needs_host and given.host is None and not given.has_socket:
        raise OptionError("host", "needed, unless sock or sock_fd is given")
    _check_route(given)


def check_port(option: str, port: int) -> None:
    """Raise `OptionError` for what is no TCP port."""
    if not 0 < port <= _HIGHEST_PORT:
        raise OptionError(option, f"{int(port)} is not between 1 and {_HIGHEST_PORT}")


_KINDS: Final[Mapping[str, tuple[tuple[type, ...], str]]] = MappingProxyType(
    {
        "host": ((str,), "a host name or an IP address"),
        "port": ((int,), "a number"),
        "timeout": ((int, float), "a number of seconds"),
        "username": ((str,), "a string"),
        "password": ((str,), "a string"),
        "passphrase": ((str,), "a string"),
        "hostkey_b64": ((str,), "a string"),
        "ssh_config": ((str, os.PathLike, bool), "a path, or True"),
        "sock_fd": ((int,), "a file descriptor"),
        "bind_addr": ((str,), "an address"),
        "sock": ((socket.socket,), "a socket"),
        "keepalive": ((int, float), "a number of seconds"),
        "keepalive_count": ((int,), "a number"),
        "environment": ((Mapping,), "a mapping of names to values"),
        "timeouts": ((Timeouts,), "a Timeouts"),
        "algorithms": ((Algorithms, AlgorithmPolicy), "an Algorithms or an AlgorithmPolicy"),
        "driver_options": ((Mapping,), "a mapping of names to values"),
    }
)
_SWITCHES: Final = ("allow_agent", "hostkey_verify", "accept_new", "look_for_keys")
_CALLABLES: Final = ("unknown_host_cb", "auth_handler")


def _check_kinds(given: Parameters) -> None:
    for name, (kinds, meaning) in _KINDS.items():
        value = getattr(given, name)
        wrong = not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds)
        if value is not None and wrong:
            raise OptionError(name, f"must be {meaning}, not {type(value).__name__}")
    if given.port is None:
        raise OptionError("port", "must be a number, not None")
    for name in _SWITCHES:
        if not isinstance(getattr(given, name), bool):
            raise OptionError(name, "must be True or False")
    for name in _CALLABLES:
        value = getattr(given, name)
        if value is not None and not callable(value):
            raise OptionError(name, f"must be callable, {type(value).__name__} is not")


def _check_values(given: Parameters) -> None:
    if given.timeout is not None:
        positive_seconds("timeout", given.timeout)
    if given.keepalive is not None:
        seconds_or_none("keepalive", given.keepalive)
    if given.keepalive_count is not None and given.keepalive_count < 1:
        raise OptionError("keepalive_count", f"{given.keepalive_count} is less than 1")
    if given.hostkey_b64 is not None:
        parse_hostkey_b64(given.hostkey_b64)
    if given.username is not None:
        check_username("username", given.username)
    for name in ("password", "passphrase"):
        if not is_encodable(getattr(given, name) or ""):
            raise OptionError(name, "has a character that UTF-8 cannot express")
    for name, value in (given.environment or {}).items():
        _check_variable(name, value)


def _check_variable(name: object, value: object) -> None:
    if not (isinstance(name, str) and isinstance(value, str)):
        raise OptionError("environment", "names and values must be strings")
    if not name or "=" in name or "\0" in name + value:
        raise OptionError("environment", f"{name!r} cannot be set")


def _check_route(given: Parameters) -> None:
    if given.sock is not None and given.sock_fd is not None:
        raise OptionError("sock_fd", "cannot be given together with sock")
    if given.has_socket:
        _check_for_socket(given)
    if given.host is not None:
        if is_url(given.host):
            # Not repeated: it may have a password in it.
            raise OptionError("host", "is a URL, which ncwire.connect takes, and a session not")
        check_host("host", given.host)
    if given.bind_addr is not None:
        check_host("bind_addr", given.bind_addr)
    check_port("port", given.port)


def _check_for_socket(given: Parameters) -> None:
    if given.bind_addr is not None:
        raise OptionError("bind_addr", "means nothing to a socket that is open already")
    if hops(given.jumps) not in ((), (DIRECTLY,)):
        raise OptionError("jumps", "lead nowhere with a socket that is open already")
    if given.sock is not None:
        sockets.check_connected("sock", given.sock)
