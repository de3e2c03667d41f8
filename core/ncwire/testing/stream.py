"""`ChannelStream`: the bytes of one session on an SSH channel."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import paramiko

_SLICE = 32 * 1024 - 64
"""What paramiko 5.1 puts into one packet, so that a long message is sliced only once."""


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """What is known of a session from SSH: who, what was requested, and what was set before."""

    username: str
    request: str
    """The subsystem's name, or the command."""
    environment: Mapping[str, str]


class ChannelStream:
    """One session's stream of bytes; the methods block, and may be used by several threads."""

    def __init__(
        self,
        channel: paramiko.Channel,
        info: SessionInfo,
        start_thread: Callable[[Callable[[], None]], None],
    ) -> None:
        self.info = info
        self._channel = channel
        self._start_thread = start_thread
        self._closing = threading.Lock()
        self._closed = False

    def recv(self, size: int = 1 << 16) -> bytes:
        """Return up to `size` bytes as soon as there are some; b"" at the stream's end."""
        return self._channel.recv(size)

    def send(self, data: bytes | memoryview) -> None:
        """Send all of `data`; raises ConnectionError once the stream has ended."""
        self._send_all(self._channel.send, data)

    def send_stderr(self, data: bytes) -> None:
        """Send all of `data` as the session's stderr; raises ConnectionError as `send` does."""
        self._send_all(self._channel.send_stderr, data)

    def close(self, exit_status: int = 0) -> None:
        """End the stream in SSH's own way; what was sent before arrives. Idempotent.

        The exit status comes once, and before the channel's end and close (RFC 4254 section
        6.10), whichever threads close at the same time, the peer included. Another call returns
        at once, also while the first is still at it.
        """
        from paramiko import SSHException  # noqa: PLC0415 - only those who serve need it

        with self._closing:
            if self._closed:
                return
            self._closed = True
        with contextlib.suppress(OSError, EOFError, SSHException):
            transport = cast("Any", self._channel.transport)
            for message in self._last_words(exit_status):
                transport._send_user_message(message)  # noqa: SLF001 - as its own methods do

    def terminate(self) -> None:
        """Have the stream closed, and wait for nothing: it may be stuck behind a full socket."""
        self._start_thread(self.close)

    def _last_words(self, exit_status: int) -> list[paramiko.Message]:
        from paramiko.common import cMSG_CHANNEL_REQUEST  # noqa: PLC0415 - see close
        from paramiko.message import Message  # noqa: PLC0415 - see close

        channel = self._channel
        # paramiko 5.1 sends an exit status on a channel that its own thread has just closed, in
        # answer to the peer. Who closes is decided under this lock; nothing is sent under it,
        # since sending may need paramiko's thread, which takes the lock for each message.
        with channel.lock:
            closing = [each for each in channel._close_internal() if each is not None]  # type: ignore[attr-defined] # noqa: SLF001 - as its own `close`
        if not closing:
            return []
        status = Message()
        status.add_byte(cMSG_CHANNEL_REQUEST)
        status.add_int(channel.remote_chanid)
        status.add_string("exit-status")
        status.add_boolean(False)
        status.add_int(exit_status)
        return [status, *closing]

    def _send_all(self, send: Callable[[bytes], int], data: bytes | memoryview) -> None:
        from paramiko import SSHException  # noqa: PLC0415 - only those who serve need it

        view = memoryview(data)
        try:
            while view:
                sent = send(bytes(view[:_SLICE]))
                if not sent:
                    raise ConnectionError("the channel is closed")
                view = view[sent:]
        except (OSError, EOFError, SSHException) as error:
            raise ConnectionError(f"sending failed: {error}") from error
