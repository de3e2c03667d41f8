"""From the documented parameters of `connect` to settled `ConnectOptions`, or a clear refusal."""

from __future__ import annotations

import getpass
import os
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from ncwire._algorithms.policy import merged, settled
from ncwire._filename import named_file
from ncwire._interrupts import raise_signalled
from ncwire._ssh.options import jumps, parameters
from ncwire._ssh.options.defaults import DefaultPort, default_unknown_host_cb
from ncwire._ssh.options.jumps import Hop
from ncwire._ssh.options.parameters import (
    DIRECTLY,
    Filename,
    Jump,
    Parameters,
    UnknownHostCallback,
    exists,
    expanded,
    filenames,
    strings,
    user_known_hosts,
)
from ncwire._ssh.route import sockets
from ncwire.driver.options import ConnectOptions
from ncwire.driver.timeouts import Timeouts
from ncwire.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ncwire._ssh.config import Configuration, SSHConfig
    from ncwire.driver.algorithms import Algorithms

USER_CONFIG: Final = "~/.ssh/config"
SYSTEM_KNOWN_HOSTS: Final = ("/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2")

SERVER_ALIVE_COUNT_MAX: Final = 3
"""ssh_config(5)."""


def settle(given: Parameters, known_hosts: Sequence[str] = ()) -> ConnectOptions:
    """Check every parameter, apply ssh_config, and fill in what was not chosen.

    `known_hosts` are files that were loaded explicitly; without one ssh_config's count, or else
    the user's and the system's, as far as they exist. Explicit arguments win over ssh_config.

    Raises `OptionError`, which names the parameter and never shows a secret; nothing has been
    sent then, and `sock` and `sock_fd` are still the caller's.
    """
    given = replace(
        given,
        jumps=parameters.hops(given.jumps),
        ssh_options=_overrides(given),
        port=_usual_port(given),
    )
    parameters.check(given)
    configuration = _configuration(given)
    target = Hop(given=given, file=_looked_up(given, configuration))
    options = _settled(target, known_hosts)
    way = _jumps(target)
    if way:
        hops = jumps.route(way, target, lambda hop: _looked_up(hop, configuration))
        options = _through(jumps.through(hops, given.bind_addr), options, known_hosts)
    _check_source(options, given)
    # Last: from here on the fd has an owner.
    return (
        options if given.sock_fd is None else replace(options, sock=sockets.from_fd(given.sock_fd))
    )


def _settled(hop: Hop, known_hosts: Sequence[str]) -> ConnectOptions:
    """Return the options of one host, as if it were reached directly."""
    given, file = hop.given, hop.file
    files = expanded("key_filename", filenames("key_filename", given.key_filename))
    accept_new = _accept_new(given, file, known_hosts)
    by_command = None if given.has_socket or given.jumps or not file else file.proxy_command
    direct = None if given.has_socket or by_command else file
    return ConnectOptions(
        host=given.host if file is None else file.hostname,
        port=_port(given, file),
        username=_username(given, file),
        password=given.password,
        passphrase=given.passphrase,
        key_filename=files,
        allow_agent=given.allow_agent,
        look_for_keys=given.look_for_keys and (file is None or file.identity_files != ()),
        identity_files=(file.identity_files or ()) if file is not None and not files else (),
        identities_only=file is not None and file.identities_only,
        certificate_files=() if file is None else file.certificate_files,
        identity_agent=_identity_agent(file),
        auth_methods=_auth_methods(given, file),
        auth_handler=given.auth_handler,
        hostkey_verify=given.hostkey_verify,
        hostkey_b64=given.hostkey_b64,
        known_hosts=_known_hosts(file, known_hosts, accept_new),
        host_key_alias=None if file is None else file.host_key_alias,
        accept_new=accept_new,
        hash_known_hosts=file is not None and file.hash_known_hosts,
        unknown_host_cb=_callback(given.unknown_host_cb),
        bind_addr=given.bind_addr or (direct.bind_address if direct else None),
        address_family=direct.address_family if direct else None,
        proxy_command=by_command,
        keepalive=_keepalive(given, file),
        keepalive_count=_keepalive_count(given, file),
        environment=MappingProxyType(
            {**(file.environment if file else {}), **(given.environment or {})}
        ),
        subsystems=_subsystems(given),
        command=_command(given),
        algorithms=_algorithms(given, file),
        timeouts=_timeouts(given, file),
        sock=given.sock,
    )


