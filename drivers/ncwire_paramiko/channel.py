"""The byte stream: paramiko's channel, none of whose calls is let to wait."""

from __future__ import annotations

import time
import weakref
from typing import TYPE_CHECKING, Any, cast

from ncwire.driver import Channel, LastWords, Wait, Wakeup
from ncwire.errors import TransportError
from ncwire_paramiko import errors
from ncwire_paramiko.buffer_flag import Flag
from ncwire_paramiko.locks import lets_go

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    import paramiko
    from paramiko.buffered_pipe import BufferedPipe

    from ncwire.driver import ChannelInfo
    from ncwire_paramiko.connection import Connection

_WRITE_AT_ONCE = 256 * 1024
_STDERR_AT_ONCE = 64 * 1024
_KEPT = 1024
"""How much of stderr is kept for the error, in bytes."""
_QUIET = 2.0
"""Seconds of the peer's silence after which the channel's end is followed by its close."""

_TO_READ = Wait()


class ParamikoChannel(Channel):
    """A channel that is open, and owns its connection.

    Paramiko's thread does the I/O. The fd is readable when there is something to read, the end
    included: that thread rings it when it has dealt with all that had come, and is about to
    wait. That writing can go on is told through `on_ready`.
    """

    def __init__(
        self, connection: Connection, channel: paramiko.Channel, info: ChannelInfo
    ) -> None:
        channel.settimeout(0.0)
        self.info = info
        self.native = connection
        self.locks = connection.locks
        self._connection = connection
        self._channel = channel
        self._wakeup = Wakeup()
        self._data = _flag_of(channel.in_buffer)
        self._stderr = _flag_of(channel.in_stderr_buffer)
        self._said = b""
        self._wake: Callable[[], None] = _nothing
        self._was_in_vain = False
        """Whether the last `read` had nothing, and has not cleared the wakeup: what rings it is at
        times cleared before it has written, and then it is readable without being `rung`. Each
        time anew that would cost a call of the system's."""
        self._write_blocked = False
        self._ended_in_order = False
        self._silent_at: float | None = None
        self._closing = False
        self._peer_closed = False
        self._closed = connection.said.closed
        self._freed = False
        # Paramiko's thread holds the connection, and so must not hold the channel: one that is
        # dropped without close would never be collected, and the connection would stay.
        progress = weakref.WeakMethod(self._progress)
        connection.adapter.between_packets = lambda: _call(progress())
        weakref.finalize(self, connection.adapter.hang_up).atexit = False
        self._progress()

    def fileno(self) -> int:
        """Return the fd that paramiko's thread rings; -1 when freed."""
        return self._wakeup.fileno()

    def wants(self) -> Wait:
        """Wait to be rung for; and for the peer's silence, once the channel's end was sent."""
        if self._silent_at is None or self._closing:
            return _TO_READ
        return Wait(until=self._silent_at)

    # As `lets_go` does, whose call would cost each rpc as much as all else here.
    def read(self, size: int) -> bytes | None:
        """Return what has come; see `Channel.read`."""
        if self._freed:
            raise _freed()
        try:
            if self._stderr.on:  # unread it would fill the window in the end
                self._take_stderr()
            if not self._data.on:
                wakeup = self._wakeup
                if not wakeup.rung and not self._was_in_vain:
                    self._was_in_vain = True
                    return None
                self._was_in_vain = False
                wakeup.clear()
                if not self._has_any():  # what came just now, or is left
                    return None
                wakeup.ring()
                if not self._data.on:
                    return None
            if self._closing and not self._is_over():
                return None  # paramiko has closed its end of it, and tells of that
            data = self._channel.recv(size)
            if not data:
                self._check_end()
        except BaseException:
            self.locks.let_go()
            raise
        return data

    def write(self, data: memoryview) -> int:
        """Send what the peer's window and TCP take now.

        After the end it takes nothing: what the peer sent until then is still to be read, and
        it is `read` that tells of the end.
        """
        if self._freed:
            raise _freed()
        try:
            channel = self._channel
            size = min(len(data), _WRITE_AT_ONCE)
            taken = 0
            # Set before anything is looked at: whatever changes after the look is told of.
            self._write_blocked = True
            while taken < size and self._can_write():
                # Paramiko takes no more than one packet's worth, and of the window's.
                part = bytes(data[taken : taken + channel.out_max_packet_size])
                try:
                    sent = channel.send(part)
                except OSError as error:  # closed meanwhile, or the peer lied about its window
                    if not errors.is_paramikos(error):
                        raise
                    break
                if sent == 0:
                    break
                taken += sent
            if taken:
                self._write_blocked = False
        except BaseException:
            self.locks.let_go()
            raise
        return taken

    def on_ready(self, wake: Callable[[], None]) -> None:
        """Take the function that tells the core that a blocked write can go on."""
        self._wake = wake

    def heard(self) -> float:
        """Return when bytes last came from the socket."""
        return self._connection.adapter.heard

    @lets_go
    def keepalive(self) -> None:
        """Send the request that OpenSSH's client sends as its keepalive."""
        if not self._freed and self._connection.can_send:
            self._connection.request_reply()

    @lets_go
    def finish(self) -> bool:
        """Send the channel's end, and its close when the peer is silent; see `Channel.finish`."""
        if self._freed:
            raise _freed()
        if self._is_over():
            return True
        now = time.monotonic()
        if self._silent_at is None:
            self._channel.shutdown_write()
        if self._silent_at is None or not self._connection.can_send:
            self._silent_at = now + _QUIET  # what was sent may be on its way to TCP still
        self._silent_at = max(self._silent_at, self.heard() + _QUIET)
        if now >= self._silent_at and not self._closing:
            self._closing = True
            self._channel.close()
            self._wakeup.clear()  # it was rung for data, of which no more is told
            if self._is_over():
                self._wakeup.ring()
        return self._is_over()

    @lets_go
    def last_words(self) -> LastWords:
        """Return what came on stderr, and the exit status; see `Channel.last_words`.

        Paramiko 5.1 does not tell of signals: it has no exit status then.
        """
        if self._stderr.on and not self._freed:
            self._take_stderr()
        status = self._channel.exit_status
        return LastWords(self._said, status if status >= 0 else None)

    @lets_go
    def close(self) -> None:
        """Send the channel's end and a disconnect, and free everything; see `Channel.close`."""
        if not self._freed:
            self._connection.send_disconnect(self._channel)
        self.abort()

    @lets_go
    def abort(self) -> None:
        """Free everything; see `Channel.abort`."""
        self._freed = True
        self._wake = _nothing
        self._connection.end()
        self._channel.close()
        self._wakeup.close()

    def _take_stderr(self) -> None:
        came = self._channel.recv_stderr(_STDERR_AT_ONCE)
        self._said += came[: _KEPT - len(self._said)]

    def _has_any(self) -> bool:
        if self._closing:
            return self._is_over()
        return self._data.on or self._stderr.on

    def _is_over(self) -> bool:
        """Return whether the peer has closed the channel, or the connection is gone."""
        return self._peer_closed or not self._connection.is_active()

    def _can_write(self) -> bool:
        channel = self._channel
        return (
            not self._freed
            and not channel.closed
            and channel.out_window_size > 0
            and self._connection.can_send
        )

    def _progress(self) -> None:
        """Paramiko's thread is between two packets: wake who can read or write, note the end."""
        if self._closed and not self._peer_closed:
            # Here it has been answered, too: paramiko's thread does that, or `close`, never both.
            self._peer_closed = self._channel.get_id() in self._closed
        if not self._wakeup.rung and self._has_any():
            self._wakeup.ring()
        if self._channel.closed and self._connection.cause is None:
            # Closed, and the connection lives: by the peer's word, not by its vanishing.
            self._ended_in_order = True
        if self._write_blocked and self._can_write():
            self._write_blocked = False
            self._wake()

    def _check_end(self) -> None:
        """Raise unless the peer closed the stream, and did not merely vanish."""
        if self._channel.eof_received or self._ended_in_order:
            return
        cause = self._connection.cause
        if cause is not None:
            raise errors.translate(errors.STREAM, "SSH connection", cause) from cause


def _flag_of(buffer: BufferedPipe[Any]) -> Flag:
    flag = Flag()
    buffer.set_event(cast("threading.Event", flag))
    return flag


def _freed() -> TransportError:
    return TransportError("the channel is closed")


def _call(function: Callable[[], None] | None) -> None:
    if function is not None:
        function()


def _nothing() -> None:
    pass
