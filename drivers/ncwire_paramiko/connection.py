"""One SSH connection: paramiko's transport over a `SocketAdapter`, and where it would wait."""

from __future__ import annotations

import logging
import threading
import weakref
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

import paramiko
from paramiko.common import (
    MSG_CHANNEL_CLOSE,
    MSG_CHANNEL_FAILURE,
    MSG_CHANNEL_OPEN_FAILURE,
    MSG_DISCONNECT,
    MSG_KEXINIT,
    MSG_USERAUTH_FAILURE,
    MSG_USERAUTH_INFO_REQUEST,
    MSG_USERAUTH_SUCCESS,
    cMSG_DISCONNECT,
    cMSG_GLOBAL_REQUEST,
    cMSG_KEXINIT,
    cMSG_SERVICE_REQUEST,
)
from paramiko.packet import Packetizer

from ncwire.driver import AuthOutcome, AuthResult, Forkable, KexInit, watch_forks
from ncwire_paramiko import limits
from ncwire_paramiko.errors import Disconnected
from ncwire_paramiko.greeting import identification
from ncwire_paramiko.locks import Channels, Locks
from ncwire_paramiko.socket_adapter import SocketAdapter
from ncwire_paramiko.wording import readable

if TYPE_CHECKING:
    import socket

    from paramiko.message import Message

    from ncwire.driver import Algorithms

_LOGGER = "ncwire.driver.paramiko"
_BY_APPLICATION = 11  # SSH_DISCONNECT_BY_APPLICATION, RFC 4253 section 11.1
_END_PATIENCE = 1.0
_LEAST_PACKET = 65
"""What paramiko takes off for its own headers (channel.py, 5.1), and one byte."""


