"""Devices that call over TLS: they open the connection, and are its servers."""

from __future__ import annotations

import queue
import socket
import ssl
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from ncwire.testing.netconf_server import NetconfServer
from ncwire.testing.session_runner import serve_netconf
from servers.certificates import Authority
from servers.stream_server import TLSStream

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ncwire.testing.socket_stream import SocketStream
    from servers.certificates import Certificate

PATIENCE = 60


class TLSCallers:
    """An authority, a client's certificate, and devices that call, each on a thread of its own.

    `certificates_seen` has the client's certificate, in DER, of each who has ended the handshake,
    and `failed` why others have not.
    """

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder)
        self.client = self.authority.issue("manager", hosts=())
        self.certificates_seen: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self.failed: queue.SimpleQueue[Exception] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._socks: list[socket.socket] = []

    def issue(self, name: str, **more: object) -> Certificate:
        """Return a certificate for a device of that name."""
        return self.authority.issue(name, **{"hosts": (f"{name}.example",)} | more)

    def client_options(self, **more: object) -> dict[str, object]:
        """Return a listener's options: our certificate, and who has signed the devices'."""
        return {
            "certfile": self.client.certificate,
            "keyfile": self.client.key,
            "ca_certs": self.authority.certificate,
        } | more

    def context(self, certificate: Certificate, version: str = "TLSv1.3") -> ssl.SSLContext:
        """Return a device's context, which wants our certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        only = ssl.TLSVersion[version.replace(".", "_")]
        context.minimum_version = context.maximum_version = only
        context.load_cert_chain(certificate.both)
        context.load_verify_locations(self.authority.certificate)
        context.verify_mode = ssl.CERT_REQUIRED
        return context

    def call(
        self,
        port: int,
        certificate: Certificate,
        *,
        version: str = "TLSv1.3",
        base: Sequence[str] = ("1.0", "1.1"),
        script: Callable[[SocketStream], None] | None = None,
        context: ssl.SSLContext | None = None,
    ) -> tuple[str, int]:
        """Have a device call; returns where from."""
        sock = self.dial(port)
        context = context or self.context(certificate, version)
        serve = script or (lambda stream: serve_netconf(NetconfServer(None, base=base), stream))
        thread = threading.Thread(target=self._answer, args=(sock, context, serve), daemon=True)
        self._threads.append(thread)
        where = sock.getsockname()
        thread.start()
        return where

    def dial(self, port: int, source: str = "127.0.0.1") -> socket.socket:
        """Return a connection to the listener, closed in the end."""
        sock = socket.create_connection(("127.0.0.1", port), PATIENCE, (source, 0))
        self._socks.append(sock)
        return sock

    def close(self) -> None:
        """End all devices."""
        for sock in self._socks:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for sock in self._socks:
            sock.close()

    def _answer(
        self, sock: socket.socket, context: ssl.SSLContext, serve: Callable[[SocketStream], None]
    ) -> None:
        with sock:
            try:
                stream = TLSStream.accept(sock, context)
                self.certificates_seen.put(stream.tls.getpeercert(binary_form=True))
                serve(stream)
            except (OSError, ConnectionError) as error:
                self.failed.put(error)


def half_a_handshake(callers: TLSCallers, sock: socket.socket) -> bytes:
    """Take in a ClientHello; return less than a whole flight of answer."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = callers.context(callers.issue("half")).wrap_bio(incoming, outgoing, server_side=True)
    while not outgoing.pending:
        incoming.write(sock.recv(1 << 16))
        with suppress(ssl.SSLWantReadError):
            server.do_handshake()
    flight = outgoing.read()
    return flight[: len(flight) // 2]


def ended(sock: socket.socket) -> None:
    """Wait until the listener has hung up."""
    with suppress(ConnectionError):
        while sock.recv(1 << 16):
            pass
