"""What a configuration says for one host."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

    from ncwire.driver.algorithms import Algorithms


@dataclass(frozen=True, slots=True, kw_only=True)
class SSHConfig:
    """What the configuration says for one host; None or empty for what it does not set.

    Tokens, variables and `~` are expanded in all paths; `~` is the home directory in the
    password database, as for ssh, whatever HOME says. An empty tuple in place of None says that
    there are to be none.
    """

    hostname: str
    port: int | None = None
    user: str | None = None
    identity_files: tuple[str, ...] | None = None
    identities_only: bool = False
    certificate_files: tuple[str, ...] = ()
    identity_agent: str | None = None
    """A path, "none", or None for the environment's SSH_AUTH_SOCK."""
    auth_methods: tuple[str, ...] | None = None
    """In the order of preference, without those that are switched off."""
    user_known_hosts_files: tuple[str, ...] | None = None
    global_known_hosts_files: tuple[str, ...] | None = None
    host_key_alias: str | None = None
    strict_host_key_checking: str | None = None
    """"yes", "accept-new", or "ask", as which "no" and "off" are taken."""
    hash_known_hosts: bool = False
    connect_timeout: float | None = None
    keepalive: float | None = None
    keepalive_count: int | None = None
    bind_address: str | None = None
    address_family: socket.AddressFamily | None = None
    proxy_command: str | None = field(default=None, repr=False)
    """Tokens expanded."""
    proxy_jump: tuple[str, ...] = ()
    """Hops as they were written, nearest first, tokens expanded."""
    algorithms: Algorithms | None = None
    """What is offered, where the file changes anything of it; empty kinds are ncwire's own."""
    environment: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """What SetEnv sets and SendEnv passes on; SetEnv wins, as the server takes the last."""
