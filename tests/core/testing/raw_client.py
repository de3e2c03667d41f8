"""A NETCONF client over a socket, by hand: nothing of ncwire's is in it."""

from __future__ import annotations

import contextlib
import socket
import ssl

from defusedxml.ElementTree import fromstring

BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"
END = b"]]>]]>"
HELLO = (
    f'<hello xmlns="{BASE}"><capabilities><capability>urn:ietf:params:netconf:base:1.0'
    "</capability></capabilities></hello>"
).encode()


class RawClient:
    """Base 1.0 over a connected socket, which it owns."""

    def __init__(self, sock):
        self.sock = sock
        self.rest = b""

    def hello(self):
        """Exchange hellos; return the server's."""
        self.send(HELLO)
        return self.receive()

    def send(self, message):
        self.sock.sendall(message + END)

    def rpc(self, operation):
        self.send(f'<rpc xmlns="{BASE}" message-id="1">{operation}</rpc>'.encode())
        return self.receive()

    def receive(self):
        while END not in self.rest:
            data = self.sock.recv(1 << 16)
            assert data, "the server ended the session"
            self.rest += data
        message, _, self.rest = self.rest.partition(END)
        return fromstring(message)

    def ended(self):
        """Wait for the end of the stream; tell that nothing came before it."""
        return self.sock.recv(1) == b""

    def close(self):
        self.sock.close()


@contextlib.contextmanager
def over_tls(server, options=None, **versions):
    """Connect to a TLS server with the certificates in the options, by default its own."""
    options = server.driver_options if options is None else options
    context = ssl.create_default_context(cafile=options["ca_certs"])
    if "certfile" in options:
        context.load_cert_chain(options["certfile"])
    for name, version in versions.items():
        setattr(context, name, version)
    with (
        socket.create_connection((server.host, server.port), timeout=20) as sock,
        context.wrap_socket(sock, server_hostname="localhost", suppress_ragged_eofs=False) as tls,
    ):
        yield RawClient(tls)


@contextlib.contextmanager
def over_unix(path):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(20)
        sock.connect(path)
        yield RawClient(sock)
