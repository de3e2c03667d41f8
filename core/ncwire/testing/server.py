"""`EmbeddedServer`: a small NETCONF server over SSH, in this process."""

from __future__ import annotations

import logging
import selectors
import socket
import threading
import time
from typing import TYPE_CHECKING, Self

from ncwire.driver import HostKey, Wakeup
from ncwire.testing.access import Access, default_auth_methods, key_blob
from ncwire.testing.configuration import Configuration
from ncwire.testing.document import parse
from ncwire.testing.endpoint import Endpoint
from ncwire.testing.host_key import CertifiedKey, generate_host_key, load_host_key
from ncwire.testing.netconf_server import NetconfServer
from ncwire.testing.process import ServerProcess
from ncwire.testing.session_runner import serve_netconf
from ncwire.testing.ssh_connection import SSHConnection
from ncwire.testing.ssh_login import Login

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import TracebackType

    from ncwire.testing.stream import ChannelStream, SessionInfo

_LOG = logging.getLogger(__name__)


class EmbeddedServer(Endpoint):
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
        configuration = None if datastore is None else Configuration.parse(datastore)
        self._netconf = NetconfServer(configuration, base=base, capabilities=capabilities)
        self._script = script
        self._login = login
        self._handshake_timeout = handshake_timeout
        self._private_key = load_host_key(private_host_key or generate_host_key())
        self._certified = (
            CertifiedKey(self._private_key, host_certificate) if host_certificate else None
        )
        self._last_session: SessionInfo | None = None
        self._connections: list[SSHConnection] = []
        self._lock = threading.Lock()
        self._closing = False
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family, backlog=128)
        self._listener.setblocking(False)
        self._wakeup = Wakeup()
        super().__init__(
            host=host,
            port=self._listener.getsockname()[1],
            username=username,
            password=password,
            host_key=HostKey.from_blob(self._private_key.asbytes()),
        )
        self._acceptor = threading.Thread(
            target=self._accept, name="ncwire-server-acceptor", daemon=True
        )
        self._acceptor.start()

    spawn = ServerProcess
    """Start the same server in a process of its own; see `ServerProcess`."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def sessions(self) -> int:
        """How many NETCONF sessions there are now."""
        return self._netconf.session_count

    @property
    def last_session(self) -> SessionInfo | None:
        """What SSH told of the session that started last: user, request, environment."""
        return self._last_session

    def notify(self, xml: str | bytes) -> int:
        """Send a notification to all subscribed sessions; return how many those are.

        `xml` is the event, which is put into a <notification> with the present time, or a whole
        <notification>. Never waits for a client. Raises `DocumentError`, a ValueError.
        """
        return self._netconf.notify(parse(xml.encode() if isinstance(xml, str) else xml))

    def serve(self, sock: socket.socket) -> None:
        """Serve a connected socket, the server's own from here on: call home (RFC 8071)."""
        with self._lock:
            if self._closing:
                sock.close()
                raise OSError("the server is closed")
            try:
                if sock.family in {socket.AF_INET, socket.AF_INET6}:
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connection = SSHConnection(
                    sock,
                    self._access,
                    self._private_key,
                    self._run,
                    self._wakeup.ring,
                    self._login,
                    self._certified,
                )
            except BaseException:
                sock.close()
                raise
            self._connections.append(connection)
        self._wakeup.ring()

    def close(self, timeout: float = 5.0) -> None:
        """Cut all connections and wait up to `timeout` seconds for their threads. Idempotent."""
        with self._lock:
            if self._closing:
                return
            self._closing = True
            connections = list(self._connections)
        self._wakeup.ring()
        self._acceptor.join()
        self._listener.close()
        self._wakeup.close()
        for connection in connections:
            connection.abort()
        until = time.monotonic() + timeout
        left = [connection for connection in connections if not connection.join(until)]
        if left:
            _LOG.warning("%d connections did not end within %g s", len(left), timeout)

    def _run(self, stream: ChannelStream) -> None:
        self._last_session = stream.info
        if self._script is None:
            serve_netconf(self._netconf, stream)
        else:
            self._script(stream)

    def _accept(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            selector.register(self._wakeup, selectors.EVENT_READ)
            while not self._closing:
                ready = {key.fileobj for key, _ in selector.select(self._cut_idle())}
                if self._wakeup in ready:
                    self._wakeup.clear()
                if self._listener in ready:
                    try:
                        self.serve(self._listener.accept()[0])
                    except (OSError, RuntimeError) as error:
                        # The client is gone again, the server is closing, or no thread is left.
                        _LOG.info("a connection was not served: %s", error)

    def _cut_idle(self) -> float | None:
        """Cut connections that are too long without a session; return when the next will be."""
        now = time.monotonic()
        waits = []
        with self._lock:
            self._connections = [c for c in self._connections if c.alive]
            for connection in self._connections:
                since = connection.idle_since
                if since is None:
                    continue
                wait = since + self._handshake_timeout - now
                if wait > 0:
                    waits.append(wait)
                else:
                    connection.abort()
        return min(waits, default=None)
