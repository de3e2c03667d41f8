"""The floor of TLS: the standard library's blocking socket in a bare loop.

OpenSSL returns one record at a time, of 16 KiB at most, however much is asked for.
"""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING, Any

from ncwire.bench.floor.bare_unix import BareSocket

if TYPE_CHECKING:
    from collections.abc import Mapping


class BareTLS(BareSocket):
    """TLS with both certificates; the parameters are those of `ncwire.connect`."""

    def __init__(
        self, target: Any, host: str, port: int, driver_options: Mapping[str, str]
    ) -> None:
        super().__init__(target)
        self._address = host, port
        self._files = driver_options

    def connected(self) -> socket.socket:
        """See `BareSocket`."""
        context = ssl.create_default_context(cafile=self._files["ca_certs"])
        context.load_cert_chain(self._files["certfile"])
        sock = socket.create_connection(self._address)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return context.wrap_socket(sock, server_hostname=self._address[0])
