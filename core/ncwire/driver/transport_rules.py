"""The rules of what drivers have that are no SSH: options of their own, TLS, Unix sockets."""

from __future__ import annotations

from ncwire.driver.features import Feature
from ncwire.driver.rule import Layer, Rule

OPTIONS = (
    Rule(
        "options.standard",
        "A driver has the options that its transport is tested and exchanged by, of these kinds: "
        'for "tls" certfile, keyfile and ca_certs (FILE), server_hostname (TEXT), check_hostname '
        '(SWITCH, true by default) and fingerprint (TEXTS); for "unix" path (FILE or TEXT) and '
        "peer_uid (INTEGER or TEXT).",
        Layer.OPTIONS,
    ),
    Rule(
        "options.only-declared",
        "connect asks for no option that the driver does not declare; one of another name is an "
        "OptionError of the core's, before anything is sent.",
        Layer.OPTIONS,
    ),
    Rule(
        "options.no-secret",
        "The value of an option that is secret is in no error, no log and no repr.",
        Layer.OPTIONS,
    ),
)

CERTIFICATE = (
    Rule(
        "certificate.presented",
        "The server gets the certificate in certfile, by which it knows the user; its key is in "
        "keyfile, or else in the same file.",
        Layer.TLS,
    ),
    Rule(
        "certificate.missing-file",
        "A file of certfile, keyfile or ca_certs that is not there, or has nothing of its kind in "
        "it, is an OptionError or a TransportError that names it, and nothing is left of the "
        "connect.",
        Layer.TLS,
    ),
    Rule(
        "certificate.client-refused",
        "That the server does not accept the client's certificate is an AuthenticationError, in "
        "TLS 1.2 and in 1.3, where only the first read tells (RFC 8446 section 4.4.2.4): from "
        "connect, or from the first read.",
        Layer.TLS,
    ),
    Rule(
        "certificate.unknown-authority-refused",
        "A server whose certificate no authority of ca_certs has signed is refused with a "
        "CertificateError, also one that has signed itself; nothing is sent to it.",
        Layer.TLS,
    ),
    Rule(
        "certificate.out-of-time-refused",
        "So is one whose certificate has expired, or is not valid yet.",
        Layer.TLS,
    ),
    Rule(
        "certificate.purpose-refused",
        "So is one whose certificate is a client's.",
        Layer.TLS,
    ),
    Rule(
        "certificate.name-refused",
        "So is one whose certificate is for another name than server_hostname, or than the host "
        "where none is given. With check_hostname off the name is not looked at, and the "
        "authority still is.",
        Layer.TLS,
    ),
    Rule(
        "certificate.fingerprint-accepted",
        "A server whose certificate has the SHA-256 in fingerprint is accepted without ca_certs, "
        "whatever name and authority it has; one of several is enough.",
        Layer.TLS,
    ),
    Rule(
        "certificate.fingerprint-refused",
        "One whose certificate has another is refused with a CertificateError, also where "
        "ca_certs has its authority; nothing is sent to it.",
        Layer.TLS,
    ),
)

TLS = (
    Rule(
        "tls.versions",
        "TLS 1.2 and TLS 1.3 are spoken, whichever the server has.",
        Layer.TLS,
    ),
    Rule(
        "tls.close-notify",
        "close sends close_notify after what was written (RFC 8446 section 6.1).",
        Layer.TLS,
    ),
    Rule(
        "tls.finish",
        "After finish the peer reads what had been written, whole, and then close_notify. finish "
        "returns True, or read tells of the end, when the peer's own has come, and not before; "
        "until then the connection stands.",
        Layer.TLS,
        frozenset({Feature.FINISH}),
    ),
    Rule(
        "tls.truncated",
        "A connection that ends without close_notify is a TransportError from read, after all "
        "that came before it: somebody on the way may have cut off the rest.",
        Layer.TLS,
    ),
    Rule(
        "tls.other-protocol",
        "A peer that speaks another protocol is a TransportError at once.",
        Layer.TLS,
    ),
)

UNIX = (
    Rule(
        "unix.no-path",
        "A path at which there is nothing, no socket, or a socket that no process listens on is a "
        "ConnectError that names it, at once.",
        Layer.UNIX,
    ),
    Rule(
        "unix.peer-uid",
        "With peer_uid the server's end must be that user's, by number or name; another's is a "
        "TransportError, and nothing is sent to it.",
        Layer.UNIX,
    ),
)
