"""What a connection is to be: the documented parameters of `connect`, validated."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from ncwire.driver.algorithms import Algorithms
from ncwire.driver.features import Feature
from ncwire.errors import OptionError

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping, Sequence
    from typing import Self

    from ncwire.driver.auth import Prompt

_LONGEST = 1e6
"""Eleven days; poll(2), which counts milliseconds in an int, takes no more than 24."""


class DefaultBudget(float):
    """A budget that nobody chose: it equals that number, and yields to what somebody did."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Timeouts:
    """The budget of each step, in seconds, and one for all that `connect` does.

    The steps of `connect` that are left out here have the seconds of its parameter `timeout`,
    or else these defaults. A budget that the overall deadline cuts short is named with it in
    the error. Raises `OptionError` for what is no number between 0 and a million.
    """

    connect: float = DefaultBudget(15.0)
    """Name resolution and TCP connect, all of the host's addresses together."""
    handshake: float = DefaultBudget(15.0)
    """SSH identification strings and key exchange."""
    auth: float = DefaultBudget(30.0)
    """Each authentication attempt."""
    channel: float = DefaultBudget(15.0)
    """Opening the channel and starting the subsystem."""
    hello: float = DefaultBudget(30.0)
    """The server's hello, counted from the open channel."""
    rpc: float = DefaultBudget(30.0)
    """The reply to an rpc that is given no timeout of its own."""
    close: float = DefaultBudget(5.0)
    """Ending the session: unsent messages, goodbye, and freeing everything."""
    overall: float = DefaultBudget(120.0)
    """The whole of `connect`; if it is left out, never less than its steps together."""

    def __post_init__(self) -> None:
        for budget in dataclasses.fields(self):
            seconds = getattr(self, budget.name)
            if (
                isinstance(seconds, bool)
                or not isinstance(seconds, int | float)
                or not 0 < seconds <= _LONGEST
            ):
                raise OptionError(
                    f"timeouts.{budget.name}",
                    f"{seconds!r} is no positive number of seconds, or more than a million",
                )

    def filled_from(self, others: Timeouts) -> Timeouts:
        """Return these budgets, with others in place of those that nobody chose.

        The steps among those still yield to `timeout`, as the defaults do.
        """
        filled = {}
        for each in dataclasses.fields(self):
            seconds = getattr(self, each.name)
            if isinstance(seconds, DefaultBudget):
                theirs = getattr(others, each.name)
                seconds = DefaultBudget(theirs) if each.name in _STEPS else theirs
            filled[each.name] = seconds
        return Timeouts(**filled)

    def settled(self, timeout: float | None = None, *, connect: float | None = None) -> Self:
        """Return these budgets with those filled in that were left out.

        Each step of `connect` gets `timeout`, or else its default; the TCP connect gets
        `connect` before its default. The overall budget becomes the sum of the steps, each
        taken once, where that is more than its default. `rpc` and `close` stay as they are.
        """
        given = {step: getattr(self, step) for step in _STEPS}
        for step, seconds in given.items():
            if isinstance(seconds, DefaultBudget):
                chosen = connect if timeout is None and step == "connect" else timeout
                given[step] = seconds if chosen is None else float(chosen)
        overall = self.overall
        if isinstance(overall, DefaultBudget):
            overall = DefaultBudget(max(overall, sum(given.values())))
        return dataclasses.replace(self, **given, overall=overall)


