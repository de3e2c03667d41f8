"""The one sequence of an SSH connection, for every driver that is an SSH library."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from ncwire._algorithms import offer
from ncwire._algorithms.advice import advise
from ncwire._interrupts import raise_signalled
from ncwire._plugins.connecting import InOneStep
from ncwire._plugins.guard import check_returned, driver_step
from ncwire._plugins.recommended import who_can
from ncwire._ssh.auth.authenticator import Authenticator
from ncwire._ssh.dialling import Dialling, SocketConnecting
from ncwire._ssh.hostkeys.accept_new import NewHosts
from ncwire._ssh.hostkeys.known_hosts import SSH_PORT, read_known_hosts
from ncwire._ssh.hostkeys.peer import DialledHost
from ncwire._ssh.hostkeys.pinned import parse_hostkey_b64
from ncwire._ssh.hostkeys.policy import HostKeyPolicy
from ncwire._ssh.options.defaults import default_unknown_host_cb
from ncwire._ssh.route.route import Route, RouteProxy
from ncwire.driver.algorithms import Algorithms
from ncwire.driver.base import Driver
from ncwire.driver.channel import Channel, ChannelRequest
from ncwire.driver.deadline import Deadline
from ncwire.driver.features import Feature
from ncwire.driver.hostkey import HostKey
from ncwire.driver.over_socket import SocketDriver
from ncwire.driver.ssh import SSHDriver
from ncwire.errors import (
    ChannelError,
    InvalidDriverError,
    NcwireError,
    NoCommonAlgorithmError,
    OptionError,
)

if TYPE_CHECKING:
    from collections.abc import Generator

    from ncwire._plugins.connecting import Connecting
    from ncwire._ssh.hostkeys.peer import Identification
    from ncwire.driver.base import Backend
    from ncwire.driver.options import ConnectOptions


def connecting(driver: Backend, options: ConnectOptions, deadline: Deadline) -> Connecting:
    """Return what connects with this driver, whatever its kind, and can be aborted meanwhile."""
    if isinstance(driver, SSHDriver):
        return SSHConnecting(driver, options, deadline)
    if isinstance(driver, SocketDriver):
        return SocketConnecting(driver, options, deadline)
    if isinstance(driver, Driver):
        return WholeConnecting(driver, options, deadline)
    raise InvalidDriverError(
        driver.name,
        "it is no Driver, SocketDriver or SSHDriver",
        "report it to the driver's author",
    )


class WholeConnecting(InOneStep):
    """A `Driver`, which connects by itself, with what the core has for it on the way.

    That is the judgement of host keys, and a ProxyCommand, which is the core's to run and to end.
    """

    def __init__(self, driver: Driver, options: ConnectOptions, deadline: Deadline) -> None:
        super().__init__(driver, options, deadline)
        self._route = Route(options.timeouts.close)

    def _connect(self) -> Channel:
        return self._route.carry(super()._connect())

    def _equipped(self, options: ConnectOptions) -> ConnectOptions:
        """Return the options of a host, and of the jumps before it, each with its own of these."""
        features = self._driver.features
        if Feature.HOST_KEY in features:
            policy = _policy_for(self._driver, options)
            options = replace(options, host_key_check=policy)
        if Feature.PROXY_COMMAND in features and options.proxy_command is not None:
            options = replace(options, proxy=RouteProxy(self._route, options.proxy_command))
        return replace(options, jumps=tuple(map(self._equipped, options.jumps)))

    def _interrupt(self) -> None:
        super()._interrupt()
        self._route.abort()

    def _free(self) -> None:
        super()._free()
        self._route.abort()


class SSHConnecting(Dialling):
    """The steps: key files and algorithms, socket, handshake, host key, authentication, channel.

    What can be refused is refused before any packet is sent. The socket is the core's until
    `handshake` is called and the driver's after that; whatever fails, the driver is aborted and
    the socket closed, and so is the route, through which the socket may lead.

    `identification` says for a connection that the peer has opened who that is, and the options
    are only those of the handshake: authentication and channel follow the identified device's.
    None: it must be the host that the options name.
    """

    _last_step = "channel"

    def __init__(
        self,
        driver: SSHDriver,
        options: ConnectOptions,
        deadline: Deadline,
        identification: Identification | None = None,
        route: Route | None = None,
    ) -> None:
        super().__init__(driver, options, deadline, route)
        self._ssh = driver
        self._identification = identification
        self._hop: _Hop | None = None

    def _connect(self) -> Channel:
        # `abort` sets its mark, then wakes; so what came before there was a wakeup is seen here.
        self._check_not_aborted()
        plan = self._prepared()
        self._sock = self._open_socket()
        with self._route.accounted_for():
            with self.step("SSH handshake"):
                presented = self._handshake(self._sock, plan.offered)
            with self.step("host key"):
                identified = plan.peer.identify(presented)
            self._options = identified.options
            authenticator = Authenticator(
                self._ssh,
                identified.options,
                identified.named_keys,
                self._deadline,
                proceed=self._check_not_aborted,
                hang_up=self._free_driver,
            )
            with self.step("authentication"):
                authenticator.run()
            with self.step(self._last_step):
                return self._open_channel()

    def _prepared(self) -> _Plan:
        # Before the socket is asked for, and so before any hop is dialled: the nearest, whose
        # packets are the first, is prepared last.
        options, driver = self._options, self._ssh
        if options.jumps:
            self._hop = self._hop_before()
        peer = self._identification or DialledHost(options, _policy_for(driver, options))
        self._configure()
        check_returned(driver.name, "algorithms", driver.algorithms, Algorithms)
        offered = offer.choose(type(driver), peer.key_types(), options.algorithms)
        return _Plan(peer, offered)

    def _configure(self) -> None:
        if self._ssh.driver_options:
            with driver_step(self._ssh.name, "configure"):
                self._ssh.configure(self._options.driver_options)

    def _hop_before(self) -> _Hop:
        options = self._options
        *others, last = options.jumps
        if options.host is None or options.sock is not None:
            raise OptionError("jumps", "lead to a host by its name, not to an open socket")
        if others:
            # As with ssh -J: what a later hop's configuration says of its own way is not asked.
            last = replace(last, jumps=tuple(others))
        with driver_step(self._ssh.name, "its constructor"):
            driver = type(self._ssh)()
        hop = _Hop(driver, last, self._deadline, self._route, (options.host, options.port))
        hop.step = partial(self.step, jump_host=hop.name)
        return hop

    def _open_socket(self) -> socket.socket:
        if self._hop is not None:
            self._check_not_aborted()
            return self._hop.open_socket_beyond()
        return super()._open_socket()

    def _handshake(self, sock: socket.socket, offered: Algorithms) -> HostKey:
        within = Deadline.after(
            self._options.timeouts.handshake, "SSH handshake", within=self._deadline
        )
        self._start()
        with driver_step(self._ssh.name, "handshake"):
            try:
                presented = self._ssh.handshake(sock, offered, within)
            except NoCommonAlgorithmError as error:
                error.advice = advise(error)
                raise
        self._check_not_aborted()
        check_returned(self._ssh.name, "handshake", presented, HostKey)
        return presented

    def _open_channel(self) -> Channel:
        options = self._options
        requests = [ChannelRequest(name) for name in options.subsystems]
        if options.command is not None:
            requests.append(ChannelRequest(options.command, "exec"))
        refused: list[ChannelError] = []
        for request in requests:
            what = "command" if request.kind == "exec" else "subsystem"
            step = f"starting {what} {request.name}"
            within = Deadline.after(options.timeouts.channel, step, within=self._deadline)
            within.remaining()
            self._check_not_aborted()
            try:
                with driver_step(self._ssh.name, step):
                    channel = self._ssh.open_channel(request, options.environment, within)
            except ChannelError as error:
                refused.append(error)
            else:
                check_returned(self._ssh.name, "open_channel", channel, Channel)
                return self._route.carry(channel)
        tried = zip(requests, refused, strict=True)
        what = "subsystems" if options.command is None else "subsystems, nor the command"
        raise ChannelError(
            f"the server started none of the {what}: "
            + "; ".join(f"{request.name}: {error}" for request, error in tried)
        ) from refused[-1]

    def _interrupt(self) -> None:
        # The route first: its forwarder lets go of the hops' channels before they are freed.
        super()._interrupt()
        if self._hop is not None:
            self._hop.abort()


class _Hop(SSHConnecting):
    """The same steps at a jump host, but that a tunnel to the next host is what they end with."""

    _last_step = "tunnel"

    def __init__(
        self,
        driver: SSHDriver,
        options: ConnectOptions,
        deadline: Deadline,
        route: Route,
        target: tuple[str, int],
    ) -> None:
        super().__init__(driver, options, deadline, route=route)
        self.name = _host_and_port(options.host or "", options.port)
        self._target = target

    def open_socket_beyond(self) -> socket.socket:
        """Run the steps, and return a socket that leads to the next host."""
        with self._named():
            channel = self.run()
            target = _host_and_port(*self._target)
            return self._route.through_tunnel(channel, self.name, target, self._options)

    def _open_channel(self) -> Channel:
        target = _host_and_port(*self._target)
        step = f"opening a tunnel to {target}"
        within = Deadline.after(self._options.timeouts.channel, step, within=self._deadline)
        within.remaining()
        self._check_not_aborted()
        try:
            with driver_step(self._ssh.name, step):
                channel = self._ssh.open_tunnel(*self._target, within)
        except ChannelError as error:
            raise ChannelError(f"no tunnel to {target}: {error}") from error
        check_returned(self._ssh.name, "open_tunnel", channel, Channel)
        return channel

    @contextmanager
    def _named(self) -> Generator[None]:
        try:
            yield
        except NcwireError as error:
            error.at_jump_host(self.name)
            raise


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is settled before any packet is sent."""

    peer: Identification
    offered: Algorithms