class Connection(paramiko.Transport, Forkable):
    """A client's transport: `paramiko.Transport`, with a `SocketAdapter` for its socket.

    Seven things of paramiko's are replaced. What a user of the connection sends during a key
    exchange is kept until the exchange is over, where paramiko makes the sender wait. The
    thread closes all fds when it ends. Certificate types are offered only when they are asked
    for. The server's identification is looked for as OpenSSH's client does. The authentication
    service is asked for once (RFC 4253 section 10), and not anew for each attempt. A message has
    no more data than the server takes (RFC 4254 section 5.2), where paramiko's least is 4 KiB. And
    `_Packetizer` starts no timer thread, since the `SocketAdapter` knows the deadline.
    """

    def __init__(self, sock: socket.socket, algorithms: Algorithms) -> None:
        self.adapter = SocketAdapter(sock)
        super().__init__(cast("socket.socket", self.adapter), packetizer_class=_Packetizer)
        self.packetizer: _Packetizer
        self.locks = Locks()
        self.lock = self.locks.make()  # type: ignore[assignment]  # the stubs know Lock only
        self.server_accept_cv = threading.Condition(self.lock)
        self._channels = Channels(self.locks)
        self.set_log_channel(_LOGGER)
        self._held: deque[Message] = deque()
        self._opened: weakref.WeakSet[paramiko.Channel] = weakref.WeakSet()
        self._asked_for_service = False
        self._attempt_waits = False
        self.adapter.between_packets = self._attempt
        options = self.get_security_options()
        options.kex = algorithms.kex
        options.key_types = algorithms.host_keys
        options.ciphers = algorithms.ciphers
        options.digests = algorithms.macs
        options.compression = algorithms.compression or ("none",)
        watch_forks(self)

    @property
    def preferred_keys(self) -> tuple[str, ...]:
        """The host key algorithms that were asked for, and no certificate types beside them."""
        return tuple(self.get_security_options().key_types)

    @property
    def said(self) -> Said:
        """What the server has said that paramiko does not tell."""
        return self.packetizer.said

    @property
    def cause(self) -> BaseException | None:
        """What ended the connection other than in good order, if anything has."""
        if self.saved_exception is not None:
            return self.saved_exception
        if self.said.disconnect is not None and self.said.disconnect[0] != _BY_APPLICATION:
            return Disconnected(self.said.disconnect[1] or "the server disconnected")
        return None

    @property
    def can_send(self) -> bool:
        """Whether what is sent now goes to TCP, and needs neither new keys nor a reading peer."""
        return not self.adapter.backlog and not self._held and self.clear_to_send.is_set()

    def request_reply(self) -> None:
        """Send a global request that any server answers, if only by refusing (RFC 4254, 4)."""
        message = paramiko.Message()
        message.add_byte(cMSG_GLOBAL_REQUEST)
        message.add_string("keepalive@openssh.com")
        message.add_boolean(True)  # want reply
        self._send_user_message(message)

    def send_disconnect(self, channel: paramiko.Channel) -> None:
        """Send the channel's end and close, and the disconnect, as far as that goes at once."""
        if not self.is_active():
            return
        # Paramiko's own: its thread answers the peer's close at the same time, and only one may.
        channel.close()
        message = paramiko.Message()
        message.add_byte(cMSG_DISCONNECT)
        message.add_int(_BY_APPLICATION)
        message.add_string("closed by the user")
        message.add_string("")
        self._send_user_message(message)

    def end(self) -> None:
        """Close the socket, and see the thread and all fds gone. Idempotent, from any thread.

        Only a callback of the user's that answers a prompt, or an agent that signs, can keep
        the thread longer; it then ends, and frees all, when that returns.
        """
        self.adapter.close()
        if self.ident is None:
            self.adapter.release()
        elif threading.current_thread() is not self:
            self.join(_END_PATIENCE)

    def run(self) -> None:
        """Serve the connection until it ends: paramiko's own, and then free the fds."""
        try:
            super().run()
        finally:
            self.adapter.release()
            self.adapter.between_packets()

    def open_channel(self, *args: Any, **options: Any) -> paramiko.Channel:
        """Open a channel: paramiko's own, and note it for `abandon_in_child`."""
        channel = super().open_channel(*args, **options)
        self._opened.add(channel)
        return channel

    def abandon_in_child(self) -> None:
        """Be closed, and wait for no lock that paramiko's thread or another held; see `Forkable`.

        Paramiko takes them when a channel is collected (channel.py, __del__), and at the exit.
        """
        self.active = False
        self.lock = threading.Lock()
        self.clear_to_send_lock = threading.Lock()
        for channel in self._opened:
            channel.lock = threading.Lock()
            channel.closed = True

    def _send_user_message(self, data: Message) -> None:
        # Paramiko's waits for up to 30 s while keys are exchanged, and reads call it too.
        with self.clear_to_send_lock:
            if self.clear_to_send.is_set() and not self._held:
                self._send_message(data)
            else:
                self._held.append(data)
        if self.packetizer.need_rekey():
            # The transport's thread starts the exchange, and it may be waiting for the peer.
            self.adapter.wake()

    def _parse_newkeys(self, m: Message) -> None:
        super()._parse_newkeys(m)  # type: ignore[misc]  # the stubs have public names only
        with self.clear_to_send_lock:
            while self._held:
                self._send_message(self._held.popleft())

    def _sanitize_packet_size(self, max_packet_size: int | None) -> int:
        if max_packet_size is None:
            return self.default_max_packet_size
        return max(max_packet_size, _LEAST_PACKET)

    def _check_banner(self) -> None:
        self.remote_version = identification(self.packetizer)

    def _send_message(self, data: Message) -> None:
        # None is asked for after the login; and every message of a session goes through here.
        if self.packetizer.said.logged_in or data.asbytes()[:1] != cMSG_SERVICE_REQUEST:
            super()._send_message(data)  # type: ignore[misc]  # the stubs have public names only
        elif not self._asked_for_service:
            self._asked_for_service = True
            super()._send_message(data)  # type: ignore[misc]
        else:
            self._attempt_waits = True
            self.adapter.wake()

    def _attempt(self) -> None:
        """Send the attempt that waits. On paramiko's thread, which also sends the first one.

        An agent signs there, the lock of the transport not being held, and what fails ends it.
        """
        if self._attempt_waits and self.active:
            self._attempt_waits = False
            self.auth_handler._parse_service_accept(_service_accepted())  # type: ignore[union-attr]  # noqa: SLF001 - what it does when it is asked for no more

    if TYPE_CHECKING:
        remote_cipher: str
        remote_mac: str | None
        remote_compression: str | None


def _service_accepted() -> Message:
    message = paramiko.Message()
    message.add_string("ssh-userauth")
    message.rewind()
    return message