_STEPS = ("connect", "handshake", "auth", "channel", "hello")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectOptions:
    """Everything a driver may need to know to connect.

    The parameters of `SSHSession.connect` in their settled form: the port filled in, files as
    tuples, `ssh_config` already applied. Made by the core alone, so a driver validates nothing.
    """

    host: str | None
    port: int = 830
    username: str
    password: str | None = field(default=None, repr=False)
    key_filename: tuple[str, ...] = ()
    allow_agent: bool = True
    look_for_keys: bool = True
    identity_files: tuple[str, ...] = ()
    """ssh_config's key files: used in place of the usual ones, and left out if unusable."""
    identities_only: bool = False
    """Whether the agent is asked only for keys whose files are named here."""
    certificate_files: tuple[str, ...] = ()
    """ssh_config's user certificates, beside those that stand next to their keys."""
    identity_agent: str | None = None
    """The agent's socket; None: there is no agent to ask."""
    auth_methods: tuple[str, ...] = ("publickey", "keyboard-interactive", "password")
    """The methods that may be tried, in this order (RFC 4252)."""
    auth_handler: Callable[[str, str, Sequence[Prompt]], Sequence[str]] | None = None
    hostkey_verify: bool = True
    hostkey_b64: str | None = None
    known_hosts: tuple[str, ...] = ()
    host_key_alias: str | None = None
    accept_new: str | None = None
    """The known_hosts file to which the key of an unknown host is added; None: not accepted."""
    hash_known_hosts: bool = False
    """Whether names are added to `accept_new` hashed (ssh_config's HashKnownHosts)."""
    unknown_host_cb: Callable[[str, str], bool] | None = None
    sock: socket.socket | None = None
    """An open socket, the core's own from here on (whether `sock` or `sock_fd` was given)."""
    bind_addr: str | None = None
    address_family: socket.AddressFamily | None = None
    """AF_INET or AF_INET6: the only addresses of the host that are tried."""
    proxy_command: str | None = field(default=None, repr=False)
    """What a shell runs to reach the host, tokens expanded; its standard streams carry SSH.
    Not shown anywhere, for it may hold a password."""
    jumps: tuple[ConnectOptions, ...] = ()
    """The hosts to go through, nearest first; each is verified and authenticated by itself."""
    keepalive: float | None = None
    keepalive_count: int = 3
    """How many keepalives in a row may go unanswered (ssh_config's ServerAliveCountMax)."""
    environment: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    subsystems: tuple[str, ...] = ("netconf",)
    command: str | None = None
    """What is executed when the server has refused all subsystems, of which there may be none."""
    algorithms: Algorithms | None = None
    timeouts: Timeouts = field(default_factory=Timeouts)

    def required_features(self) -> dict[str, Feature]:
        """Return the parameters that not every driver can honour, and the feature each needs."""
        needed = {
            "hostkey_verify": (not self.hostkey_verify, Feature.HOST_KEY),
            "hostkey_b64": (self.hostkey_b64, Feature.HOST_KEY),
            "accept_new": (self.accept_new, Feature.HOST_KEY),
            "unknown_host_cb": (self.unknown_host_cb, Feature.HOST_KEY),
            "sock": (self.sock, Feature.SOCKET),
            "bind_addr": (self.bind_addr, Feature.BIND_ADDRESS),
            "address_family": (self.address_family, Feature.ADDRESS_FAMILY),
            "proxy_command": (self.proxy_command, Feature.PROXY_COMMAND),
            "jumps": (self.jumps, Feature.PROXY_JUMP),
            "keepalive": (self.keepalive, Feature.KEEPALIVE),
            "environment": (self.environment, Feature.ENVIRONMENT),
            "profile.command": (self.command, Feature.COMMAND),
            "password": (self.password, Feature.PASSWORD),
            "auth_handler": (self.auth_handler, Feature.KEYBOARD_INTERACTIVE),
            "key_filename": (self.key_filename, Feature.PUBLICKEY),
            "certificate_files": (self.certificate_files, Feature.USER_CERTIFICATE),
            "algorithms": (self._restricts(), Feature.ALGORITHMS),
            "algorithms.compression": (self._compresses(), Feature.COMPRESSION),
        }
        required = {name: feature for name, (value, feature) in needed.items() if value}
        for hop in self.jumps:
            for name, feature in hop.required_features().items():
                required.setdefault(f"{name} of jump host {hop.host}", feature)
        return required

    def _restricts(self) -> bool:
        chosen = self.algorithms
        return chosen is not None and dataclasses.replace(chosen, compression=()) != Algorithms()

    def _compresses(self) -> bool:
        return self.algorithms is not None and bool({*self.algorithms.compression} - {"none"})
