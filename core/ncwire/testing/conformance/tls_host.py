"""`TLSHost`: a server that speaks TLS, and the certificates of both sides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ncwire.testing.certificates import CertificateAuthority
from ncwire.testing.conformance.host import USERNAME, Ends, Host
from ncwire.testing.fault_proxy import FaultProxy
from ncwire.testing.tls_server import EmbeddedTLSServer

if TYPE_CHECKING:
    from pathlib import Path

    from ncwire.testing.certificates import Certificate


class Identities:
    """Files in a folder: an authority, a client and a server of its, and what a test adds."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0
        self.authority = CertificateAuthority()
        self.ca_certs = str(self.authority.write(folder / "authority.pem"))
        self.server = self.authority.server()
        self.client = self.authority.client(USERNAME)
        self.client_file = self.file_of(self.client)

    def file_of(self, certificate: Certificate) -> str:
        """Return the path of a new file with a certificate and its key."""
        self._count += 1
        return str(certificate.write(self._folder / f"certificate-{self._count}.pem"))


class TLSHost(Host):
    """One that speaks TLS, and lets in whom the authority vouches for."""

    @classmethod
    def start(
        cls,
        patience: float,
        identities: Identities,
        certificate: Certificate | None = None,
        **settings: Any,
    ) -> TLSHost:
        """Return one with that certificate, or a good one; for the settings see the server."""
        ends = Ends(patience)
        server = EmbeddedTLSServer(
            certfile=identities.file_of(certificate or identities.server),
            ca_certs=identities.ca_certs,
            script=ends.hand_over,
            **settings,
        )
        return cls(server, FaultProxy((server.host, server.port)), ends, patience)
