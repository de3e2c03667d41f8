"""`EmbeddedServer`: a small NETCONF server over SSH, in this process."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from ncwire.driver import HostKey
from ncwire.testing.access import Access, default_auth_methods, key_blob
from ncwire.testing.endpoint import Endpoint
from ncwire.testing.host_key import CertifiedKey, generate_host_key, load_host_key
from ncwire.testing.listening import ListeningServer
from ncwire.testing.process import ServerProcess
from ncwire.testing.ssh_connection import SSHConnection
from ncwire.testing.ssh_login import Login

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ncwire.testing.listening import ServedConnection
    from ncwire.testing.stream import ChannelStream


class EmbeddedServer(ListeningServer, Endpoint):
    """A NETCONF server with a running and a candidate datastore in memory, for one user.

    It listens as soon as it is made, and ends with `close` or the `with` block. For tests and
    demonstrations: it has no schema, and keeps no secret of what it holds.

    - `password` None refuses passwords; `authorized_keys` are lines in OpenSSH's format.
      `auth_methods` names what is offered, among publickey, password and keyboard-interactive
      (which asks for the password); by default what the other two allow.
    - `base` are the versions of NETCONF, `capabilities` further URIs for the hello.
    - `subsystems` and `commands` (of an exec request) start a session; others are refused.
    - `datastore` is the initial <running>: top-level elements in <config>, or a single one.
    - `private_host_key` is in OpenSSH's format; by default each server has a fresh ed25519 key.
    - `host_certificate` is a certificate of that key, a line as ssh-keygen makes it, for clients
      that prefer one.
    - `handshake_timeout`: seconds that a connection may be without a session before it is cut.
    - `script` is called for each session instead of the NETCONF server, with its stream, which
      has `recv`, `send`, `close` and `info`.
    - `login` answers each client's SSH requests; for a server that differs in that.
    - `port` 0 takes any that is free.

    Raises ValueError and OSError; nothing is left open then.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        username: str = "admin",
        password: str | None = "admin",  # noqa: S107 - for loopback, and told by `password`
        authorized_keys: Sequence[str] = (),
        auth_methods: Sequence[str] | None = None,
        auth_banner: str | None = None,
        max_auth_tries: int = 6,
        base: Sequence[str] = ("1.0", "1.1"),
        subsystems: Iterable[str] = ("netconf",),
        commands: Iterable[str] = (),
        datastore: str | bytes | None = None,
        capabilities: Iterable[str] = (),
        private_host_key: str | None = None,
        host_certificate: str | None = None,
        handshake_timeout: float = 30.0,
        script: Callable[[ChannelStream], None] | None = None,
        login: type[Login] = Login,
    ) -> None:
        if auth_methods is None:
            auth_methods = default_auth_methods(password, authorized_keys)
        self._access = Access(
            username=username,
            password=password,
            authorized_keys=frozenset(key_blob(line) for line in authorized_keys),
            auth_methods=tuple(auth_methods),
            auth_banner=auth_banner,
            max_auth_tries=max_auth_tries,
            subsystems=frozenset(subsystems),
            commands=frozenset(commands),
        )
        ListeningServer.__init__(
            self,
            base=base,
            capabilities=capabilities,
            datastore=datastore,
            handshake_timeout=handshake_timeout,
        )
        self._script = script
        self._login = login
        self._private_key = load_host_key(private_host_key or generate_host_key())
        self._certified = (
            CertifiedKey(self._private_key, host_certificate) if host_certificate else None
        )
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family, backlog=128)
        Endpoint.__init__(
            self,
            host=host,
            port=listener.getsockname()[1],
            username=username,
            password=password,
            host_key=HostKey.from_blob(self._private_key.asbytes()),
        )
        self._listen(listener)

    spawn = ServerProcess
    """Start the same server in a process of its own; see `ServerProcess`."""

    def _connected(self, sock: socket.socket) -> ServedConnection:
        return SSHConnection(
            sock,
            self._access,
            self._private_key,
            lambda stream: self._hold(stream, self._script),
            self._wakeup.ring,
            self._login,
            self._certified,
        )
