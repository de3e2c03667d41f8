"""NETCONF servers over TLS and over Unix sockets, with the engine of the embedded server."""

from __future__ import annotations

import queue
import socket
import ssl
import threading
from contextlib import suppress
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

from ncwire.testing.document import parse
from ncwire.testing.netconf_server import NetconfServer
from ncwire.testing.session_runner import serve_netconf
from ncwire.testing.stream import SessionInfo

if TYPE_CHECKING:
    from collections.abc import Callable

_SIZE = 1 << 16


class PlainStream:
    """The server's end of a connection in the clear; the methods block."""

    def __init__(self, sock: socket.socket) -> None:
        self.info = SessionInfo("admin", "", MappingProxyType({}))
        self.sock = sock
        self.peer = sock.getpeername()

    def recv(self, size: int = _SIZE) -> bytes:
        return self.sock.recv(size)

    def send(self, data: bytes | memoryview) -> None:
        try:
            self.sock.sendall(data)
        except OSError as error:
            raise ConnectionError(str(error)) from error

    def close(self, exit_status: int = 0) -> None:
        with suppress(OSError):
            self.sock.shutdown(socket.SHUT_WR)

    def terminate(self) -> None:
        self.cut()

    def cut(self) -> None:
        """End the connection, with no word of the protocol's."""
        with suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)


class TLSStream(PlainStream):
    """The same over TLS, in memory: two threads must not call one SSL object (CPython 3.12)."""

    def __init__(self, sock: socket.socket, context: ssl.SSLContext) -> None:
        super().__init__(sock)
        self._lock = threading.Lock()
        self._sending = threading.Lock()
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)

    def shake_hands(self) -> None:
        while True:
            try:
                self.tls.do_handshake()
            except ssl.SSLWantReadError:
                self._flush()
                self._feed()
            except ssl.SSLError:
                self._flush()
                raise
            else:
                self._flush()
                return

    def recv(self, size: int = _SIZE) -> bytes:
        while True:
            try:
                with self._lock:
                    return self.tls.read(size)
            except ssl.SSLWantReadError:
                self._flush()
                self._feed()
            except ssl.SSLZeroReturnError:
                return b""

    def send(self, data: bytes | memoryview) -> None:
        view = memoryview(data)
        while view:
            with self._lock:
                sent = self.tls.write(view[:_SIZE])
            view = view[sent:]
            try:
                self._flush()
            except OSError as error:
                raise ConnectionError(str(error)) from error

    def close(self, exit_status: int = 0) -> None:
        with suppress(OSError, ValueError), self._lock:
            self.tls.unwrap()
        with suppress(OSError):
            self._flush()
        super().close()

    def _feed(self) -> None:
        data = self.sock.recv(_SIZE)
        with self._lock:
            if data:
                self._incoming.write(data)
            else:
                self._incoming.write_eof()

    def _flush(self) -> None:
        # Its own lock: what is encrypted first is sent first.
        with self._sending:
            with self._lock:
                data = self._outgoing.read()
            if data:
                self.sock.sendall(data)


class StreamServer:
    """Serves NETCONF, or a `script` that is called with each stream, until it is closed.

    `opened` has each stream that was ready for its session, `failed` what went wrong with others.
    """

    def __init__(
        self,
        listener: socket.socket,
        accepted: Callable[[socket.socket], PlainStream],
        script: Callable[[PlainStream], None] | None = None,
    ) -> None:
        self.netconf = NetconfServer(None)
        self.opened: queue.SimpleQueue[PlainStream] = queue.SimpleQueue()
        self.failed: queue.SimpleQueue[Exception] = queue.SimpleQueue()
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
                sock, _ = self._listener.accept()
            except OSError:
                return
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
                    serve_netconf(self.netconf, stream)  # type: ignore[arg-type]
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
    script: Callable[[PlainStream], None] | None = None,
    host: str = "127.0.0.1",
) -> StreamServer:
    def accepted(sock: socket.socket) -> TLSStream:
        stream = TLSStream(sock, context)
        stream.shake_hands()
        return stream

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return StreamServer(socket.create_server((host, 0), family=family), accepted, script)


def unix_server(
    address: str | bytes, script: Callable[[PlainStream], None] | None = None
) -> StreamServer:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(address)
    listener.listen()
    return StreamServer(listener, PlainStream, script)
