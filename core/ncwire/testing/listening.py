"""What the embedded servers have in common, whatever carries NETCONF: they listen, and end."""

from __future__ import annotations

import logging
import selectors
import socket
import threading
import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Protocol, Self

from ncwire.driver import Wakeup
from ncwire.testing.configuration import Configuration
from ncwire.testing.document import parse
from ncwire.testing.netconf_server import NetconfServer
from ncwire.testing.session_runner import serve_netconf

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import TracebackType

    from ncwire.testing.session_runner import Stream
    from ncwire.testing.stream import SessionInfo

_LOG = logging.getLogger(__name__)


class ServedConnection(Protocol):
    """A connected socket that is served by threads of its own."""

    idle_since: float | None
    """When the last session ended, or the connection began; None while there is one."""

    @property
    def alive(self) -> bool:
        """Whether any of its threads is left."""

    def abort(self) -> None:
        """Cut it: all of its threads end. Idempotent."""

    def join(self, until: float) -> bool:
        """Wait for the threads to end; tell whether they did by `until` (`time.monotonic`)."""


class ListeningServer(ABC):
    """Accepts connections on a listening socket, each of which holds NETCONF sessions."""

    def __init__(
        self,
        *,
        base: Sequence[str],
        capabilities: Iterable[str],
        datastore: str | bytes | None,
        handshake_timeout: float,
    ) -> None:
        configuration = None if datastore is None else Configuration.parse(datastore)
        self._netconf = NetconfServer(configuration, base=base, capabilities=capabilities)
        self._handshake_timeout = handshake_timeout
        self._last_session: SessionInfo | None = None
        self._connections: list[ServedConnection] = []
        self._lock = threading.Lock()
        self._closing = False

    def _listen(self, listener: socket.socket) -> None:
        """Begin to accept; the listener is this server's from here on. Raises OSError."""
        self._listener = listener
        self._listener.setblocking(False)
        try:
            self._wakeup = Wakeup()
        except OSError:
            listener.close()
            raise
        self._acceptor = threading.Thread(
            target=self._accept, name="ncwire-server-acceptor", daemon=True
        )
        self._acceptor.start()

    @abstractmethod
    def _connected(self, sock: socket.socket) -> ServedConnection:
        """Return what serves the socket from here on. Raises OSError and RuntimeError."""

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
        """What is known of the session that started last: user, request, environment."""
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
                connection = self._connected(sock)
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

    def _hold(self, stream: Stream, script: Callable[..., None] | None) -> None:
        """Hold one session: the script's, or NETCONF's own."""
        self._last_session = stream.info
        if script is None:
            serve_netconf(self._netconf, stream)
        else:
            script(stream)

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
