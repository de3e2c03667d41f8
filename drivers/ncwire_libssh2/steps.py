"""The steps of one connection, in the order in which the contract has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ssh2
from ssh2.utils import version

from ncwire.errors import TransportError
from ncwire_libssh2.authentication import Authentication
from ncwire_libssh2.channel import Libssh2Channel
from ncwire_libssh2.channel_open import open_channel, open_tunnel
from ncwire_libssh2.connection import Connection
from ncwire_libssh2.greeting import Greeting
from ncwire_libssh2.handshake import describe, exchange, finish

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

    from ncwire.driver import (
        Algorithms,
        Attempt,
        AuthOutcome,
        Channel,
        ChannelInfo,
        ChannelRequest,
        Deadline,
        HostKey,
    )


def library_version() -> str:
    """Return "1.2.0 (libssh2 1.11.1)": ssh2-python's version and that of its libssh2."""
    return f"{ssh2.__version__} (libssh2 {version().decode()})"


class Steps:
    """A connection that is being set up, on a socket that belongs to it."""

    def __init__(self, sock: socket.socket) -> None:
        self._connection = Connection(sock)
        self._authentication = Authentication(self._connection)
        self._server = ""
        self._info: ChannelInfo | None = None

    def handshake(self, algorithms: Algorithms, deadline: Deadline) -> HostKey:
        """See `SSHDriver.handshake`."""
        greeting = Greeting(self._connection, algorithms, deadline)
        key = exchange(self._connection, greeting, algorithms)
        self._server = greeting.version
        return key

    def authenticate(self, attempt: Attempt, deadline: Deadline) -> AuthOutcome:
        """See `SSHDriver.authenticate`."""
        if self._info is None:
            # The first that is asked for once the core has found the host key good.
            finish(self._connection, deadline)
            self._info = describe(self._connection, library_version(), self._server)
        return self._authentication.attempt(attempt, deadline)

    def open_channel(
        self, request: ChannelRequest, environment: Mapping[str, str], deadline: Deadline
    ) -> Channel:
        """See `SSHDriver.open_channel`."""
        if self._info is None:
            raise TransportError("the handshake has not been done")
        open_channel(self._connection, request, environment, deadline)
        self._connection.settled()
        return Libssh2Channel(self._connection, self._info)

    def open_tunnel(self, host: str, port: int, deadline: Deadline) -> Channel:
        """See `SSHDriver.open_tunnel`."""
        if self._info is None:
            raise TransportError("the handshake has not been done")
        open_tunnel(self._connection, host, port, deadline)
        self._connection.settled()
        return Libssh2Channel(self._connection, self._info)

    def abort(self) -> None:
        """Free everything; idempotent, from any thread."""
        self._connection.end()
