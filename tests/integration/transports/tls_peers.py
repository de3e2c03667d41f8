"""Certificates and servers for tests over TLS, and how to connect to them."""

from __future__ import annotations

import ssl
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from servers.certificates import Authority, Certificate
from servers.stream_server import StreamServer, tls_server

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ncwire.testing.socket_stream import SocketStream

VERSIONS = ("TLSv1.2", "TLSv1.3")
PATIENCE = 20.0

HELLO = (
    b'<hello xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><capabilities>'
    b"<capability>urn:ietf:params:netconf:base:1.0</capability></capabilities>"
    b"<session-id>7</session-id></hello>]]>]]>"
)


@dataclass
class Certificates:
    """An authority, and what it has signed: the server's certificate, and a client's."""

    folder: Path
    authority: Authority
    server: Certificate
    client: Certificate

    @classmethod
    def make(cls, folder: Path, name: str = "authority") -> Certificates:
        authority = Authority(folder, name)
        return cls(folder, authority, authority.issue("server"), authority.issue("admin"))

    def credentials(self, **more: Any) -> dict[str, Any]:
        """Return what a client connects with."""
        return {
            "certfile": self.client.certificate,
            "keyfile": self.client.key,
            "ca_certs": self.authority.certificate,
        } | more

    def context(
        self, version: str = "TLSv1.3", certificate: Certificate | None = None
    ) -> ssl.SSLContext:
        """Return a server's, of one version, which wants a client's certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        only = ssl.TLSVersion[version.replace(".", "_")]
        context.minimum_version = context.maximum_version = only
        context.load_cert_chain((certificate or self.server).both)
        context.load_verify_locations(self.authority.certificate)
        context.verify_mode = ssl.CERT_REQUIRED
        return context

    def serve(
        self,
        version: str = "TLSv1.3",
        *,
        certificate: Certificate | None = None,
        script: Callable[[SocketStream], None] | None = None,
        host: str = "127.0.0.1",
    ) -> StreamServer:
        return tls_server(self.context(version, certificate), script, host)


class UntilAsked:
    """A script that says its hello, waits for an rpc, and ends as `end` does."""

    def __init__(self, end: Callable[[SocketStream], None]) -> None:
        self._end = end

    def __call__(self, stream: SocketStream) -> None:
        stream.send(HELLO)
        received = b""
        while b"<get" not in received:
            received += stream.recv()
        self._end(stream)


class Silent:
    """A script that says `first`, and then nothing until it is over."""

    def __init__(self, first: bytes = b"") -> None:
        self.over = threading.Event()
        self._first = first

    def __call__(self, stream: SocketStream) -> None:
        if self._first:
            stream.send(self._first)
        self.over.wait(PATIENCE)