def _host_and_port(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def host_key_policy(options: ConnectOptions) -> HostKeyPolicy:
    """Return the policy for a connection. Raises `OptionError` for what cannot be read.

    A host that is given as an open socket only is looked up by its address, without a port:
    on a connection that the device opened the port means nothing.
    """
    host, port = options.host, options.port
    if host is None:
        host, port = _peer_address(options.sock), SSH_PORT
    pinned = options.hostkey_b64
    callback, remember = options.unknown_host_cb, None
    if options.accept_new is not None:
        callback = callback or _accept
        remember = NewHosts(options.accept_new, hashed=options.hash_known_hosts).add
    return HostKeyPolicy(
        host=host,
        port=port,
        alias=options.host_key_alias,
        known_hosts=read_known_hosts(options.known_hosts),
        verify_known=options.hostkey_verify,
        pinned=None if pinned is None else parse_hostkey_b64(pinned),
        unknown_host_cb=callback or default_unknown_host_cb,
        remember=remember,
    )


def _policy_for(driver: Backend, options: ConnectOptions) -> HostKeyPolicy:
    policy = host_key_policy(options)
    if Feature.HOST_CERTIFICATE in driver.features:
        return policy

    def no_certificates() -> str:
        able = who_can(Feature.HOST_CERTIFICATE)
        return f"driver {driver.name!r} cannot take host certificates ({able})"

    return replace(policy, no_certificates=no_certificates)


def _accept(_host: str, _fingerprint: str) -> bool:
    return True


def _peer_address(sock: socket.socket | None) -> str:
    if sock is None or sock.family not in (socket.AF_INET, socket.AF_INET6):
        return ""
    try:
        return str(sock.getpeername()[0])
    except OSError as error:
        raise_signalled(error)
        return ""
