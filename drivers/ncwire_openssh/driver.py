"""The driver: one ssh for each connection, or for many."""

from __future__ import annotations

import logging
import os
import socket
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar

from ncwire.driver import ChannelRequest, Deadline, Driver, DriverOption, Feature, OptionKind
from ncwire.errors import (
    ChannelError,
    ConnectError,
    DriverUnavailable,
    NcwireError,
    OptionError,
    SSHError,
    TransportError,
    UnsupportedOption,
)
from ncwire_openssh import program
from ncwire_openssh.channel import OpenSSHChannel
from ncwire_openssh.config import LEAST_PERSIST
from ncwire_openssh.connection import Connection, OpenSSHProcess
from ncwire_openssh.journal import Phase
from ncwire_openssh.keys import expanded, identities, left_out
from ncwire_openssh.login import Login
from ncwire_openssh.master import Master
from ncwire_openssh.mux import MuxClient, MuxRefusedError
from ncwire_openssh.opening import open_channel
from ncwire_openssh.questions import is_answer
from ncwire_openssh.shared import SharedMaster

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from ncwire.driver import Channel, ChannelInfo, ConnectOptions
    from ncwire_openssh.mux import Watch

_log = logging.getLogger("ncwire.openssh")

_INSTALL = "install it with: apt-get install openssh-client"


