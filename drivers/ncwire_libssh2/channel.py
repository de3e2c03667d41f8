"""The NETCONF channel over libssh2."""

from __future__ import annotations

import enum
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from ssh2.exceptions import SocketDisconnectError, SocketSendError, SSH2Error
from ssh2.session import LIBSSH2_SESSION_BLOCK_INBOUND

from ncwire.driver import Channel, ChannelInfo, LastWords, Readiness, Wait
from ncwire.errors import SSHError, TransportError
from ncwire_libssh2.connection import AGAIN
from ncwire_libssh2.errors import LOST
from ncwire_libssh2.socket_state import OVERHEAD, SocketState
from ncwire_libssh2.stderr import Stderr
from ncwire_libssh2.watchdog import WATCHDOG

if TYPE_CHECKING:
    from ncwire_libssh2.connection import Connection

_READ = 256 * 1024
"""The most that is asked for in one read: ssh2-python allocates it each time."""

_INBOUND: int = LIBSSH2_SESSION_BLOCK_INBOUND

_ALWAYS = 0xFFFF_FFFF
"""A keepalive interval that has always passed: libssh2 1.11.1 keeps it in an int, where it is
-1, and sends when last + interval <= now (keepalive.c). Any other is at least 2 s, in whole
seconds, and a keepalive asked for earlier is silently not sent."""

_RETRIES = 4
"""How often the rest of a packet is tried on a socket that has room again already."""

_PATIENCE = 100
"""How often libssh2 may ask for room on a socket that has some, with nothing achieved."""

_QUIET = 2.0
"""Seconds of the peer's silence after which the channel's end is followed by its close."""

_READ_OR_WRITE = Wait(Readiness.READ | Readiness.WRITE)
_TO_READ = Wait(Readiness.READ)
_TO_WRITE = Wait(Readiness.WRITE)
_NOTHING = Wait(Readiness.NONE)
_AT_ONCE = Wait(Readiness.READ, 0.0)
_CALLS = WATCHDOG.calls  # each look-up that is saved here is saved twice for each rpc
_now = time.monotonic


class _Held(enum.Enum):
    """What a write that would block waits for."""

    NOT = enum.auto()
    ROOM = enum.auto()
    """The kernel: nothing has been handed to libssh2."""
    REST = enum.auto()
    """The kernel, for the rest of a packet."""
    WINDOW = enum.auto()
    """The peer's window."""
    REKEYING = enum.auto()
    """The end of a key exchange that has begun in this very write."""
    REKEYED = enum.auto()
    """The end of a key exchange; all that the socket had before is taken in."""


_NOT = _Held.NOT  # looked up in an Enum, a member takes as long as a call of libssh2's
_REST = _Held.REST
_REKEY = (_Held.REKEYING, _Held.REKEYED)


