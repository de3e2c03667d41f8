"""The socket as paramiko's transport sees it: sends never block, and reads do not tick."""

from __future__ import annotations

import errno
import select
import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from ncwire.driver import Forkable, Wakeup, point_at_nothing, watch_forks

if TYPE_CHECKING:
    from collections.abc import Callable

_BACKPRESSURE = 1 << 20
"""Bytes unsent after which the peer is no longer read from: a peer that asks for answers and
takes none must not grow our memory."""

_AT_ONCE = 128 * 1024
"""How much is read from the socket at once; it is let go with the last packet in it."""

_POLL_LIMIT = 3600.0  # poll(2) takes its time in milliseconds, as an int


class SocketAdapter(Forkable):
    """Stands between a `paramiko.Transport` and its socket (paramiko 5.1, packet.py).

    Paramiko writes in whichever thread has something to send, and waits there until TCP has
    taken it all. Here `send` keeps what TCP does not take, and the transport's own thread, which
    waits in `recv`, sends it as the peer reads. So nothing that sends ever waits, reads included:
    they send window adjustments.

    Paramiko also sets a timeout of 0.1 s on the socket, to look ten times a second whether it is
    to end. Here `recv` waits on the socket and a `Wakeup`, and who wants something of the
    transport's thread rings that; the timeout is ignored.

    Everything that may let a blocked write go on (a window adjustment, new keys, an emptied
    backlog) is handled by the transport's thread, and then it comes back to `recv`: so
    `between_packets`, called there, is all that a writer needs to learn of progress.
    """

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.heard = time.monotonic()
        """When the peer last sent anything, on the clock of `time.monotonic`."""
        self.expired = False
        """Whether the time given to `expire_at` has come."""
        self.between_packets: Callable[[], None] = _nothing
        """Called by the transport's thread, with no lock held, before it reads on."""
        self._received = 0
        self._receive_until: int | None = None
        self._sock = sock
        self._wakeup = Wakeup()
        self._rings = self._wakeup.fileno()
        self._poll = select.poll()
        self._poll.register(self._rings, select.POLLIN)
        self._poll.register(sock, select.POLLIN)
        self._awaited = select.POLLIN
        self._lock = threading.Lock()
        self._came = b""
        self._taken = 0
        self._silent = False
        """Whether all that the socket had was read: to ask it for more would only let another
        thread have the interpreter, and then take that back from it."""
        self.backlog = bytearray()
        """What is left to send, to be looked at only."""
        self._failure: tuple[object, ...] | None = None
        """What sending has failed with, as an `OSError` is made of it. The error itself would keep
        its frames, and so the channel: it is this object that lives until the channel is gone."""
        self._expire_at: float | None = None
        self._closed = False
        self._released = False
        watch_forks(self)

    # --- what paramiko calls ---------------------------------------------------------------

    def settimeout(self, timeout: float | None) -> None:
        """Ignore it: see above."""

    def send(self, data: bytes) -> int:
        """Take all of `data`; what TCP does not take now is sent later.

        Raises nothing by itself. After a failure data is dropped: what the peer had sent until
        then must still be read, and it is `recv` that then tells of the end.
        """
        with self._lock:
            if self._closed or self._failure is not None:
                return len(data)
            sent = 0 if self.backlog else self._send_some(data)
            if sent < len(data):
                self.backlog += memoryview(data)[sent:]
                self._wakeup.ring()
        return len(data)

    def recv(self, size: int) -> bytes:
        """Wait for data, and meanwhile send what is left to send; b"" is the end.

        Called by the transport's thread only. Raises `TimeoutError` when it was woken, for
        paramiko to look at its own state, and `OSError` for a broken connection.
        """
        # Each call that is saved here is saved twice or thrice for each packet.
        if self._came:
            return self._take(size)
        while True:
            if self.backlog:
                self._flush()
            self.between_packets()
            if self._is_over():
                return b""
            if self._silent or len(self.backlog) >= _BACKPRESSURE:
                if not self._wait():
                    continue
                if self._is_over():
                    return b""
            try:
                # Paramiko asks for a packet's first block, and then for its rest.
                data = self._sock.recv(_AT_ONCE)
            except BlockingIOError:
                self._silent = True
                continue
            self._silent = len(data) < _AT_ONCE
            self._check_received(data)
            self._came = data
            return self._take(size)

    def close(self) -> None:
        """End the connection; what TCP has taken is delivered. From any thread, idempotent.

        The fds stay until `release`, for the transport's thread may be waiting on them.
        """
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._wakeup.ring()
            try:
                self._sock.shutdown(socket.SHUT_RDWR)
            except OSError as error:
                if came_from_outside(error):
                    raise

    def hang_up(self) -> None:
        """End the connection as the peer's hanging up does; the transport's thread frees the rest.

        With no lock, for it is called when a channel is collected: in whichever thread, in the
        middle of anything.
        """
        if not self._released:
            with suppress(OSError):
                self._sock.shutdown(socket.SHUT_RDWR)

    # --- what the driver calls -------------------------------------------------------------

    def allow(self, size: int | None) -> None:
        """Take no more than `size` bytes from the peer, None for any number of them."""
        self._receive_until = None if size is None else self._received + size

    def expire_at(self, at: float | None) -> None:
        """End the connection at this time, on the clock of `time.monotonic`; None takes it back.

        However much or little the peer sends until then.
        """
        with self._lock:
            self._expire_at = at
            if at is not None:
                self._wakeup.ring()

    def wake(self) -> None:
        """Have the transport's thread look at its state."""
        self._wakeup.ring()

    def release(self) -> None:
        """Close all fds. Idempotent; the transport's thread is over, or never began."""
        with self._lock:
            self._closed = True
            if self._released:
                return
            self._released = True
            self.backlog.clear()
            self._wakeup.close()
            self._sock.close()

    def abandon_in_child(self) -> None:
        """Leave the connection to the parent; see `Forkable`.

        At the child's exit paramiko closes all connections that it knows (transport.py,
        _join_lingering_threads), and that would shut the parent's down.
        """
        self._lock = threading.Lock()
        self._closed = True
        if not self._released:
            point_at_nothing(self._sock.fileno())

    # --- inside ----------------------------------------------------------------------------

    def _send_some(self, data: bytes | bytearray) -> int:
        try:
            return self._sock.send(data)
        except BlockingIOError:
            return 0
        except OSError as error:
            if came_from_outside(error):
                raise
            self._failure = error.args
            return len(data)

    def _flush(self) -> None:
        with self._lock:
            if not self._closed:
                del self.backlog[: self._send_some(self.backlog)]

    def _is_over(self) -> bool:
        at = self._expire_at  # once: another thread may take it back meanwhile
        if at is not None and time.monotonic() >= at:
            self.expired = True
        return self._closed or self.expired

    def _take(self, size: int) -> bytes:
        came, at = self._came, self._taken
        self._taken = at + size
        if self._taken >= len(came):
            self._came = b""
            self._taken = 0
        return came[at : at + size]

    def _check_received(self, data: bytes) -> None:
        if not data:
            if self._failure is not None:
                raise OSError(*self._failure)
            return
        self.heard = time.monotonic()
        self._received += len(data)
        until = self._receive_until  # as with the time: each has one thread that sets it
        if until is not None and self._received > until:
            # With a number: paramiko's thread reads it (5.1, transport.py, run), or dies of it.
            raise OSError(errno.EMSGSIZE, "more data than a handshake can need")

    def _wait(self) -> bool:
        """Wait for the socket or to be woken; return whether to read from the socket."""
        events = select.POLLIN if len(self.backlog) < _BACKPRESSURE else 0
        events |= select.POLLOUT if self.backlog else 0
        if events != self._awaited:
            self._poll.modify(self._sock, events)
            self._awaited = events
        at = self._expire_at
        seconds = _POLL_LIMIT if at is None else min(at - time.monotonic(), _POLL_LIMIT)
        # Rounded up: a millisecond too early would mean to wait anew, for nothing.
        readable = 0
        for fd, events in self._poll.poll(max(0, int(seconds * 1000) + 1)):
            if fd == self._rings:
                self._wakeup.clear()
                raise TimeoutError
            readable = events & ~select.POLLOUT
        return readable != 0


def came_from_outside(error: OSError) -> bool:
    """Return whether a signal's handler raised it beneath a call of the socket's.

    The system's errors have a number, also where a socket has methods written in Python, as with
    gevent; a handler's `TimeoutError("too late")` has none.
    """
    return error.errno is None


def _nothing() -> None:
    pass
