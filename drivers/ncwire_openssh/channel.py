"""The channel that the core reads and writes: messages of SSH over ssh's control socket."""

from __future__ import annotations

import threading
import time
import weakref
from typing import TYPE_CHECKING

from ncwire.driver import Channel, ChannelInfo, LastWords, Readiness, Wait, start_thread
from ncwire.errors import TransportError
from ncwire_openssh.master import wait_readable
from ncwire_openssh.ssh_channel import WINDOW, ProtocolError

if TYPE_CHECKING:
    import socket

    from ncwire_openssh.connection import Connection
    from ncwire_openssh.ssh_channel import SSHChannel

_READ = 1 << 16
"""The most that is asked for in one read. Python makes room for all of it, each time, and glibc
has the kernel map more than 128 KiB, and unmap it: 15 microseconds for each rpc."""
_QUIET = 2.0
"""Seconds of the peer's silence after which the channel's end is followed by its close."""
_GRACE = 2.0
"""Seconds that what was written is given to arrive after `close`."""
_LOG_PERIOD = 0.05
"""Seconds between two looks at ssh's log while anything happens: a key exchange has 2 KiB there,
and ssh blocks when it is full, at 64 KiB."""
_LOG_PERIOD_IDLE = 300.0
"""The same while nothing does: the log grows by a line with each keepalive of the server's."""

_TO_READ, _TO_WRITE = Readiness.READ, Readiness.READ | Readiness.WRITE


class OpenSSHChannel(Channel):
    """One channel, which owns the ssh that carries it, unless that is shared."""

    def __init__(
        self, connection: Connection, sock: socket.socket, state: SSHChannel, info: ChannelInfo
    ) -> None:
        self.info = info
        self.native = connection.process
        self._connection = connection
        self._sock = sock
        self._state = state
        self.write_may_read = False
        self._drained = False
        self._blocked = False
        self._closed = False
        self._ended_at = 0.0
        self._heard = time.monotonic()
        self._log_read = self._heard
        self._idle = Wait(_TO_READ, self._log_read + _LOG_PERIOD_IDLE)
        # A channel that is dropped takes its process with it; at the exit ssh ends by itself, for
        # its lifeline does.
        self._dropped = weakref.finalize(self, _drop, connection, sock)
        self._dropped.atexit = False

    def fileno(self) -> int:
        """Return the control socket's fd; -1 after the end."""
        return self._sock.fileno()

    def wants(self) -> Wait:
        """Return what to wait for; see `Channel.wants`."""
        state = self._state
        if state.outbox:
            return Wait(_TO_WRITE, self._log_read + _LOG_PERIOD_IDLE)
        if self._blocked and state.window > 0:
            return Wait(_TO_READ, 0.0)  # a read has taken in what the write waited for
        if state.eof_sent and not state.close_sent:
            return Wait(_TO_READ, self._silent_at())
        return self._idle

    def read(self, size: int) -> bytes | None:
        """Return what came on the channel; see `Channel.read`."""
        self._check_open()
        state = self._state
        while not state.received:
            if state.close_came:
                return b""
            if self._drained:
                self._drained = False
                return self._nothing_left()
            try:
                data = self._sock.recv(_READ)
            except BlockingIOError:
                return self._nothing_left()
            except ConnectionError as error:
                raise self._lost() from error
            if not data:
                if state.eof_came:
                    return b""
                raise self._lost() from ConnectionResetError("ssh has ended")
            self._drained = (
                len(data) < _READ
            )  # the kernel had no more; of what has come since the fd tells
            self._heard = time.monotonic()
            try:
                state.feed(data)
            except ProtocolError as error:
                raise TransportError(f"ssh: {error}") from error
        data = state.take(size)
        if state.outbox:
            self._flush()
        return data

    def _nothing_left(self) -> bytes | None:
        self._flush()
        return b"" if self._state.eof_came else None

    def write(self, data: memoryview) -> int:
        """Send as much as server and ssh take; see `Channel.write`."""
        self._check_open()
        state = self._state
        sent = 0
        while sent < len(data):
            if state.outbox and not self._flush():
                break
            header, count = state.data_header(len(data) - sent)
            if not count:
                break
            piece = data[sent : sent + count]
            went = self._send(header, piece)
            if went < len(header) + count:
                state.outbox += (header + bytes(piece))[went:]
            sent += count
        self._blocked = sent < len(data)
        return sent

    def tick(self, now: float) -> None:
        """Read ssh's log, when it is time for it."""
        if now >= self._log_read + _LOG_PERIOD and not self._closed:
            self._log_read = now
            self._idle = Wait(_TO_READ, now + _LOG_PERIOD_IDLE)
            self._connection.read_log()

    def heard(self) -> float:
        """Return when the server last sent anything on the channel."""
        return self._heard

    def keepalive(self) -> None:
        """Send keepalive@openssh.com, a request that the server must answer."""
        if not self._closed and not self._state.outbox and not self._state.close_sent:
            self._state.keepalive()
            self._flush()

    def finish(self) -> bool:
        """Send the channel's end, and its close when the peer is silent; see `Channel.finish`."""
        self._check_open()
        state = self._state
        self._blocked = False
        if not state.eof_sent:
            self._ended_at = time.monotonic()
            state.send_eof()
        if state.close_came or time.monotonic() >= self._silent_at():
            state.send_close()
        self._flush()
        return state.close_came

    def last_words(self) -> LastWords:
        """Return what came on stderr, and how what ran at the server has ended."""
        state = self._state
        return LastWords(bytes(state.stderr), state.exit_status, state.signal)

    def close(self) -> None:
        """Send the channel's end and its close; ssh passes on what it has, and ends."""
        if self._closed:
            return
        self._closed = True
        self._dropped.detach()
        state = self._state
        state.send_eof()
        state.send_close()
        self._flush()
        start_thread(
            threading.Thread(
                target=_end,
                args=(self._connection, self._sock, state),
                name="ncwire-openssh end",
                daemon=True,
            )
        )

    def abort(self) -> None:
        """Free everything."""
        if not self._closed:
            self._closed = True
            self._sock.close()
        self._connection.kill()

    def _silent_at(self) -> float:
        return max(self._ended_at, self._heard) + _QUIET

    def _send(self, *pieces: bytes | bytearray | memoryview) -> int:
        try:
            return self._sock.sendmsg(pieces)
        except BlockingIOError:
            return 0
        except ConnectionError:
            return 0  # `read` tells why, after what had arrived before

    def _flush(self) -> bool:
        """Send what is left of messages; return whether nothing is left."""
        outbox = self._state.outbox
        if outbox:
            del outbox[: self._send(outbox)]
        return not outbox

    def _check_open(self) -> None:
        if self._closed:
            raise TransportError("the channel is closed")

    def _lost(self) -> TransportError:
        return TransportError(f"ssh: {self._connection.reason()}")


def _drop(connection: Connection, sock: socket.socket) -> None:
    sock.close()
    connection.kill()


def _end(connection: Connection, sock: socket.socket, state: SSHChannel) -> None:
    """Wait for the server's close, which it answers ours with, for so long; then end ssh."""
    until = time.monotonic() + _GRACE
    with sock:
        try:
            while not state.close_came:
                if state.outbox:
                    sock.settimeout(max(0.001, until - time.monotonic()))
                    del state.outbox[: sock.send(state.outbox)]
                    continue
                if not wait_readable(sock.fileno(), until):
                    break
                if not (data := sock.recv(WINDOW)):
                    break
                state.feed(data)
                state.received.clear()
        except (OSError, ProtocolError):
            pass  # no caller is left to tell
    connection.end()
