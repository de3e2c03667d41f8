"""Print what each bad certificate comes to: `python tests/certificate_errors.py`.

Each is presented by a server of its own, or to one; the last line has how many were refused.
"""

# ruff: noqa: T201 - it prints

from __future__ import annotations

import ssl
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import ncwire
from ncwire.errors import TransportError
from servers.certificates import Authority
from servers.stream_server import tls_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers.certificates import Certificate

VERSIONS = ("TLSv1.2", "TLSv1.3")


def main() -> int:
    """Return 0 if all were refused but the good one."""
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        for version in VERSIONS:
            for title, server, options in _cases(Path(folder), version):
                told = _seen(server, options)
                print(f"{version}  {title}\n    {told}")
                wrong += (told == "accepted") != (title == "a good one")
    print(f"{wrong} not as they must be")
    return 1 if wrong else 0


def _cases(folder: Path, version: str) -> Iterator[tuple[str, ssl.SSLContext, dict[str, object]]]:
    """Yield a title, the server's context, and the client's options."""
    (folder / version).mkdir()
    authority = Authority(folder / version)
    other = Authority(folder / version, "other")
    good, client = authority.issue("server"), authority.issue("admin")
    trusting: dict[str, object] = {
        "certfile": str(client.both),
        "ca_certs": str(authority.certificate),
    }

    def serving(certificate: Certificate) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = context.maximum_version = ssl.TLSVersion[
            version.replace(".", "_")
        ]
        context.load_cert_chain(certificate.both)
        context.load_verify_locations(authority.certificate)
        context.verify_mode = ssl.CERT_REQUIRED
        return context

    revoked = authority.issue("revoked")
    crl = {"crl": str(authority.revoke(revoked))}
    itself = authority.issue("itself", signed_by_itself=True)
    yield "a good one", serving(good), trusting
    yield "expired", serving(authority.issue("expired", valid=(-3, -1))), trusting
    yield "not yet valid", serving(authority.issue("early", valid=(1, 3))), trusting
    yield "of another host", serving(authority.issue("r2", hosts=("r2.example",))), trusting
    yield "of no host", serving(authority.issue("nameless", hosts=())), trusting
    yield "signed by itself", serving(itself), trusting
    yield "of an unknown authority", serving(other.issue("stranger")), trusting
    yield "revoked", serving(revoked), trusting | crl
    yield "another than the pinned", serving(good), trusting | {"fingerprint": itself.sha256}
    of_other = {"certfile": str(other.issue("other-admin").both)}
    yield "the client's, of an unknown authority", serving(good), trusting | of_other
    old = {"certfile": str(authority.issue("old-admin", valid=(-3, -1)).both)}
    yield "the client's, expired", serving(good), trusting | old
    yield "the client has none", serving(good), {"ca_certs": trusting["ca_certs"]}


def _seen(context: ssl.SSLContext, options: dict[str, object]) -> str:
    with tls_server(context) as server:
        try:
            ncwire.connect(
                "127.0.0.1", port=server.port, driver="tls", driver_options=options
            ).close()
        except (TransportError, ncwire.errors.OptionError) as error:
            return f"{type(error).__name__}: {error}"
    return "accepted"


if __name__ == "__main__":
    sys.exit(main())