class Said:
    """What the server has said that paramiko reads and does not keep."""

    def __init__(self) -> None:
        self.offer: KexInit | None = None
        """What it offered for the last key exchange."""
        self.outcome: AuthOutcome | None = None
        """Its refusal of the last authentication attempt."""
        self.logged_in = False
        """Whether it has granted the login."""
        self.refused = False
        """Whether it refused the last channel request that wanted a reply."""
        self.wants_more = False
        """Whether it answered the last attempt with message 60: to a password, "change it"."""
        self.open_failure = ""
        """Why it opened no channel, in its own words."""
        self.disconnect: tuple[int, str] | None = None
        """The reason code and text of its disconnect message."""
        self.closed: set[int] = set()
        """The channels that it has closed, by our numbers."""

    def forget(self) -> None:
        """Forget what it answered: something new is asked."""
        self.outcome = None
        self.refused = False
        self.wants_more = False
        self.open_failure = ""

    def take(self, kind: int, message: Message) -> None:
        """Note what is in a message."""
        if kind == MSG_USERAUTH_FAILURE:
            methods = frozenset(message.get_list())
            partial = message.get_boolean()
            self.outcome = AuthOutcome(
                AuthResult.PARTIAL if partial else AuthResult.DENIED, methods
            )
        elif kind == MSG_USERAUTH_SUCCESS:
            self.logged_in = True
        elif kind == MSG_CHANNEL_FAILURE:
            self.refused = True
        elif kind == MSG_USERAUTH_INFO_REQUEST:
            self.wants_more = True  # RFC 4252 section 8 gives the number another meaning
        elif kind == MSG_CHANNEL_OPEN_FAILURE:
            message.get_int()  # the channel
            message.get_int()  # the reason's code, which paramiko keeps
            self.open_failure = message.get_text()
        elif kind == MSG_CHANNEL_CLOSE:
            self.closed.add(message.get_int())
        elif kind == MSG_DISCONNECT:
            self.disconnect = (message.get_int(), message.get_text())
        elif kind == MSG_KEXINIT:
            with suppress(ValueError):  # paramiko will find it, too
                self.offer = KexInit.from_payload(cMSG_KEXINIT + message.asbytes())
        message.rewind()


class _Packetizer(Packetizer):
    """Paramiko's packets, noting on their way what paramiko does not keep."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock)
        self.said = Said()
        self._take = sock.send
        self._sending = threading.Lock()
        self._torn = False

    def start_handshake(self, timeout: float) -> None:
        """Start no thread for a timer, which would outlive the connection."""

    def send_message(self, data: Message) -> None:
        """Send a message, unless an interrupt came in the middle of an earlier one.

        Then the cipher and TCP may be a part of a message apart, and paramiko's own lock, which
        no other thread waits for here, may be held for ever.
        """
        with self._sending:
            if self._torn:
                return
            try:
                super().send_message(data)
            except BaseException:
                self._torn = True
                raise

    def write_all(self, out: Any) -> None:
        """Send it all: the adapter takes it, and what is raised there is none of the socket's.

        Paramiko's own takes anything that is raised for a broken connection, and loses it.
        """
        self._take(bytes(out))

    def read_message(self) -> tuple[int, Message]:
        """Return the next message, and take note of it."""
        kind, message = super().read_message()
        if kind in _LOOKED_AT:
            if kind in _NOTED:
                message = readable(kind, message)
                self.said.take(kind, message)
            if kind in limits.COUNTED:
                limits.check_count(kind, message)
        return kind, message

    def read_all(self, n: int, check_rekey: bool = False) -> bytes:  # noqa: FBT001, FBT002 - paramiko's
        """Read as many bytes, if a packet may have them."""
        if n > limits.LONGEST:
            limits.check_length(n)
        return super().read_all(n, check_rekey)


_NOTED = frozenset(
    {
        MSG_CHANNEL_CLOSE,
        MSG_CHANNEL_FAILURE,
        MSG_CHANNEL_OPEN_FAILURE,
        MSG_DISCONNECT,
        MSG_KEXINIT,
        MSG_USERAUTH_FAILURE,
        MSG_USERAUTH_INFO_REQUEST,
        MSG_USERAUTH_SUCCESS,
    }
)
_LOOKED_AT = _NOTED | limits.COUNTED


class _Quieter(logging.Filter):
    """Makes paramiko's errors debug messages: each of them reaches the caller as an exception."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let a record pass as a debug message, where these are wanted."""
        record.levelno, record.levelname = logging.DEBUG, "DEBUG"
        return logging.getLogger(_LOGGER).isEnabledFor(logging.DEBUG)


logging.getLogger(_LOGGER).addFilter(_Quieter())