class Libssh2Channel(Channel):
    """The byte stream of one channel, which owns the whole connection.

    A packet is handed to libssh2 only when the kernel is sure to take it whole. libssh2 1.11.1
    can do nothing else while it has half a packet, not even what the peer may be waiting for:
    a key exchange that begins just then never ends (libssh2#1672, #2110), and a retry with
    other bytes sends memory that is none of ours. Should half a packet come about all the
    same, nothing is read until the rest is out, and the rest is kept here.
    """

    def __init__(self, connection: Connection, info: ChannelInfo) -> None:
        self.info = info
        self.native = connection.session
        self._connection = connection
        self._socket_state = SocketState(connection)
        self._idle = True
        self._quiet = False
        self._held = _NOT
        self._stuck = 0
        self._keeps_alive = False
        self._wants = self._seen = _TO_READ
        self._over = False
        self._error: SSH2Error | None = None
        self._eof_sent = False
        self._closing = False
        self._close_sent = False
        self._sent_at = 0.0
        with connection, connection.lock:
            connection.check_not_ending()
            self._stderr = Stderr(connection)

    def fileno(self) -> int:
        """Return the socket's fd; -1 after the end."""
        return self._connection.fileno()

    def wants(self) -> Wait:
        """Return what libssh2 waits for, or room for a packet in the socket."""
        if not self._over:
            self._seen = self._wants
            if self._eof_sent and not self._closing and self._seen.until is None:
                return Wait(self._seen.on, self._silent_at())
        return self._seen

    def read(self, size: int) -> bytes | None:
        """Return what came on the channel; see `Channel.read`.

        stderr is dropped after its beginning: unread it would fill the window. Raises `SSHError`.
        """
        if self._quiet:
            self._quiet = False
            return None
        connection = self._connection
        try:
            with connection.lock:
                if connection.ending:
                    connection.check_not_ending()
                if (self._keeps_alive or self._held is not _NOT) and not self._may_read():
                    return None
                size = min(size, _READ)
                data = self._read(size)
                if connection.interrupted:
                    return self._cut_short(data)
                if data is None:
                    self._idle = True
                    self._wants = self._after_reading()
                    return None
                self._idle = False
                if self._stderr.listens:
                    self._stderr.stop()
                elif len(data) < size and self._held is _NOT and not self._over:
                    # All that libssh2 had: see `_written`.
                    directions = connection.session.block_directions()
                    if directions == _INBOUND and not connection.channel.eof():
                        self._quiet = True
                        self._wants = _TO_READ
                return data
        finally:
            if connection.ending:
                connection.free_if_idle()

    def write(self, data: memoryview) -> int:
        """Send up to a packet; see `Channel.write`.

        A failure to send shows in the next `read`, after what the peer had sent before.
        """
        connection = self._connection
        try:
            with connection.lock:
                if connection.ending:
                    connection.check_not_ending()
                if self._over or not data:
                    return 0
                packet = connection.unsent
                if packet is None and len(data) + OVERHEAD <= self._socket_state.credit:
                    packet = bytes(data)  # there is never credit for more than a packet
                elif (packet := self._next_packet(data, packet)) is None:
                    self._wants = self._blocked_on()
                    return 0
                connection.unsent = packet
                return self._write(packet)
        finally:
            if connection.ending:
                connection.free_if_idle()

    def heard(self) -> float:
        """Return when bytes last came in, keepalive replies included."""
        with self._connection, self._connection.lock:
            self._connection.check_not_ending()
            if not self._over:
                self._socket_state.has_arrivals()
            return self._socket_state.heard

    def keepalive(self) -> None:
        """Send keepalive@libssh2.org, which the server must answer (RFC 4254 section 4)."""
        connection = self._connection
        with connection, connection.lock:
            connection.check_not_ending()
            # libssh2 forgets a keepalive that would block, half sent, and all that follows
            # would wait for its other half.
            if self._over or connection.unsent is not None or not self._socket_state.has_room():
                return
            if not self._keeps_alive:
                connection.session.keepalive_config(True, _ALWAYS)
                self._keeps_alive = True
            with suppress(SSH2Error):  # a broken socket shows in the next read
                connection.session.keepalive_send()

    def finish(self) -> bool:
        """Send the channel's end, and its close when the peer is silent; see `Channel.finish`."""
        connection = self._connection
        with connection, connection.lock:
            connection.check_not_ending()
            self._quiet = self._idle = False  # libssh2 reads in these calls, too
            if self._over:
                return False  # it is `read` that tells why
            try:
                with connection.bounded():
                    return self._end_stream() and self._is_closed()
            except LOST as error:
                self._lose(error)
                return False
            except SSH2Error:  # the server has disconnected: there is no more to wait for
                return True
            finally:
                if connection.interrupted:
                    self._wants = _TO_WRITE

    def last_words(self) -> LastWords:
        """Return what came on stderr before the stream's first bytes, and how it was ended."""
        connection = self._connection
        with connection.lock:
            if connection.ending:
                return LastWords(self._stderr.said)
            self._stderr.listen()
            status, signal = None, b""
            with suppress(SSH2Error):
                # 0 stands for none, too, and for a signal.
                status = connection.channel.get_exit_status() or None
                signal = connection.channel.get_exit_signal()[1] or b""
            return LastWords(self._stderr.said, status, signal.decode("utf-8", "replace"))

    def close(self) -> None:
        """Send the channel's close and a disconnect if they go out at once; free everything."""
        self._end(disconnect=True)

    def abort(self) -> None:
        """Free everything."""
        self._end(disconnect=False)

    def _end(self, *, disconnect: bool) -> None:
        self._wants = self._seen = _NOTHING
        self._quiet = False
        self.native = None
        self._connection.end(disconnect=disconnect)

    def _end_stream(self) -> bool:
        """Send the channel's end, and return whether that is done."""
        connection = self._connection
        if self._eof_sent:
            return True
        if connection.unsent is not None:
            return False
        if not self._socket_state.grants_credit():
            self._wants = _READ_OR_WRITE
        elif connection.channel.send_eof() == AGAIN:
            self._wants = self._blocked_on()
        else:
            self._eof_sent = True
            self._held = _NOT
            self._wants = _TO_READ
            self._sent_at = time.monotonic()
        return self._eof_sent

    def _is_closed(self) -> bool:
        """Return whether the peer has closed; send our close when it is silent."""
        channel = self._connection.channel
        # It is at its end when all that came before has been read; and to ask for the close
        # before is an error.
        if channel.eof() and channel.wait_closed() != AGAIN:
            return True
        if not self._closing and (now := time.monotonic()) >= self._silent_at():
            self._closing = self._socket_state.grants_credit()
            self._sent_at = now
        if self._closing and not self._close_sent and channel.close() != AGAIN:
            # It waits for the peer's, and comes back with EAGAIN, or when any packet has come:
            # of that the fd tells no more. Called again after EAGAIN it sends nothing twice, but
            # what it could not send in a key exchange.
            self._close_sent = True
            self._wants = _AT_ONCE
        return False

    def _silent_at(self) -> float:
        return max(self._sent_at, self._socket_state.heard) + _QUIET

    def _may_read(self) -> bool:
        """Return whether reading may give anything, or let a blocked write go on."""
        if self._over:
            return True
        # libssh2 tells of data only. What else came, such as the reply to a keepalive, shows in
        # the socket before libssh2 takes it in, which it does when called.
        arrivals = self._idle and self._socket_state.has_arrivals()
        # REST: see the class. REKEYED: what read took in unseen, the write would wait for.
        held = self._held
        return held is not _REST and not (held is _Held.REKEYED and self._idle and not arrivals)

    def _read(self, size: int) -> bytes | None:
        """Have libssh2 read, for a bounded time."""
        connection, calls = self._connection, _CALLS
        calls[connection] = now = _now()
        if not WATCHDOG.awake:
            WATCHDOG.rouse()
        try:
            code: int
            data: bytes
            code, data = connection.channel.read(size)
            if not data:
                return self._take(size, code)
        except SSH2Error as error:
            return self._take(size, error)
        finally:
            del calls[connection]
        self._socket_state.heard = now
        return data

    def _write(self, packet: bytes) -> int:
        """Have libssh2 send a packet, for a bounded time; return how much of it was sent."""
        connection, calls = self._connection, _CALLS
        calls[connection] = _now()
        if not WATCHDOG.awake:
            WATCHDOG.rouse()
        try:
            code: int
            sent: int
            code, sent = connection.channel.write(packet)
            if sent != len(packet):
                return self._write_on(packet, code, sent)
        except LOST as error:
            self._lose(error)
            return 0
        except SSH2Error as error:
            raise self._failure(error) from error
        finally:
            del calls[connection]
            if connection.interrupted:
                connection.resume()
        return self._written(sent)

    def _cut_short(self, data: bytes | None) -> bytes | None:
        """Return what a read comes to that was interrupted: others are served, and then it again.

        Where TCP takes nothing of what libssh2 has sent in reading, that comes first.
        """
        resumed = self._connection.resume()
        self._idle = False
        self._socket_state.heard = time.monotonic()
        if data is None:
            self._wants = _AT_ONCE if resumed else _TO_WRITE
        return data

    def _take(self, size: int, result: int | SSH2Error) -> bytes | None:
        """Return what a read comes to that has given nothing, but this code or this error."""
        channel = self._connection.channel
        while True:
            if isinstance(result, SSH2Error):
                last = self._broken(result)
                if last is not None:
                    return last
            elif result == AGAIN:
                if not (self._stderr.listens and self._stderr.listen()):
                    return self._last(None) if self._over else None
            elif self._is_at_end():
                return b""
            # libssh2 has taken in something that is no packet, or has more to give: ask again.
            try:
                data: bytes
                result, data = channel.read(size)
            except SSH2Error as error:
                result = error
            else:
                if data:
                    return data

    def _is_at_end(self) -> bool:
        while self._stderr.listen():  # before stderr is read it is at no end
            pass
        return bool(self._connection.channel.eof())

    def _next_packet(self, data: memoryview, unsent: bytes | None) -> bytes | None:
        """Return what is to be sent next, `unsent` if there is some; None before there is room."""
        if unsent is None:
            if self._socket_state.grants_credit():
                return bytes(data[: self._socket_state.packet_size])
            self._held = _Held.ROOM
            return None
        if data[: len(unsent)] != unsent:
            raise TransportError("a write that would block was not retried with the same bytes")
        return unsent if self._held is not _REST or self._socket_state.grants_credit() else None

    def _write_on(self, packet: bytes, code: int, sent: int) -> int:
        """Do what can be done at once about a packet of which only so much was sent.

        Raises what libssh2 does. How much had been sent is nothing to anybody then.
        """
        connection, socket_state = self._connection, self._socket_state
        taken = sent
        for retries in range(_RETRIES, 0, -1):
            packet = packet[sent:]
            connection.unsent = packet
            blocked = code == AGAIN and connection.is_blocked_outbound()
            if retries == 1 or not (blocked and socket_state.has_room()):
                break
            code, sent = connection.channel.write(packet)
            taken += sent
            if sent == len(packet):
                return self._written(taken)
        socket_state.credit -= taken + OVERHEAD
        self._held = self._holding() if code == AGAIN else _NOT
        self._wants = self._blocked_on()
        return taken

    def _written(self, count: int) -> int:
        """Note that a packet is sent, and whether libssh2 has anything to give.

        A read or a write takes in all that the socket has before it gives out or sends anything
        (libssh2 1.11.1, channel.c), and the last it notes then is that it would wait for more;
        what comes later shows in the socket. A read gives out all that it has up to its size.
        """
        connection = self._connection
        connection.unsent = None
        self._socket_state.credit -= count + OVERHEAD
        self._held = _NOT
        self._stuck = 0
        drained = connection.session.block_directions() == _INBOUND
        if drained:
            channel = connection.channel
            try:
                drained = (
                    not channel.poll_channel_read(int(self._stderr.listens)) and not channel.eof()
                )
            except SSH2Error:  # it cannot tell once an answer to a keepalive is in its queue
                drained = False
        self._quiet = drained
        self._wants = _TO_READ if drained else self._blocked_on()
        return count

    def _holding(self) -> _Held:
        if self._connection.is_blocked_outbound():
            # When room does not help, the half packet is not this one but one that libssh2
            # sends in reading.
            return _NOT if self._socket_state.has_room() else _REST
        if not self._window():
            return _Held.WINDOW
        return _Held.REKEYED if self._held in _REKEY else _Held.REKEYING

    def _after_reading(self) -> Wait:
        # Reading may have taken in what the write waits for, after which the fd is silent.
        if self._held is _Held.WINDOW and self._window():
            return _READ_OR_WRITE
        if self._held in _REKEY:
            return _READ_OR_WRITE
        return self._blocked_on()

    def _blocked_on(self) -> Wait:
        if self._connection.is_blocked_outbound():
            self._stuck = self._stuck + 1 if self._socket_state.has_room() else 0
            if self._stuck > _PATIENCE:
                raise SSHError("SSH connection: libssh2 is stuck in the middle of a packet")
            return _TO_WRITE
        self._stuck = 0
        return _READ_OR_WRITE if self._held is _Held.ROOM else _TO_READ

    def _window(self) -> bool:
        try:
            return bool(self._connection.channel.window_write())
        except SSH2Error:  # larger than ssh2-python's int, where it is taken for an error
            return True

    def _lose(self, error: SSH2Error) -> None:
        # From here on libssh2 only gives out what it has. `wants` stays as it was last asked:
        # the fd's number comes to stand for something that an epoll has not been told of.
        connection = self._connection
        if isinstance(error, SocketSendError):
            with suppress(SSH2Error):
                connection.channel.wait_eof()  # takes in what came, and sends nothing
        self._over = True
        self._quiet = False
        self._held = _NOT
        if self._socket_state.was_broken():
            self._error = error
        connection.divert()

    def _broken(self, error: SSH2Error) -> bytes | None:
        if not isinstance(error, LOST):
            raise self._failure(error) from error
        if self._over:
            return self._last(error)
        self._lose(error)
        return None

    def _last(self, error: SSH2Error | None) -> bytes:
        error = self._error or error
        if error is not None:
            raise self._failure(error) from error
        return b""

    def _failure(self, error: SSH2Error) -> SSHError:
        if isinstance(error, SocketDisconnectError):
            return SSHError(
                "the server disconnected (SSH_MSG_DISCONNECT); libssh2 does not give out what "
                "the server had sent just before"
            )
        return SSHError(f"SSH connection: {self._connection.fault(error).describe()}")