class OpenSSHDriver(Driver):
    """NETCONF through the system's ssh, which does all of SSH; source: OpenSSH 8.5 to 10.5.

    The core's policy judges the host key that ssh has, while ssh waits. ssh reads no
    configuration but what is written for the one connection.
    """

    name = "openssh"
    contract = (1, 0)
    features = frozenset(
        {
            Feature.PASSWORD,
            Feature.PUBLICKEY,
            Feature.KEYBOARD_INTERACTIVE,
            Feature.PROMPT_BY_PROMPT,
            Feature.AGENT,
            Feature.AGENT_SECURITY_KEY,
            Feature.USER_CERTIFICATE,
            Feature.HOST_KEY,
            Feature.HOST_CERTIFICATE,
            Feature.ENVIRONMENT,
            Feature.KEEPALIVE,
            Feature.FINISH,
            Feature.SOCKET,
            Feature.BIND_ADDRESS,
            Feature.ADDRESS_FAMILY,
            Feature.ALGORITHMS,
            Feature.COMPRESSION,
            Feature.PROXY_COMMAND,
            Feature.PROXY_JUMP,
            Feature.COMMAND,
        }
    )
    driver_options: ClassVar[tuple[DriverOption, ...]] = (
        DriverOption(
            name="control_path",
            kind=OptionKind.FILE,
            meaning="ssh's control socket: sessions share one connection, and one login; "
            "%h, %p and %r stand for host, port and user, %C for all of them",
            trust=True,
        ),
        DriverOption(
            name="control_persist",
            kind=OptionKind.SECONDS,
            meaning="how long a shared connection stays after its last session; at least 5",
            default=5.0,
        ),
        DriverOption(
            name="pkcs11_provider",
            kind=OptionKind.FILE,
            meaning="the PKCS#11 library of a token with keys",
            trust=True,
        ),
        DriverOption(
            name="security_key_provider",
            kind=OptionKind.FILE,
            meaning="the library for FIDO keys in files; by default ssh's own",
            trust=True,
        ),
        DriverOption(
            name="pin",
            kind=OptionKind.TEXT,
            meaning="the PIN of the token or the security key",
            secret=True,
        ),
        DriverOption(
            name="gssapi",
            kind=OptionKind.SWITCH,
            meaning="log in by GSSAPI (Kerberos) before anything else",
            default=False,
        ),
    )

    def __init__(self) -> None:
        self._connection = Connection()

    @classmethod
    def check_available(cls) -> None:
        """Need `ssh` of OpenSSH 8.5 or newer on PATH."""
        path = program.find()
        if path is None or not hasattr(os, "mkfifo"):
            raise DriverUnavailable(cls.name, "the ssh program is not installed", _INSTALL)
        told = program.version(path)
        number = program.number(told)
        if number is None or number < program.NEEDED:
            raise DriverUnavailable(
                cls.name, f"{path} is {told or 'not OpenSSH'}, and 8.5 is needed", _INSTALL
            )

    @classmethod
    def library(cls) -> str:
        """Return what `ssh -V` says, "OpenSSH 9.2p1 Debian-2+deb12u10"."""
        return program.version(program.find() or "ssh")

    def connect(self, options: ConnectOptions, deadline: Deadline) -> Channel:
        """Connect, authenticate, and return the subsystem's channel."""
        path = program.find()
        if path is None:
            raise ConnectError("ssh could not be started: it is not on PATH")
        self._check_options(options)
        connection = self._connection
        try:
            self._check_not_aborted()
            shared = SharedMaster.of(options)
            if shared is not None and (client := shared.reached(options)) is not None:
                return self._begin(client, options, deadline, _nothing, shared.info(path))
            return self._dial(path, options, deadline, shared)
        except BaseException:
            connection.kill()
            raise

    def abort(self) -> None:
        """Have a `connect` under way fail."""
        self._connection.interrupt()

    def _check_options(self, options: ConnectOptions) -> None:
        for each in (options, *options.jumps):
            secrets = {"password": each.password, "passphrase": each.passphrase}
            for name, secret in secrets.items():
                if secret is not None and not is_answer(secret):
                    raise UnsupportedOption(
                        self.name, name, "ssh takes one line of at most 1023 bytes; use a key"
                    )
        pin = options.driver_options.get("pin")
        if pin is not None and not is_answer(str(pin)):
            raise OptionError("driver_options.pin", "ssh takes one line of at most 1023 bytes")
        for name in ("pkcs11_provider", "security_key_provider"):
            library = options.driver_options.get(name)
            # ssh goes on without it, and its word of that is lost where something else lets in.
            if library and not expanded(str(library)).is_file():
                raise OptionError(f"driver_options.{name}", f"{library}: there is no such file")
        persist = options.driver_options.get("control_persist")
        if isinstance(persist, float | int) and persist < LEAST_PERSIST:
            raise OptionError(
                "driver_options.control_persist",
                f"{persist:g} s is too short: ssh may need so long before the first session; give "
                f"{LEAST_PERSIST} or more",
            )
        if options.driver_options.get("control_path") and options.jumps:
            raise UnsupportedOption(
                self.name,
                "driver_options.control_path",
                "the hosts in between end with the session; do without one of the two",
            )

    def _check_not_aborted(self) -> None:
        if self._connection.aborted:
            raise TransportError("aborted")

    def _dial(
        self,
        path: str,
        options: ConnectOptions,
        deadline: Deadline,
        shared: SharedMaster | None,
    ) -> Channel:
        route = [*_hops(options), options]
        self._check_keys(route)
        nearest = route[0]
        sock = options.sock
        if sock is None and nearest.proxy is not None:
            with _named(nearest, options):
                sock = nearest.proxy.open()
        for hop, beyond in pairwise(route):
            with _named(hop, options):
                login = self._log_in(path, hop, deadline, sock, name=_host_and_port(hop))
                sock = self._through(login, beyond)
        login = self._log_in(path, options, deadline, sock, shared=shared)
        if shared is not None:
            shared.publish(login.master.folder.control, login.host_key)
        client = _client(login)
        channel = self._begin(client, options, deadline, login.watch(), _info(login))
        if sock is None:  # else ssh has tried no address
            channel.peer_address = login.master.journal.peer
        return channel

    def _check_keys(self, route: Sequence[ConnectOptions]) -> None:
        """Refuse what can be refused before any packet is sent: the nearest host's go first."""
        for hop in reversed(route):
            with _named(hop, route[-1]):
                identities(hop)
                for error in left_out(hop):
                    _log.warning("private key %s: %s; it was left out", error.path, error.problem)

    def _log_in(
        self,
        path: str,
        options: ConnectOptions,
        deadline: Deadline,
        sock: socket.socket | None,
        *,
        name: str = "",
        shared: SharedMaster | None = None,
    ) -> Login:
        connection = self._connection
        master = Master(name=name, place=None if shared is None else shared.place())
        connection.add(master)
        self._check_not_aborted()
        login = Login(
            self.name,
            path,
            master,
            options,
            deadline,
            self._check_not_aborted,
        )
        login.run(sock)
        return login

    def _through(self, login: Login, beyond: ConnectOptions) -> socket.socket:
        """Have a jump host's ssh carry a socket to the next host; return its other end."""
        step = login.budget(Phase.OPEN)
        target = _host_and_port(beyond)
        client = _client(login)
        self._connection.add_forward(client)
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                host = beyond.host or ""
                client.forward(theirs.fileno(), host, beyond.port, step, login.watch())
            except (MuxRefusedError, OSError) as error:
                ours.close()
                if isinstance(error, NcwireError):
                    raise
                self._check_not_aborted()
                if isinstance(error, MuxRefusedError):
                    reason = login.master.refusal() or str(error)
                    raise ChannelError(f"no tunnel to {target}: {reason}") from error
                raise SSHError(f"no tunnel to {target}: {error}") from error
            except BaseException:
                ours.close()
                raise
        return ours

    def _begin(
        self,
        client: MuxClient,
        options: ConnectOptions,
        deadline: Deadline,
        watch: Watch,
        info: ChannelInfo,
    ) -> Channel:
        connection = self._connection
        requests = [ChannelRequest(name) for name in options.subsystems]
        if options.command is not None:
            requests.append(ChannelRequest(options.command, "exec"))

        def step(what: str) -> Deadline:
            self._check_not_aborted()
            return Deadline.after(options.timeouts.channel, what, within=deadline)

        try:
            opening = step("channel")
            connection.process = OpenSSHProcess(client.pid(opening, watch))
            sock = client.become_proxy(opening, watch)
            state = open_channel(sock, requests, options.environment, step, watch)
        except (MuxRefusedError, OSError) as error:
            client.close()
            if isinstance(error, NcwireError):
                raise
            self._check_not_aborted()
            raise SSHError(f"channel: {connection.reason()}") from error
        except BaseException:
            client.close()
            raise
        channel = OpenSSHChannel(connection, sock, state, info)
        connection.settle()
        return channel


