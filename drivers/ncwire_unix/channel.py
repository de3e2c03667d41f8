"""The NETCONF channel over a Unix socket."""

from __future__ import annotations

import socket
from typing import Final

from ncwire.driver import (
    Channel,
    ChannelInfo,
    Forkable,
    Readiness,
    Wait,
    point_at_nothing,
    watch_forks,
)
from ncwire.errors import TransportError

_SMALL_READ: Final = 64 * 1024
"""Python makes room for all that is asked for, each time: small enough for the allocator to have
it at hand."""
_LARGE_READ: Final = 256 * 1024
"""Where a small one was full: a reply of 100 MB takes a fifth less time than by small ones."""

_TO_READ: Final = Wait(Readiness.READ)
_TO_READ_AND_WRITE: Final = Wait(Readiness.READ | Readiness.WRITE)


class UnixSocketChannel(Channel, Forkable):
    """The byte stream of a connected Unix socket, which it owns."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.info = ChannelInfo("unix", "")
        self.native = sock
        try:
            self.peer_address, self.local_address = sock.getpeername(), sock.getsockname()
        except OSError as error:  # the peer may have gone already, which `read` tells
            if error.errno is None:  # a signal handler's, and none of the system's
                raise
        self._sock = sock
        self.write_may_read = False
        self._most = _SMALL_READ
        self._drained = False
        self._blocked = False
        self._broken = False
        self._said_end = False
        self._peer_has_ended = False
        watch_forks(self)

    def fileno(self) -> int:
        """Return the socket's fd; -1 after the end."""
        return self._sock.fileno()

    def wants(self) -> Wait:
        """Watch for reading always, and for writing after a write that would have blocked."""
        return _TO_READ_AND_WRITE if self._blocked else _TO_READ

    def read(self, size: int) -> bytes | None:
        """Return what has come; see `Channel.read`."""
        if self._drained:
            self._drained = False
            return None
        size = min(size, self._most)
        try:
            data = self._sock.recv(size)
        except BlockingIOError:
            return None
        except OSError as error:
            raise TransportError(f"Unix socket: {error.strerror}") from error
        if not data:
            self._peer_has_ended = True
        elif len(data) < size:
            # The kernel had no more. Of what has come since, the fd tells, and of an end that
            # came with it, too: see `Leader.wait` of the engine.
            self._drained = True
            self._most = _SMALL_READ
        else:
            self._most = _LARGE_READ
        return data

    def write(self, data: memoryview) -> int:
        """Send as much as the socket takes; a failure shows in the next `read`."""
        sent = 0
        if not self._broken:
            try:
                sent = self._sock.send(data)
            except BlockingIOError:
                pass
            except OSError as error:
                _raise_others(error)
                if self._sock.fileno() < 0:
                    raise TransportError("Unix socket: the channel is closed") from error
                self._broken = True
        self._blocked = sent < len(data) and not self._broken
        return sent

    def finish(self) -> bool:
        """End our direction; return whether the peer has ended its own, too."""
        self._blocked = False
        if not self._said_end:
            self._said_end = True
            try:
                self._sock.shutdown(socket.SHUT_WR)
            except OSError as error:  # broken: `read` tells
                _raise_others(error)
        return self._peer_has_ended

    def close(self) -> None:
        """Close the socket; what was sent stays readable for the peer."""
        self._sock.close()

    def abort(self) -> None:
        """Close the socket."""
        self._sock.close()

    def abandon_in_child(self) -> None:
        """Let go of the connection in a forked child; see `Forkable`."""
        point_at_nothing(self._sock.fileno())


def _raise_others(error: OSError) -> None:
    """Raise an error again that is not the socket's own: a signal handler's, a TimeoutError say.

    That has the handler's frame in its traceback, and what a call in C raises has none.
    """
    traceback = error.__traceback__
    if traceback is not None and traceback.tb_next is not None:
        raise error
