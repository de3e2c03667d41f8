"""The hosts to go through on the way: as they are written, and as parameters of their own."""

from __future__ import annotations

import urllib.parse
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from ncwire._ssh.destination import check_host, check_username_for_shell
from ncwire._ssh.hostkeys.known_hosts import SSH_PORT
from ncwire._ssh.options.defaults import DefaultPort
from ncwire._ssh.options.parameters import Jump, Parameters, check, check_port, filenames
from ncwire.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ncwire._ssh.config import SSHConfig

_SCHEME: Final = "ssh://"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """A host on the way, or the one at its end: its parameters, and what ssh_config says."""

    given: Parameters
    file: SSHConfig | None

    @property
    def place(self) -> tuple[str | None, int, str | None]:
        """What makes two hops the same."""
        if self.file is None:
            return self.given.host, int(self.given.port), self.given.username
        return self.file.hostname, self.file.port or int(self.given.port), self.file.user


def route(
    jumps: Sequence[str | Jump],
    target: Hop,
    look_up: Callable[[Parameters], SSHConfig | None],
) -> list[Hop]:
    """Return the hops to go through, nearest first.

    As with OpenSSH the jumps win over what the configuration has for the hosts named in them,
    but for the first: its own ProxyJump says how to come there. Nothing of the target's own
    credentials goes to a hop. Raises `OptionError` for a jump that cannot be read, and for a way
    that comes by a host twice because of a configuration.
    """
    return _route(jumps, target.given, look_up, [target])


def through(hops: Sequence[Hop], bind_addr: str | None) -> list[Hop]:
    """Return the hops with the source address given to the first, which alone has a socket."""
    return [
        replace(hop, given=replace(hop.given, bind_addr=bind_addr)) if index == 0 else hop
        for index, hop in enumerate(hops)
    ]


def parse(written: str) -> Jump:
    """Return the jump that "[user@]host[:port]" or "ssh://[user@]host[:port]" stands for.

    An IPv6 address is in brackets. Source: ssh(1), -J.
    """
    rest, is_uri = written, written.startswith(_SCHEME)
    if is_uri:
        rest = written.removeprefix(_SCHEME).removesuffix("/")
    user, at, place = rest.rpartition("@")
    if place.startswith("["):
        host, bracket, port = place[1:].partition("]")
        if not bracket or (port and not port.startswith(":")):
            raise _unreadable(written)
        has_port, port = port[:1], port[1:]
    else:
        host, has_port, port = place.partition(":")
    if (
        (at and not user)
        or (has_port and not port.isascii())
        or (has_port and not port.isdecimal())
    ):
        raise _unreadable(written)
    if is_uri:
        user = urllib.parse.unquote(user)
    return Jump(host=host, port=int(port) if has_port else None, username=user or None)


def _route(
    jumps: Sequence[str | Jump],
    given: Parameters,
    look_up: Callable[[Parameters], SSHConfig | None],
    behind: list[Hop],
) -> list[Hop]:
    hops: list[Hop] = []
    for index, jump in enumerate(jumps):
        parameters = _parameters(parse(jump) if isinstance(jump, str) else jump, given)
        if index > 0:
            # It is reached through the one before; ssh -G would refuse its own way for a loop.
            parameters = replace(parameters, ssh_options=("ProxyJump=none",))
        hops.append(Hop(given=parameters, file=look_up(parameters)))
    first = hops[0]
    if first.place in [hop.place for hop in behind]:
        names = " to ".join(str(hop.given.host) for hop in (first, *behind))
        raise OptionError(
            "jumps",
            f"a loop, from {names}: a ProxyJump for many hosts must leave out the host that it "
            f"names (Host * !{first.given.host})",
        )
    if first.file is None or not first.file.proxy_jump:
        return hops
    return _route(first.file.proxy_jump, given, look_up, [first, *behind]) + hops


def _parameters(jump: Jump, given: Parameters) -> Parameters:
    """Return the parameters of a hop.

    Of the target's only those that are about every host: which keys and known_hosts files there
    are, what is done about an unknown host, algorithms and timeouts.
    """
    _check(jump)
    parameters = Parameters(
        host=jump.host,
        port=DefaultPort(SSH_PORT) if jump.port is None else jump.port,
        timeout=given.timeout,
        unknown_host_cb=given.unknown_host_cb,
        username=jump.username,
        password=jump.password,
        passphrase=jump.passphrase,
        key_filename=_key_filename(jump),
        allow_agent=given.allow_agent,
        accept_new=given.accept_new,
        look_for_keys=given.look_for_keys,
        ssh_config=given.ssh_config,
        # The session's own keepalive goes through every hop.
        keepalive=0,
        timeouts=given.timeouts,
        algorithms=given.algorithms,
    )
    try:
        check(parameters)
        if jump.username is not None:
            check_username_for_shell("username", jump.username)
    except OptionError as error:
        raise OptionError("jumps", f"{jump.host}: {error}") from error
    return parameters


def _key_filename(jump: Jump) -> tuple[str, ...]:
    try:
        return filenames("key_filename", jump.key_filename)
    except OptionError as error:
        raise OptionError("jumps", f"{jump.host}: {error}") from error


def _check(jump: Jump) -> None:
    if not isinstance(jump.host, str):
        raise OptionError("jumps", "a host name or an IP address is needed")
    check_host("jumps", jump.host)
    if isinstance(jump.port, int):
        check_port("jumps", jump.port)


def _unreadable(written: str) -> OptionError:
    return OptionError(
        "jumps",
        f"{written!r} is not [user@]host[:port] or ssh://[user@]host[:port]; an IPv6 address goes "
        "in brackets",
    )
