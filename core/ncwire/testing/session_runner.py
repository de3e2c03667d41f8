"""Runs the NETCONF engine over a stream."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ncwire.testing.netconf_server import NetconfServer, ServerSession
    from ncwire.testing.stream import SessionInfo


class Stream(Protocol):
    """One session's bytes, whatever carries them; see `ncwire.testing.ChannelStream`."""

    info: SessionInfo

    def recv(self, size: int = ...) -> bytes:
        """Return up to `size` bytes as soon as there are some; b"" at the stream's end."""

    def send(self, data: bytes | memoryview) -> None:
        """Send all of `data`; raises ConnectionError once the stream has ended."""

    def close(self, exit_status: int = ...) -> None:
        """End the stream; what was sent before arrives. Idempotent."""

    def terminate(self) -> None:
        """Have the stream closed, and wait for nothing."""


def serve_netconf(server: NetconfServer, stream: Stream) -> None:
    """Hold one session, until the client closes it or vanishes, or it is killed.

    Raises ConnectionError when an answer could not be sent.
    """
    link = _StreamLink(stream)
    session = server.open_session(link, stream.info.username)
    try:
        for buffer in session.hello():
            stream.send(buffer)
        while not session.closed and (data := stream.recv()):
            with link.turn:
                for buffer in session.receive(data):
                    stream.send(buffer)
            if session.subscribed:
                link.start_notifying(session)
    finally:
        session.end()
        stream.close()
        link.stop_notifying()


class _StreamLink:
    """Notifications wait here for their turn, so that a slow reader delays no other."""

    def __init__(self, stream: Stream) -> None:
        self.turn = threading.Lock()
        """Held while replies, or a notification, are sent: each is sent whole."""
        self._stream = stream
        self._queue: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._notifier: threading.Thread | None = None

    def deliver(self, message: bytes) -> None:
        self._queue.put(message)

    def terminate(self) -> None:
        self._stream.terminate()

    def start_notifying(self, session: ServerSession) -> None:
        if self._notifier is None:
            self._notifier = threading.Thread(
                target=self._notify, args=(session,), name="ncwire-server-notifier", daemon=True
            )
            self._notifier.start()

    def stop_notifying(self) -> None:
        self._queue.put(None)
        if self._notifier is not None:
            self._notifier.join()

    def _notify(self, session: ServerSession) -> None:
        while (message := self._queue.get()) is not None:
            with self.turn:
                try:
                    for buffer in session.framed(message):
                        self._stream.send(buffer)
                except ConnectionError:
                    return
