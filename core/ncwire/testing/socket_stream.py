"""`SocketStream`: the bytes of the one session on a socket; and the connection that has it."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
from types import MappingProxyType
from typing import TYPE_CHECKING

from ncwire.testing.stream import SessionInfo

if TYPE_CHECKING:
    from collections.abc import Callable

_LOG = logging.getLogger(__name__)
# A client may send anything; that is for those who ask for logs, not for stderr.
_LOG.addHandler(logging.NullHandler())


class SocketStream:
    """The server's end of a connection without SSH; see `ncwire.testing.ChannelStream`.

    The methods block, and may be used by several threads. `username` is for `info`.
    """

    def __init__(self, sock: socket.socket, username: str = "") -> None:
        self.info = SessionInfo(username, "", MappingProxyType({}))
        self._sock = sock

    def recv(self, size: int = 1 << 16) -> bytes:
        """Return up to `size` bytes as soon as there are some; b"" at the stream's end."""
        return self._sock.recv(size)

    def send(self, data: bytes | memoryview) -> None:
        """Send all of `data`; raises ConnectionError once the stream has ended."""
        try:
            self._sock.sendall(data)
        except OSError as error:
            raise ConnectionError(f"sending failed: {error}") from error

    def send_stderr(self, data: bytes) -> None:
        """Send nothing: there is no other stream."""

    def close(self, exit_status: int = 0) -> None:  # noqa: ARG002 - there is no place for it
        """End the stream; what was sent before arrives. Idempotent."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_WR)

    def terminate(self) -> None:
        """Have the stream closed, and wait for nothing."""
        self.close()
        # So that who waits in `recv` sees the end, though the client has not closed.
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RD)


class SocketConnection:
    """A connected socket with one session on it, served by a thread from here on until `abort`.

    `open_stream` makes the stream, a handshake included; `serve` holds the session, and
    `on_idle` is called when it has ended. Raises RuntimeError where no thread is left.
    """

    def __init__(
        self,
        sock: socket.socket,
        open_stream: Callable[[socket.socket], SocketStream],
        serve: Callable[[SocketStream], None],
        on_idle: Callable[[], None],
    ) -> None:
        self.idle_since: float | None = time.monotonic()
        """When the session ended, or the connection began; None while there is one."""
        self._sock = sock
        self._open_stream = open_stream
        self._serve = serve
        self._on_idle = on_idle
        sock.setblocking(True)
        self._thread = threading.Thread(
            target=self._run, name="ncwire-server-session", daemon=True
        )
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether its thread is left."""
        return self._thread.is_alive()

    def abort(self) -> None:
        """Cut the connection: its thread ends. Idempotent."""
        # Shutting down, unlike closing, wakes a thread that is blocked in recv or send.
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def join(self, until: float) -> bool:
        """Wait for the thread to end; tell whether it did by `until` (`time.monotonic`)."""
        if self._thread is not threading.current_thread():
            self._thread.join(max(0.0, until - time.monotonic()))
        return not self.alive

    def _run(self) -> None:
        with self._sock:
            try:
                stream = self._open_stream(self._sock)
            except OSError as error:
                _LOG.info("a client was not let in: %s", error)
            else:
                self._hold(stream)
            self._drain()

    def _hold(self, stream: SocketStream) -> None:
        self.idle_since = None
        try:
            self._serve(stream)
        except OSError as error:
            _LOG.info("session of %s: %s", stream.info.username, error)
        except Exception:  # noqa: BLE001 - what a script raises is its own, and ends no server
            _LOG.exception("session of %s", stream.info.username)
        finally:
            stream.close()
            self.idle_since = time.monotonic()
            self._on_idle()

    def _drain(self) -> None:
        # Closing with bytes unread would reset, and lose what was sent, an alert too. A client
        # that does not close is cut as one that begins no session is.
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_WR)
            while self._sock.recv(1 << 16):
                pass
