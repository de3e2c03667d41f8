"""The socket under a connection, as the kernel tells of it."""

from __future__ import annotations

import select
import socket
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ncwire_libssh2.connection import Connection

PACKET = 32700
"""The most that libssh2 1.11.1 puts in a packet (channel.c, _libssh2_channel_write)."""

OVERHEAD = 2560
"""What a packet may take of a send buffer beyond its own bytes (Linux: an sk_buff's truesize),
with a window adjustment of libssh2's own beside it."""

_TCP_CLOSE = 7  # Linux: include/net/tcp_states.h


class SocketState:
    """What can be known of the socket without libssh2, which does not tell.

    The connection's lock is held for all calls.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._poll = select.poll()
        self.packet_size = 1
        """How much may be written when there is room; known once `grants_credit` was called."""
        self.credit = 0
        """How many bytes the kernel surely takes still, `OVERHEAD` beside each packet's included:
        the sender takes off what it has sent."""
        self.heard = time.monotonic()
        """When bytes were last seen to have come, on the clock of `time.monotonic`."""

    def has_arrivals(self) -> bool:
        """Return whether bytes, or the end, wait to be read; and note that they came."""
        arrived = bool(self._ready(select.POLLIN))
        if arrived:
            self.heard = time.monotonic()
        return arrived

    def has_room(self) -> bool:
        """Return whether the kernel takes a packet of `packet_size` whole, or fails at once."""
        events = self._ready(select.POLLIN | select.POLLOUT)
        if events & select.POLLIN:
            self.heard = time.monotonic()
        return bool(events & ~select.POLLIN)

    def grants_credit(self) -> bool:
        """Return `has_room`, and note how much it is.

        So the kernel need not be asked again before each of many small packets. Linux says
        POLLOUT when a third of a TCP socket's send buffer is free (sk_stream_is_writeable), and
        three quarters of an AF_UNIX one.
        """
        if self.packet_size < PACKET:
            sock = self._connection.sock
            buffer = sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
            self.packet_size = max(1, min(PACKET, buffer // 4))
        room = self.has_room()
        self.credit = self.packet_size if room else 0
        return room

    def was_broken(self) -> bool:
        """Return whether an ended connection ended by a reset or a timeout, not a FIN.

        False where the kernel does not tell.
        """
        sock = self._connection.sock
        if sock.family not in (socket.AF_INET, socket.AF_INET6) or not hasattr(socket, "TCP_INFO"):
            return False
        return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == _TCP_CLOSE

    def _ready(self, wanted: int) -> int:
        self._poll.register(self._connection.fileno(), wanted)
        return sum(events for _, events in self._poll.poll(0))
