"""What usually breaks the rules of options, TLS and Unix sockets; a part of `causes`."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

TRANSPORT_CAUSES: Mapping[str, str] = MappingProxyType(
    {
        "options.standard": (
            "The library's own name for an option in place of the usual one; check_hostname off "
            "by default; one fingerprint where there may be several."
        ),
        "options.only-declared": (
            "An option that was taken out of driver_options and is still asked for with get(), "
            "which finds nothing for ever."
        ),
        "options.no-secret": (
            "A dataclass of settings whose repr has all fields; a debug line with all options; an "
            "error that quotes a command."
        ),
        "certificate.presented": (
            "keyfile not handed on, or taken for needed though certfile has the key, too."
        ),
        "certificate.missing-file": (
            "ssl.SSLError and FileNotFoundError name no file (Python 3.13): it is you who knows "
            "which it was."
        ),
        "certificate.client-refused": (
            "The alert of TLS 1.3 comes with the first read, and is passed on as any other error "
            "of the connection; OpenSSL's reasons for alerts end in their name."
        ),
        "certificate.unknown-authority-refused": (
            "ssl.SSLContext() without verify_mode = CERT_REQUIRED; self-signed certificates taken "
            "for those of an authority."
        ),
        "certificate.out-of-time-refused": "Verification by hand that looks at signatures only.",
        "certificate.purpose-refused": (
            "A context for the wrong side; verification by hand without extended key usage."
        ),
        "certificate.name-refused": (
            "check_hostname set without a server_hostname; the common name taken for a server's "
            "name; check_hostname off that sets verify_mode to CERT_NONE."
        ),
        "certificate.fingerprint-accepted": (
            "Colons or capitals that are compared as they are; the authority's check left on "
            "where only the fingerprint decides; only the first of several looked at."
        ),
        "certificate.fingerprint-refused": (
            "Compared only where the authority is unknown; compared after the first bytes were "
            "sent."
        ),
        "tls.versions": "ssl.PROTOCOL_TLSv1_2, which is that version alone.",
        "tls.close-notify": (
            "close that closes the socket only; unwrap() on a socket that does not block, whose "
            "SSLWantReadError comes once close_notify has been sent."
        ),
        "tls.finish": (
            "Only our own close_notify waited for; the socket closed, or shut both ways, behind "
            "it: what comes from the peer then is answered with a reset, which takes the last "
            "bytes from it. The peer's close_notify after ours is an SSLZeroReturnError of ssl's."
        ),
        "tls.truncated": (
            "suppress_ragged_eofs, which is on by default in SSLContext.wrap_socket and makes an "
            "end of it."
        ),
        "tls.other-protocol": "A record's length that is believed, and waited for.",
        "unix.no-path": "OSError that is not mapped, or an error without the path.",
        "unix.peer-uid": (
            "SO_PEERCRED compared with our own user in place of the one that was named; a name "
            "that is not looked up."
        ),
    }
)
