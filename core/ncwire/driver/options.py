"""What a connection is to be: the documented parameters of `connect`, validated."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from ncwire.driver.algorithms import Algorithms
from ncwire.driver.features import Feature
from ncwire.driver.timeouts import Timeouts

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping, Sequence

    from ncwire.driver.auth import Prompt
    from ncwire.driver.hostkey import HostKeyCheck
    from ncwire.driver.proxy import Proxy


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
    passphrase: str | None = field(default=None, repr=False)
    """What opens encrypted keys; None: the password does, if there is one."""
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
    proxy: Proxy | None = field(default=None, repr=False, compare=False)
    """What runs `proxy_command`, for a plain Driver that declares PROXY_COMMAND; None for others,
    and without one. Each of the `jumps` has its own."""
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
    driver_options: Mapping[str, object] = field(
        default_factory=lambda: MappingProxyType({}), repr=False
    )
    """The driver's own options: every one that it declares, with its default where none was given.
    Not shown anywhere, for some are secret."""
    host_key_check: HostKeyCheck | None = field(default=None, repr=False, compare=False)
    """The core's judgement of this host's key, for a plain Driver that declares HOST_KEY; None
    for others. Each of the `jumps` has its own."""

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
            "passphrase": (self.passphrase, Feature.PUBLICKEY),
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
