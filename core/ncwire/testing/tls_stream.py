"""`TLSStream`: the server's end of a session over TLS."""

from __future__ import annotations

import contextlib
import ssl
import threading
from functools import partial
from typing import TYPE_CHECKING

from ncwire.testing.certificates import common_name
from ncwire.testing.socket_stream import SocketStream

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from typing import Self

_READ = 1 << 16
_RECORD = 1 << 20
"""How much is encrypted at a time: bounded, and many of TLS's records of 16 KiB."""


class TLSStream(SocketStream):
    """A stream over TLS; its user is the common name of the client's certificate.

    OpenSSL's connection is not for several threads, and reading must go on while sending is
    blocked. So it is between buffers in memory, and `_tls` is held while it works on them, never
    while the socket is waited for; `_sending` keeps what it has made in order on the socket.
    """

    def __init__(
        self,
        sock: socket.socket,
        tls: ssl.SSLObject,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
    ) -> None:
        certificate = tls.getpeercert(binary_form=True)
        super().__init__(sock, common_name(certificate) if certificate else "")
        self.clean: bool | None = None
        """Whether the client has ended the stream by close_notify; None until it has ended."""
        self.version = tls.version() or ""
        """"TLSv1.3", for one."""
        self._object = tls
        self._incoming = incoming
        self._outgoing = outgoing
        self._notified = False
        self._tls = threading.Lock()
        self._sending = threading.Lock()

    @classmethod
    def accept(cls, sock: socket.socket, context: ssl.SSLContext) -> Self:
        """Shake hands with a client. Raises OSError, after the client was sent the alert."""
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing, server_side=True)
        try:
            while True:
                try:
                    tls.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    sock.sendall(outgoing.read())
                    data = sock.recv(_READ)
                    if not data:
                        raise ConnectionError("the client ended before its session") from None
                    incoming.write(data)
        finally:
            with contextlib.suppress(OSError):
                sock.sendall(outgoing.read())
        return cls(sock, tls, incoming, outgoing)

    def recv(self, size: int = _READ) -> bytes:
        """Return up to `size` bytes as soon as there are some; b"" at the stream's end.

        `clean` tells afterwards which end it was. Raises OSError, of which an SSLError is one.
        """
        while True:
            try:
                with self._tls:
                    data = self._object.read(size)
            except ssl.SSLWantReadError:
                self._flush()
                self._receive()
                continue
            except ssl.SSLZeroReturnError:
                data = b""  # so it is once we have closed (CPython 3.11, `_ssl.c`)
            except ssl.SSLEOFError:
                self.clean = False
                return b""
            if not data:
                self.clean = True
            return data

    def send(self, data: bytes | memoryview) -> None:
        """Send all of `data`; raises ConnectionError once the stream has ended."""
        view = memoryview(data)
        try:
            for start in range(0, len(view), _RECORD):
                self._send(partial(self._object.write, view[start : start + _RECORD]))
        except OSError as error:
            raise ConnectionError(f"sending failed: {error}") from error

    def close(self, exit_status: int = 0) -> None:  # noqa: ARG002 - there is no place for it
        """End the stream by close_notify (RFC 8446 section 6.1); see `SocketStream.close`."""
        with contextlib.suppress(OSError):
            self._send(self._notify)
        super().close()

    def vanish(self) -> None:
        """End the connection with no close_notify, as one does that is cut off."""
        super().close()

    def terminate(self) -> None:
        """Have the stream closed, and wait for nothing: it may be stuck behind a full socket."""
        threading.Thread(
            target=super().terminate, name="ncwire-server-terminator", daemon=True
        ).start()

    def _notify(self) -> None:
        if not self._notified:
            self._notified = True
            # It asks for the client's close_notify, too, which is for `recv` to find.
            with contextlib.suppress(ssl.SSLWantReadError):
                self._object.unwrap()

    def _send(self, make: Callable[[], object]) -> None:
        with self._sending:
            with self._tls:
                make()
                made = self._outgoing.read()
            self._sock.sendall(made)
        self._flush()

    def _flush(self) -> None:
        """Send what reading has made, such as the answer to a KeyUpdate.

        Who is sending does it in our place, and looks again once it has sent.
        """
        while self._outgoing.pending and self._sending.acquire(blocking=False):
            try:
                with self._tls:
                    made = self._outgoing.read()
                self._sock.sendall(made)
            finally:
                self._sending.release()

    def _receive(self) -> None:
        data = self._sock.recv(_READ)
        with self._tls:
            if data:
                self._incoming.write(data)
            else:
                self._incoming.write_eof()
