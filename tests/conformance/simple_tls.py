"""The shortest complete TLS driver, over the standard library: what the broken ones break."""

from __future__ import annotations

import contextlib
import hashlib
import select
import socket
import ssl
from pathlib import Path

from ncwire.driver import (
    Channel,
    ChannelInfo,
    Driver,
    DriverOption,
    Feature,
    OptionKind,
    Readiness,
    Wait,
)
from ncwire.errors import (
    AuthenticationError,
    CertificateError,
    OptionError,
    TLSHandshakeError,
    TransportError,
)


def option(name, kind, default=None, *, secret=False):
    return DriverOption(name=name, kind=kind, meaning=name, default=default, secret=secret)


OPTIONS = (
    option("certfile", OptionKind.FILE),
    option("keyfile", OptionKind.FILE),
    option("passphrase", OptionKind.TEXT, secret=True),
    option("ca_certs", OptionKind.FILE),
    option("server_hostname", OptionKind.TEXT),
    option("check_hostname", OptionKind.SWITCH, default=True),
    option("fingerprint", OptionKind.TEXTS),
)


RECORD = 1 << 14
"""Of more, `ssl` does not tell what was sent until all of it is: it sets no
SSL_MODE_ENABLE_PARTIAL_WRITE (CPython 3.13, `_ssl.c`)."""


class TLSChannel(Channel):
    """A channel over an SSLSocket that does not block, which it owns."""

    def __init__(self, tls):
        self.info = ChannelInfo("ssl", ssl.OPENSSL_VERSION, cipher=tls.cipher()[0])
        self.native = tls
        self.tls = tls
        self.blocked = False
        self.said_end = False

    def fileno(self):
        return self.tls.fileno()

    def wants(self):
        return Wait(Readiness.READ | Readiness.WRITE if self.blocked else Readiness.READ)

    def read(self, size):
        self.check_open()
        try:
            return self.tls.recv(size)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return None
        except ssl.SSLZeroReturnError:  # the peer's close_notify, after ours
            return b""
        except OSError as error:
            return self.ended(error)

    def ended(self, error):
        """Raise, or return, what comes of an error of reading."""
        if is_refusal(error):
            raise AuthenticationError(f"TLS: {error.reason}") from error
        raise TransportError(f"TLS: {error}") from error

    def write(self, data):
        self.check_open()
        self.blocked = False
        try:
            return self.tls.send(data[:RECORD])
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            self.blocked = True
            return 0
        except OSError as error:
            raise TransportError(f"TLS: {error}") from error

    def finish(self):
        self.blocked = False
        if not self.said_end:
            self.said_end = True
            try:
                self.tls.unwrap()
            except ssl.SSLWantReadError:
                pass  # it has gone out; `read` tells of the peer's
            except ssl.SSLWantWriteError:
                self.said_end, self.blocked = False, True
            except OSError:
                pass  # so does it tell of what is broken
        return False

    def close(self):
        if self.fileno() >= 0:
            self.finish()
        self.abort()

    def abort(self):
        self.tls.close()

    def check_open(self):
        if self.fileno() < 0:
            raise TransportError("TLS: closed") from OSError("closed")


class SimpleTLS(Driver):
    """NETCONF over TLS, for what the kit asks."""

    name = "simple-tls"
    contract = (1, 0)
    transport = "tls"
    default_port = 6513
    features = frozenset({Feature.SOCKET, Feature.BIND_ADDRESS, Feature.FINISH})
    driver_options = OPTIONS
    channel = TLSChannel

    def __init__(self):
        self.sock = None
        self.aborted = False

    @classmethod
    def library(cls):
        return ssl.OPENSSL_VERSION

    def connect(self, options, deadline):
        context = self.context(options.driver_options)
        self.sock = options.sock or self.dialled(options, deadline)
        try:
            return self.channel(self.shaken(context, options, deadline))
        except (ssl.SSLError, OSError, TransportError) as error:
            self.sock.close()
            if self.aborted:
                raise TransportError("aborted") from error
            if isinstance(error, TransportError):
                raise
            raise self.mapped(error) from error

    def abort(self):
        self.aborted = True
        if self.sock is not None:
            with contextlib.suppress(OSError):
                # Not SSLSocket's own, which takes the connection from under who is in it.
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)

    def dialled(self, options, deadline):
        sock = socket.socket()
        try:
            sock.settimeout(deadline.remaining())
            if options.bind_addr is not None:
                sock.bind((options.bind_addr, 0))
            sock.connect((options.host, options.port))
        except TimeoutError as error:
            sock.close()
            raise deadline.error() from error
        except OSError as error:
            sock.close()
            raise TransportError(f"TLS: connect: {error}") from error
        return sock

    def context(self, own):
        fingerprint, ca_certs = self.pinned(own), own["ca_certs"]
        context = ssl.create_default_context()
        context.check_hostname = own["check_hostname"] and not (fingerprint and not ca_certs)
        if ca_certs:
            self.load(context.load_verify_locations, ca_certs)
        elif fingerprint:
            context.verify_mode = ssl.CERT_NONE
        if own["certfile"]:
            self.load(self.loading(context, own), own["certfile"], self.keyfile(own))
        return context

    def loading(self, context, own):
        return lambda *files: context.load_cert_chain(*files, password=own["passphrase"])

    def pinned(self, own):
        return own["fingerprint"]

    def keyfile(self, own):
        return own["keyfile"]

    def load(self, loading, *files):
        try:
            loading(*files)
        except OSError as error:
            raise self.unusable([each for each in files if each], error) from error

    def unusable(self, files, error):
        names = " and ".join(
            files if all(map(is_there, files)) else [each for each in files if not is_there(each)]
        )
        return OptionError("driver_options", f"{names}: {error}")

    def shaken(self, context, options, deadline):
        own = options.driver_options
        self.sock.setblocking(False)
        tls = context.wrap_socket(
            self.sock,
            do_handshake_on_connect=False,
            suppress_ragged_eofs=False,
            server_hostname=own["server_hostname"] or options.host or "127.0.0.1",
        )
        self.sock = tls
        if self.aborted:  # when neither had the fd
            raise TransportError("aborted") from OSError("aborted")
        while not self.handshake(tls):
            events = (select.POLLIN | select.POLLOUT) if self.writing else select.POLLIN
            poll = select.poll()
            poll.register(tls, events)
            poll.poll(1000 * deadline.remaining())
            deadline.remaining()
        self.look_at(tls.getpeercert(binary_form=True), own)
        return tls

    def handshake(self, tls):
        self.writing = False
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLWantWriteError:
            self.writing = True
            return False
        return True

    def look_at(self, certificate, own):
        pinned = self.pinned(own)
        if pinned and not self.is_pinned(hashlib.sha256(certificate).hexdigest(), pinned):
            raise CertificateError("it is not the one that is pinned")

    def is_pinned(self, found, pinned):
        return found in [each.replace(":", "").lower() for each in pinned]

    def mapped(self, error):
        if isinstance(error, ssl.SSLCertVerificationError):
            return CertificateError(error.verify_message)
        if is_refusal(error):
            return AuthenticationError(f"TLS: {error.reason}")
        return TLSHandshakeError(f"TLS: {error}")


def is_refusal(error):
    reason = getattr(error, "reason", None) or ""
    return "ALERT" in reason and ("CERTIFICATE" in reason or "UNKNOWN_CA" in reason)


def is_there(path):
    return Path(path).exists()
