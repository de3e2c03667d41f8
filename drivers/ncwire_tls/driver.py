"""`TLSDriver`: a connected socket, TLS over it, and whom the certificate shows it to be."""

from __future__ import annotations

import select
import ssl
import sys
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, ClassVar

from ncwire.driver import (
    WAY_OPTIONS,
    ChannelInfo,
    DriverOption,
    Feature,
    Library,
    OptionKind,
    SocketDriver,
)
from ncwire.errors import CertificateError, TLSError, TLSHandshakeError
from ncwire_tls import errors
from ncwire_tls.certificate import Presented, names, sha256, subject
from ncwire_tls.channel import TLSChannel
from ncwire_tls.context import VERSIONS, Terms, terms
from ncwire_tls.stream import Stream

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

    from ncwire.driver import Channel, ConnectOptions, Deadline


class TLSDriver(SocketDriver):
    """Carries a session over TLS 1.2 or 1.3, by Python's own `ssl` (RFC 7589)."""

    name = "tls"
    contract = (1, 0)
    transport = "tls"
    default_port = 6513
    features = SocketDriver.CORE_FEATURES | {Feature.FINISH}
    driver_options: ClassVar[tuple[DriverOption, ...]] = (
        DriverOption(
            name="certfile",
            kind=OptionKind.FILE,
            meaning="The client's certificate in PEM, and those between it and its authority.",
        ),
        DriverOption(
            name="keyfile",
            kind=OptionKind.FILE,
            meaning="The certificate's key in PEM, where it is not in certfile.",
        ),
        DriverOption(
            name="passphrase", kind=OptionKind.TEXT, meaning="What opens the key.", secret=True
        ),
        DriverOption(
            name="ca_certs",
            kind=OptionKind.FILE,
            meaning="The authorities that may have signed the server's certificate, in PEM, or a "
            "folder of them; without it those that the system trusts.",
            trust=True,
        ),
        DriverOption(
            name="server_hostname",
            kind=OptionKind.TEXT,
            meaning="Whom the server's certificate must be for, in place of the host.",
            trust=True,
        ),
        DriverOption(
            name="check_hostname",
            kind=OptionKind.SWITCH,
            meaning="Whether the certificate must be for the host; off only together with "
            "ca_certs or fingerprint.",
            default=True,
            trust=True,
        ),
        DriverOption(
            name="fingerprint",
            kind=OptionKind.TEXTS,
            meaning="The SHA-256 of the server's certificate, or several, of which it must have "
            "one. Without ca_certs that alone decides.",
            trust=True,
        ),
        DriverOption(
            name="crl",
            kind=OptionKind.FILE,
            meaning="The list, in PEM, of what the authority of the server's has revoked.",
        ),
        DriverOption(
            name="minimum_version",
            kind=OptionKind.TEXT,
            meaning="The oldest version of TLS that is spoken.",
            default="TLSv1.2",
            choices=VERSIONS,
        ),
        DriverOption(
            name="ciphers",
            kind=OptionKind.TEXT,
            meaning="The ciphers for TLS 1.2, as OpenSSL lists them.",
        ),
        *WAY_OPTIONS,
        DriverOption(
            name="ssl_context",
            kind=OptionKind.OBJECT,
            meaning="An ssl.SSLContext, in place of the options for certificates, which must "
            "verify the server's.",
        ),
    )

    def __init__(self) -> None:
        self._aborted = False
        self._terms: Terms | None = None
        self._stream: Stream | None = None
        self._channel: TLSChannel | None = None

    @classmethod
    def library(cls) -> str:
        """Return OpenSSL's name and version, as Python was linked with it."""
        return " ".join(ssl.OPENSSL_VERSION.split()[:2])

    @classmethod
    def libraries(cls) -> Sequence[Library]:
        """Return that library."""
        name, _, version = cls.library().partition(" ")
        return (Library(name.lower(), version),)

    def prepare(self, options: ConnectOptions) -> None:
        """Read the certificates; see `SocketDriver.prepare`."""
        self._terms = terms(options)

    def open(self, sock: socket.socket, options: ConnectOptions, deadline: Deadline) -> Channel:
        """Shake hands and verify the server's certificate; see `SocketDriver.open`.

        Raises `TLSHandshakeError`, `CertificateError` and `ClientCertificateError`.
        """
        agreed = self._terms or terms(options)
        presented = Presented()
        looking = presented.watching(agreed.context) if agreed.own_context else nullcontext()
        with looking:
            stream = self._stream = Stream(sock, agreed.context, agreed.server_hostname)
            try:
                self._shake_hands(stream, presented, deadline)
                info = _verified(stream.tls, agreed)
                self._send_all(stream, deadline)
                channel = self._channel = TLSChannel(stream, info)
                # Its mark comes before `abort` looks for the channel: one of both sees it.
                self._check_not_aborted()
            except BaseException:
                stream.push()  # the alert that tells the server why
                stream.close()
                raise
        return channel

    def abort(self) -> None:
        """Free everything at once; see `Backend.abort`."""
        self._aborted = True
        channel, stream = self._channel, self._stream
        if channel is not None:
            channel.abort()
        elif stream is not None:
            # The thread that is in `open` wakes, and closes it.
            stream.shut_down()

    def _shake_hands(self, stream: Stream, presented: Presented, deadline: Deadline) -> None:
        handled = sys.exception()
        while True:
            self._check_not_aborted()
            try:
                stream.tls.do_handshake()
            except ssl.SSLWantReadError as error:
                if error.__context__ not in {None, handled}:
                    raise error.__context__ from None  # see `Presented.watching`
                stream.push()
                if not stream.pull():
                    _wait(stream, deadline, to_read=True)
            except ssl.SSLError as error:
                self._check_not_aborted()
                cause = stream.failure or error
                found = errors.of_handshake(cause, stream.said, presented.der)
                raise found from cause
            else:
                return

    def _send_all(self, stream: Stream, deadline: Deadline) -> None:
        while not stream.push():
            self._check_not_aborted()
            _wait(stream, deadline, to_read=False)

    def _check_not_aborted(self) -> None:
        if self._aborted:
            raise TLSError("TLS handshake: aborted")


def _wait(stream: Stream, deadline: Deadline, *, to_read: bool) -> None:
    poll = select.poll()
    writes = select.POLLOUT if stream.has_unsent else 0
    poll.register(stream.fileno(), (select.POLLIN if to_read else 0) | writes)
    if not poll.poll(1000 * deadline.slice()) and time.monotonic() >= deadline.at:
        raise deadline.error()


def _verified(tls: ssl.SSLObject, agreed: Terms) -> ChannelInfo:
    """Return what it has come to. Raises `CertificateError` for a certificate of another's."""
    version = tls.version() or ""
    if version not in VERSIONS:
        raise TLSHandshakeError(f"TLS handshake: {version} is not secure (RFC 8996)")
    der = tls.getpeercert(binary_form=True) or b""
    if not der:
        raise CertificateError("it has presented none")
    if agreed.pins and sha256(der) not in agreed.pins:
        raise CertificateError("it is not the one that is pinned", subject(der), sha256(der))
    cipher = tls.cipher()
    library, _, library_version = TLSDriver.library().partition(" ")
    return ChannelInfo(
        library=library,
        library_version=library_version,
        cipher=cipher[0] if cipher else "",
        tls_version=version,
        certificate_subject=subject(der),
        certificate_sha256=sha256(der),
        certificate_names=names(tls),
    )
