"""From what `ssl` raises to errors of ncwire's."""

from __future__ import annotations

import re
import ssl
from typing import TYPE_CHECKING, Final

from ncwire.driver import one_line, other_protocol
from ncwire.errors import (
    CertificateError,
    ClientCertificateError,
    TLSError,
    TLSHandshakeError,
)
from ncwire_tls.certificate import sha256, subject

if TYPE_CHECKING:
    from ncwire.errors import NcwireError

_ALERT: Final = re.compile(r"(?:SSLV3|TLSV1|TLSV13)_(?:ALERT_)?(\w+)")
"""OpenSSL's reasons for what the peer has sent as an alert (sslerr.h, 1000 and above)."""

_ABOUT_THE_CERTIFICATE: Final = frozenset(
    {
        "bad certificate",
        "unsupported certificate",
        "certificate revoked",
        "certificate expired",
        "certificate unknown",
        "certificate required",
        "unknown ca",
        "access denied",
        "decrypt error",
    }
)
"""Alerts that are about what we have presented (RFC 8446 section 6.2, RFC 5246 section 7.2.2)."""

_FAILURE: Final = "handshake failure"
_UNKNOWN: Final = "its authority is none that is trusted: have it in ca_certs"
_ADVICE: Final = {
    2: "ca_certs ends at one in between: have those above it there, too",
    18: "it is signed by itself: have it in ca_certs, or pin it by its fingerprint",
    19: _UNKNOWN,
    20: _UNKNOWN,
    21: _UNKNOWN,
    3: "the file crl has no list of its authority's",
    62: "give the name that it has as server_hostname",
    64: "give the name that it has as server_hostname",
}
"""What may help, by OpenSSL's number (x509_vfy.h, X509_V_ERR_)."""

_LONGEST: Final = 200
_RECORDS: Final = range(0x14, 0x18)
"""The first byte of every TLS record (RFC 8446 section 5.1)."""


def of_handshake(error: Exception, said: bytes, certificate: bytes) -> NcwireError:
    """Return the error for a handshake that failed; `said` is what the peer has sent first."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return CertificateError(_unverified(error), subject(certificate), sha256(certificate))
    # Under TLS 1.2 no side presents a certificate before version and cipher are agreed.
    refused = refusal(error, is_agreed=bool(certificate))
    if refused is not None:
        return refused
    return TLSHandshakeError(f"TLS handshake: {_failure(error, said)}")


def refusal(error: Exception, *, is_agreed: bool = False) -> ClientCertificateError | None:
    """Return the error for an alert about our certificate; None for whatever is none.

    `is_agreed`: all is agreed, and our certificate the one thing left to fail.
    """
    alert = _alert(error)
    # So OpenSSL tells that an application's own check has failed, cert-to-name for one (RFC 7407).
    if alert not in _ABOUT_THE_CERTIFICATE and not (is_agreed and alert == _FAILURE):
        return None
    return ClientCertificateError(
        f'TLS: the server does not accept the client\'s certificate: its alert is "{alert}"'
    )


def of_connection(error: Exception) -> TLSError:
    """Return the error for a connection that failed after its handshake."""
    return TLSError(f"TLS: {_told(error)}")


def without_close_notify(*, said_nothing: bool) -> TLSError:
    """Return the error for an end that may be anybody's on the way (RFC 8446 section 6.1)."""
    text = "TLS: the peer ended the connection without close_notify"
    if said_nothing:
        text += ", and before it said anything, as a server may that refuses our certificate"
    return TLSError(text)


def _failure(error: Exception, said: bytes) -> str:
    alert = _alert(error)
    if alert == _FAILURE:
        return (
            'the server refuses it, its alert is "handshake failure": there may be no version or '
            "cipher in common, or it wants a certificate of another kind"
        )
    if said and said[0] not in _RECORDS:
        return f"the peer speaks no TLS: {_spoken(said)}"
    if isinstance(error, ssl.SSLEOFError):
        return "the peer closed the connection in the middle of it" if said else _WITHOUT_A_WORD
    return _told(error)


_WITHOUT_A_WORD: Final = (
    "the peer closed without a word; it refuses the connection, or speaks no TLS on this port"
)


def _spoken(said: bytes) -> str:
    if said.startswith(b"SSH-"):
        return "it speaks SSH, for which there are other drivers"
    if name := other_protocol(said):
        return f"it speaks {name.removesuffix(' without SSH')}"
    return f'it said "{one_line(said.decode("utf-8", "replace").strip(), _LONGEST)}"'


def _alert(error: Exception) -> str:
    match = _ALERT.fullmatch(getattr(error, "reason", None) or "")
    return match[1].replace("_", " ").lower() if match else ""


def _told(error: Exception) -> str:
    if alert := _alert(error):
        return f'the server\'s alert is "{alert}"'
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.replace("_", " ").lower()
    return getattr(error, "strerror", None) or str(error)


def _unverified(error: ssl.SSLCertVerificationError) -> str:
    advice = _ADVICE.get(error.verify_code, "")
    text = error.verify_message.rstrip(".")
    return f"{text}; {advice}" if advice else text
