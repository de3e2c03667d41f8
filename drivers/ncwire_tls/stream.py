"""TLS over a socket that never blocks, by way of OpenSSL's buffers in memory.

`ssl.SSLSocket` reads and writes the fd by itself. Then a broken socket spoils what has arrived
before it broke, an alert most of all, for OpenSSL wants no call after one that has failed
(SSL_get_error(3)). Here it does no I/O, and each direction goes on for as long as it can.
"""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress

from ncwire.driver import Forkable, point_at_nothing, watch_forks

_RECEIVED = 64 * 1024
"""How much is taken from the kernel at once."""

_DRAINED = 16
"""How often, of what is not read any more: a flood has no end."""


class Stream(Forkable):
    """A socket, which it owns, and the TLS that it carries. No method waits."""

    def __init__(
        self, sock: socket.socket, context: ssl.SSLContext, server_hostname: str | None
    ) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self.tls = context.wrap_bio(
            self._incoming, self._outgoing, server_hostname=server_hostname
        )
        self._unsent = memoryview(b"")
        self._drained = False
        self.ended = False
        """Whether the peer has ended the connection, or it is broken; what has come is kept."""
        self.failure: OSError | None = None
        """What has broken it."""
        self.unwritable = False
        """Whether nothing more can be sent."""
        self.said = b""
        """The first bytes that have come."""
        watch_forks(self)

    def fileno(self) -> int:
        """Return the socket's fd; -1 once it is closed."""
        return self._sock.fileno()

    @property
    def has_unsent(self) -> bool:
        """Whether the kernel has yet to take something."""
        return bool(self._unsent or self._outgoing.pending)

    @property
    def has_unread(self) -> bool:
        """Whether something has been received that TLS has not handed out."""
        return bool(self._incoming.pending or self.tls.pending())

    def pull(self) -> bool:
        """Take in what the kernel has received; return False where there is nothing yet."""
        if self.ended:
            return False
        if self._drained:
            self._drained = False
            return False
        try:
            data = self._sock.recv(_RECEIVED)
        except BlockingIOError:
            return False
        except OSError as error:
            raise_others(error)
            self.failure = error
            data = b""
        if data:
            self.said = self.said or data
            self._incoming.write(data)
            self._drained = len(data) < _RECEIVED
        else:
            self.ended = True
            self._incoming.write_eof()
        return True

    def push(self) -> bool:
        """Have the kernel take what is to be sent; return whether it has taken all.

        On a connection that is broken that is dropped: `pull` comes to know why.
        """
        while True:
            if not self._unsent:
                if not self._outgoing.pending:
                    return True
                self._unsent = memoryview(self._outgoing.read())
            if self.unwritable:
                self._unsent = memoryview(b"")
                continue
            try:
                sent = self._sock.send(self._unsent)
            except BlockingIOError:
                return False
            except OSError as error:
                raise_others(error)
                self.unwritable = True
                continue
            self._unsent = self._unsent[sent:]

    def say_end(self) -> None:
        """Have close_notify sent after all else (RFC 8446 section 6.1); `push` sends it."""
        # It looks for the peer's own, too, and raises where that has not come.
        with suppress(ssl.SSLError, ValueError):
            self.tls.unwrap()

    def shut_down(self) -> None:
        """Wake the thread that waits for the socket; from any thread."""
        try:
            self._sock.shutdown(socket.SHUT_RDWR)
        except OSError as error:  # it is closed, or the peer is gone
            raise_others(error)

    def close(self) -> None:
        """Close the socket; from any thread, and idempotent."""
        self._sock.close()

    def drain(self) -> None:
        """Drop what has come, as far as that is little.

        For the kernel resets a connection that is closed with bytes unread, and what was sent is
        lost (RFC 1122 section 4.2.2.13); a server's tickets come unasked.
        """
        try:
            for _ in range(_DRAINED):
                if not self._sock.recv(_RECEIVED):
                    return
        except OSError as error:
            raise_others(error)

    def abandon_in_child(self) -> None:
        """Let go of the connection in a forked child; see `Forkable`."""
        point_at_nothing(self.fileno())


def raise_others(error: OSError) -> None:
    """Raise an error again that is not the socket's own: a signal handler's, a TimeoutError say.

    That has the handler's frame in its traceback, and what a call in C raises has none.
    """
    traceback = error.__traceback__
    if traceback is not None and traceback.tb_next is not None:
        raise error
