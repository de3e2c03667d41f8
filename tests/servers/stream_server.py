"""NETCONF servers over TLS and over Unix sockets, with the engine of the embedded server."""

from __future__ import annotations

import queue
import socket
import threading
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Self

from ncwire.testing import tls_stream as testing
from ncwire.testing.document import parse
from ncwire.testing.netconf_server import NetconfServer
from ncwire.testing.session_runner import serve_netconf
from ncwire.testing.socket_stream import SocketStream

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

_SIZE = 1 << 16


class PlainStream(SocketStream):
    """The server's end of a connection in the clear, of whom everybody is admin."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock, "admin")


class TLSStream(testing.TLSStream):
    """The same over TLS; `tls` is OpenSSL's connection, `peer` the client's address."""

    def __init__(
        self,
        sock: socket.socket,
        tls: ssl.SSLObject,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
    ) -> None:
        super().__init__(sock, tls, incoming, outgoing)
        self.tls = tls
        self.peer = sock.getpeername()


class StreamServer:
    """Serves NETCONF, or a `script` that is called with each stream, until it is closed.

    `opened` has each stream that was ready for its session, `failed` what went wrong with others,
    `peers` the addresses of all.
    """

    def __init__(
        self,
        listener: socket.socket,
        accepted: Callable[[socket.socket], SocketStream],
        script: Callable[[SocketStream], None] | None = None,
    ) -> None:
        self.netconf = NetconfServer(None)
        self.opened: queue.SimpleQueue[SocketStream] = queue.SimpleQueue()
        self.failed: queue.SimpleQueue[Exception] = queue.SimpleQueue()
        self.peers: queue.SimpleQueue[object] = queue.SimpleQueue()
        self.address = listener.getsockname()
        self._accepted = accepted
        self._script = script
        self._listener = listener
        self._socks: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._acceptor = threading.Thread(target=self._accept, name="test server", daemon=True)
        self._acceptor.start()

    @property
    def port(self) -> int:
        return self.address[1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def notify(self, xml: str) -> int:
        return self.netconf.notify(parse(xml.encode()))

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._acceptor.join()
        self._listener.close()
        for sock in self._socks:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                sock, peer = self._listener.accept()
            except OSError:
                return
            self.peers.put(peer)
            if sock.family != socket.AF_UNIX:
                # Else Nagle's waits for what the client delays to acknowledge.
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            thread = threading.Thread(target=self._serve, args=(sock,), daemon=True)
            self._socks.append(sock)
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket) -> None:
        with sock:
            try:
                stream = self._accepted(sock)
                self.opened.put(stream)
                if self._script is None:
                    serve_netconf(self.netconf, stream)
                else:
                    self._script(stream)
            except (OSError, ConnectionError) as error:
                self.failed.put(error)
                # Closing with bytes unread would reset, and lose what was said.
                with suppress(OSError):
                    sock.shutdown(socket.SHUT_WR)
                    while sock.recv(_SIZE):
                        pass


def tls_server(
    context: ssl.SSLContext,
    script: Callable[[SocketStream], None] | None = None,
    host: str = "127.0.0.1",
) -> StreamServer:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, 0), family=family)
    return StreamServer(listener, partial(TLSStream.accept, context=context), script)


def unix_server(
    address: str | bytes, script: Callable[[SocketStream], None] | None = None
) -> StreamServer:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(address)
    listener.listen()
    return StreamServer(listener, PlainStream, script)
