"""`EmbeddedTLSServer`: the small NETCONF server, over TLS (RFC 7589)."""

from __future__ import annotations

import socket
import ssl
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from ncwire.testing.certificates import CertificateAuthority
from ncwire.testing.listening import ListeningServer
from ncwire.testing.process import TLSServerProcess
from ncwire.testing.socket_stream import SocketConnection
from ncwire.testing.tls_stream import TLSStream

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from ncwire.testing.listening import ServedConnection


class EmbeddedTLSServer(ListeningServer):
    """A NETCONF server as `EmbeddedServer`, over TLS: client and server show certificates.

    Who the user is, the client's certificate tells by its common name.

    - `certfile` is a PEM file with the server's certificate and, where there is no `keyfile`, its
      private key; `ca_certs` one with the authorities that may have signed a client's
      certificate; `crl` one with what these have revoked. Without `certfile` the server makes an
      `authority` of its own, and has it vouch for itself and for a client named `username`:
      `driver_options` are then all that a client of it needs.
    - `minimum_version` and `maximum_version` of TLS are "TLSv1.2" and "TLSv1.3".
    - `script` is called for each session instead of the NETCONF server, with its stream: see
      `EmbeddedServer`; `vanish` ends it without close_notify, `clean` tells how the client did.

    The other parameters are those of `EmbeddedServer`. Raises ValueError and OSError, of which
    `ssl.SSLError` is one; nothing is left open then.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        username: str = "admin",
        certfile: str | os.PathLike[str] | None = None,
        keyfile: str | os.PathLike[str] | None = None,
        ca_certs: str | os.PathLike[str] | None = None,
        crl: str | os.PathLike[str] | None = None,
        minimum_version: str = "TLSv1.2",
        maximum_version: str = "TLSv1.3",
        base: Sequence[str] = ("1.0", "1.1"),
        datastore: str | bytes | None = None,
        capabilities: Iterable[str] = (),
        handshake_timeout: float = 30.0,
        script: Callable[[TLSStream], None] | None = None,
    ) -> None:
        super().__init__(
            base=base,
            capabilities=capabilities,
            datastore=datastore,
            handshake_timeout=handshake_timeout,
        )
        if (certfile is None) != (ca_certs is None):
            raise ValueError("certfile and ca_certs are given together, or neither")
        self.host = host
        self.authority: CertificateAuthority | None = None
        """What vouches for the server, where it has made its own certificates."""
        self.driver_options: Mapping[str, str] = {}
        """What a client needs to be let in, as options of the driver `tls`; empty where the
        certificates were given."""
        self._script = script
        with ExitStack() as stack:
            if certfile is None or ca_certs is None:
                folder = stack.enter_context(TemporaryDirectory(prefix="ncwire-tls-"))
                certfile, ca_certs = self._make_certificates(Path(folder), username)
            self._context = _context(certfile, keyfile, ca_certs, crl)
            self._context.minimum_version = _version(minimum_version)
            self._context.maximum_version = _version(maximum_version)
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            listener = socket.create_server((host, port), family=family, backlog=128)
            self.port: int = listener.getsockname()[1]
            self._listen(listener)
            self._files = stack.pop_all()

    spawn = TLSServerProcess
    """Start the same server in a process of its own; see `TLSServerProcess`."""

    def close(self, timeout: float = 5.0) -> None:
        """Cut all connections and wait up to `timeout` seconds for their threads. Idempotent.

        The files in `driver_options` are gone then, too.
        """
        super().close(timeout)
        self._files.close()

    def _connected(self, sock: socket.socket) -> ServedConnection:
        return SocketConnection(
            sock,
            lambda connected: TLSStream.accept(connected, self._context),
            lambda stream: self._hold(stream, self._script),
            self._wakeup.ring,
        )

    def _make_certificates(self, folder: Path, username: str) -> tuple[Path, Path]:
        self.authority = CertificateAuthority()
        authority = self.authority.write(folder / "authority.pem")
        client = self.authority.client(username).write(folder / "client.pem")
        self.driver_options = {"certfile": str(client), "ca_certs": str(authority)}
        names = {self.host, "localhost", "127.0.0.1", "::1"}
        server = self.authority.server(*sorted(names)).write(folder / "server.pem")
        return server, authority


def _context(
    certfile: str | os.PathLike[str],
    keyfile: str | os.PathLike[str] | None,
    ca_certs: str | os.PathLike[str],
    crl: str | os.PathLike[str] | None,
) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certfile, keyfile)
    context.load_verify_locations(ca_certs)
    # RFC 7589 section 5: the server must know who the client is.
    context.verify_mode = ssl.CERT_REQUIRED
    if crl is not None:
        context.load_verify_locations(crl)
        context.verify_flags |= ssl.VerifyFlags.VERIFY_CRL_CHECK_LEAF
    return context


def _version(name: str) -> ssl.TLSVersion:
    try:
        return {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}[name]
    except KeyError:
        raise ValueError(f"{name!r} is no version of TLS; there are TLSv1.2 and TLSv1.3") from None