def _nothing_to_do() -> None:
    pass


_nothing: Watch = ((), _nothing_to_do)


def _hops(options: ConnectOptions) -> list[ConnectOptions]:
    """Return the hosts to go through, nearest first.

    As with ssh -J: what a later hop's configuration says of its own way is not asked.
    """
    if not options.jumps:
        return []
    first, *others = options.jumps
    return [*_hops(first), first, *others]


@contextmanager
def _named(hop: ConnectOptions, target: ConnectOptions) -> Generator[None]:
    """Have errors name the jump host that they are of; not the target."""
    try:
        yield
    except NcwireError as error:
        if hop is not target:
            error.at_jump_host(_host_and_port(hop))
        raise


def _client(login: Login) -> MuxClient:
    try:
        return MuxClient(str(login.master.folder.control))
    except OSError as error:
        login.look()
        raise SSHError(f"channel: {error.strerror}") from error


def _info(login: Login) -> ChannelInfo:
    master = login.master
    info = master.journal.info(master.said())
    # As it was judged: ssh logs it in two ways.
    return info if login.host_key is None else replace(info, host_key_type=login.host_key.type)


def _host_and_port(options: ConnectOptions) -> str:
    host = options.host or ""
    return f"[{host}]:{options.port}" if ":" in host else f"{host}:{options.port}"
