"""Errors of TLS, which carries NETCONF in place of SSH (RFC 7589)."""

from __future__ import annotations

from ncwire.errors.printable import one_line
from ncwire.errors.transport import AuthenticationError, TransportError


class TLSError(TransportError):
    """TLS failed; the text names the step."""


class TLSHandshakeError(TLSError):
    """The TLS handshake failed, or the peer speaks no TLS."""


class CertificateError(TLSHandshakeError):
    """The server's certificate is not accepted: `reason` says why.

    `subject` is the certificate's, as RFC 4514 writes it, and `fingerprint` its SHA-256 as pairs
    of hexadecimal digits with colons between; each is "" where it is not known. No NETCONF message
    was sent.
    """

    def __init__(self, reason: str, subject: str = "", fingerprint: str = "") -> None:
        super().__init__(reason, subject, fingerprint)
        self.reason = reason
        self.subject = subject
        self.fingerprint = fingerprint

    def _text(self) -> str:
        text = f"TLS handshake: the server's certificate is not accepted: {self.reason}"
        if self.subject:
            text += f"; its subject is {one_line(self.subject, _LONGEST)}"
        if self.fingerprint:
            text += f"; its SHA-256 is {self.fingerprint}"
        return text


class UnknownCertificateError(CertificateError):
    """A call came from a peer we do not know: no device has the certificate that it presents.

    `reason` says more than that, or is "".
    """

    def _text(self) -> str:
        text = f"no device has the certificate with the SHA-256 {self.fingerprint}"
        if self.subject:
            text += f"; its subject is {one_line(self.subject, _LONGEST)}"
        return f"{text}; {self.reason}" if self.reason else text


class ClientCertificateError(TLSError, AuthenticationError):
    """The server does not accept the client's certificate; the text has the words of its alert.

    Under TLS 1.3 that is known only after the handshake, with the first that the server sends
    (RFC 8446 section 4.4.2.4, appendix E.1.6). `attempts` and `offered` are empty.
    """


_LONGEST = 300  # the certificate is the peer's to fill