def _jumps(target: Hop) -> Sequence[str | Jump]:
    given, file = target.given, target.file
    if given.jumps or given.has_socket:
        return () if tuple(given.jumps) == (DIRECTLY,) else tuple(given.jumps)
    return file.proxy_jump if file else ()


def _through(
    hops: Sequence[Hop], target: ConnectOptions, known_hosts: Sequence[str]
) -> ConnectOptions:
    """Return the target's options with those of the hops, of which the first has the socket."""
    first, *others = (
        # Nothing is started at a hop that could see variables.
        replace(_settled(hop, known_hosts), environment=MappingProxyType({}))
        for hop in hops
    )
    return replace(_reached(target), jumps=(first, *map(_reached, others)))


def _reached(options: ConnectOptions) -> ConnectOptions:
    """Return options without what is about a connection of the host's own."""
    return replace(options, bind_addr=None, address_family=None, proxy_command=None)


def _check_source(options: ConnectOptions, given: Parameters) -> None:
    first = options.jumps[0] if options.jumps else options
    if first.proxy_command is not None and given.bind_addr is not None:
        raise OptionError(
            "bind_addr",
            f"means nothing to the ProxyCommand of {first.host}, which opens the connection",
        )


def _overrides(given: Parameters) -> tuple[str, ...]:
    overrides = strings("ssh_options", given.ssh_options)
    for override in overrides:
        if not override.partition("=")[0].strip() or "\n" in override:
            raise OptionError("ssh_options", f"{override.splitlines()[:1]} is not Key=Value")
    return overrides


def _configuration(given: Parameters) -> Configuration | None:
    filename = _config_filename(given.ssh_config)
    if given.ssh_config in (None, False) and not given.ssh_options:
        return None
    if given.host is None:
        raise OptionError("ssh_config", "needs a host to look up")
    # `import ncwire` must stay quick, and this brings in all that runs `ssh -G`.
    from ncwire._ssh.config import Configuration  # noqa: PLC0415

    return Configuration(filename)


def _config_filename(ssh_config: Filename | bool | None) -> str | None:  # noqa: FBT001 - as documented
    if ssh_config is True:
        # As for ssh, a user without a configuration has an empty one.
        return USER_CONFIG if exists(USER_CONFIG) else None
    if ssh_config is None or ssh_config is False:
        return None
    return named_file("ssh_config", ssh_config)


def _looked_up(given: Parameters, configuration: Configuration | None) -> SSHConfig | None:
    if configuration is None or given.host is None:
        return None
    chosen = not isinstance(given.port, DefaultPort)
    return configuration.lookup(
        given.host,
        default_port=int(given.port),
        port=int(given.port) if chosen else None,
        username=given.username,
        overrides=tuple(given.ssh_options),
    )


def _port(given: Parameters, file: SSHConfig | None) -> int:
    if isinstance(given.port, DefaultPort) and file is not None and file.port is not None:
        return file.port
    return int(given.port)


def _usual_port(given: Parameters) -> int:
    """Return the port, which is the profile's where none was chosen."""
    if isinstance(given.port, DefaultPort) and given.profile is not None and given.profile.port:
        return DefaultPort(given.profile.port)
    return given.port


def _username(given: Parameters, file: SSHConfig | None) -> str:
    username = given.username or (file.user if file else None)
    if username is not None:
        return username
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError) as error:
        raise_signalled(error)
        raise OptionError("username", "needed: this process's user has no name") from error


def _identity_agent(file: SSHConfig | None) -> str | None:
    if file is None or file.identity_agent is None:
        return os.environ.get("SSH_AUTH_SOCK") or None
    return None if file.identity_agent == "none" else file.identity_agent


def _auth_methods(given: Parameters, file: SSHConfig | None) -> tuple[str, ...]:
    if file is not None and file.auth_methods is not None:
        return file.auth_methods
    if given.profile is not None and given.profile.auth_methods is not None:
        return given.profile.auth_methods
    return ("publickey", "keyboard-interactive", "password")


def _known_hosts(
    file: SSHConfig | None, loaded: Sequence[str], accept_new: str | None
) -> tuple[str, ...]:
    if loaded:
        names = expanded("known_hosts", loaded)
        # These two are empty as long as they do not exist; others were read when loaded.
        may_be_missing = (*expanded("known_hosts", [user_known_hosts()]), accept_new)
        present = tuple(name for name in names if name not in may_be_missing or exists(name))
        # An empty list would mean the usual files.
        return present or (os.devnull,)
    user: Sequence[str] | None = file.user_known_hosts_files if file else None
    system: Sequence[str] | None = file.global_known_hosts_files if file else None
    if user is None:
        user = (user_known_hosts(), user_known_hosts() + "2")
    if system is None:
        system = SYSTEM_KNOWN_HOSTS
    # As for ssh, one that does not exist is empty.
    return expanded("known_hosts", (name for name in (*user, *system) if exists(name)))


def _accept_new(given: Parameters, file: SSHConfig | None, loaded: Sequence[str]) -> str | None:
    if given.accept_new and not given.hostkey_verify:
        raise OptionError("accept_new", "means nothing with hostkey_verify=False")
    said = file is not None and file.strict_host_key_checking == "accept-new"
    if not given.hostkey_verify or not (given.accept_new or said):
        return None
    names = loaded
    if not names:
        user = None if file is None else file.user_known_hosts_files
        names = (user_known_hosts(),) if user is None else user
    if not names or names[0] == os.devnull:
        raise OptionError("accept_new", "there is no known_hosts file to add the key to")
    return expanded("known_hosts", names[:1])[0]


def _callback(given: UnknownHostCallback | None) -> UnknownHostCallback | None:
    # The default decides nothing, so that it asks nothing of a driver either.
    return None if given is default_unknown_host_cb else given


def _keepalive(given: Parameters, file: SSHConfig | None) -> float | None:
    if given.keepalive is not None:
        return given.keepalive or None
    said = file.keepalive if file is not None else None
    if said is None and given.profile is not None:
        said = given.profile.keepalive
    return said or None


def _keepalive_count(given: Parameters, file: SSHConfig | None) -> int:
    if given.keepalive_count is not None:
        return given.keepalive_count
    said = None if file is None else file.keepalive_count
    if said is None and given.profile is not None:
        said = given.profile.keepalive_count
    if said is None:
        return SERVER_ALIVE_COUNT_MAX
    if said < 1:
        raise OptionError("ssh_config", f"ServerAliveCountMax {said} for {given.host}: below 1")
    return said


def _subsystems(given: Parameters) -> tuple[str, ...]:
    if given.subsystems is None:
        return ("netconf",) if given.profile is None else given.profile.subsystems
    names = strings("subsystems", given.subsystems)
    if not names or not all(names):
        raise OptionError("subsystems", "give at least one name, and none that is empty")
    return names


def _command(given: Parameters) -> str | None:
    # A caller that names the subsystems wants one of them, and no command in their place.
    chosen = given.subsystems is None and given.profile is not None
    return given.profile.command if chosen and given.profile is not None else None


def _algorithms(given: Parameters, file: SSHConfig | None) -> Algorithms | None:
    explicit = None if given.algorithms is None else settled(given.algorithms)
    lists = merged(explicit, file.algorithms if file else None)
    return lists if given.profile is None else merged(lists, settled(given.profile.algorithms))


def _timeouts(given: Parameters, file: SSHConfig | None) -> Timeouts:
    timeouts = given.timeouts or Timeouts()
    if given.profile is not None:
        timeouts = timeouts.filled_from(given.profile.timeouts)
    return timeouts.settled(given.timeout, connect=file.connect_timeout if file else None)
