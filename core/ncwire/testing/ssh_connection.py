"""One SSH connection of the embedded server: paramiko's server side."""

from __future__ import annotations

import contextlib
import functools
import logging
import socket
import threading
import time
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from ncwire.testing.ssh_login import Login
from ncwire.testing.stream import ChannelStream, SessionInfo

if TYPE_CHECKING:
    from collections.abc import Callable

    import paramiko

    from ncwire.testing.access import Access
    from ncwire.testing.host_key import CertifiedKey

_LOG = logging.getLogger(__name__)
# A client may send anything; that is for those who ask for logs, not for stderr.
_LOG.addHandler(logging.NullHandler())


class SSHConnection:
    """A connected socket, served from here on by threads of its own until `abort`.

    `serve` is called in a thread for each session that the client starts, and `on_idle`
    whenever the last session has ended.
    """

    def __init__(
        self,
        sock: socket.socket,
        access: Access,
        host_key: paramiko.PKey,
        serve: Callable[[ChannelStream], None],
        on_idle: Callable[[], None],
        login: type[Login] = Login,
        certified: CertifiedKey | None = None,
    ) -> None:
        self.idle_since: float | None = time.monotonic()
        """When the last session ended, or the connection began; None while there is one."""
        self._serve = serve
        self._on_idle = on_idle
        self._sock = sock
        self._lock = threading.Lock()
        self._running = 0
        self._threads: list[threading.Thread] = []
        self._accepted: list[ChannelStream] = []
        """Sessions whose requests are not answered yet; for the transport's thread only."""
        self._transport = _new_transport(sock, host_key, before_read=self._start_accepted)
        if certified is not None:
            for algorithm in certified.algorithms:
                self._transport.server_key_dict[algorithm] = cast("paramiko.PKey", certified)
        self._login = _new_login(login, access, self._transport, self._start_session)
        # It is both: see `_new_login`.
        interface = cast("paramiko.ServerInterface", self._login)
        self._transport.start_server(threading.Event(), interface)

    @property
    def alive(self) -> bool:
        """Whether any thread of this connection is left."""
        return any(thread.is_alive() for thread in self._all_threads())

    def abort(self) -> None:
        """Cut the connection: all of its threads end. Idempotent."""
        # Shutting down, unlike closing, wakes a thread that is blocked in recv or send.
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def join(self, until: float) -> bool:
        """Wait for the threads to end; tell whether they did by `until` (`time.monotonic`)."""
        for thread in self._all_threads():
            if thread is not threading.current_thread():
                thread.join(max(0.0, until - time.monotonic()))
        return not self.alive

    def _start_session(
        self, channel: paramiko.Channel, request: str, environment: dict[str, str]
    ) -> None:
        username = channel.get_transport().get_username() or ""
        info = SessionInfo(username, request, MappingProxyType(environment))
        stream = ChannelStream(channel, info, self._start_thread)
        with self._lock:
            self._running += 1
            self.idle_since = None
        self._accepted.append(stream)

    def _start_accepted(self) -> None:
        self._take_tunnels()
        # A session that began, or even ended, before the client was told that its request has
        # succeeded would look to some like a refusal.
        while self._accepted:
            self._start_thread(functools.partial(self._run, self._accepted.pop()))

    def _take_tunnels(self) -> None:
        while self._login.opening:
            # The queue has every channel that was ever opened.
            channel = self._transport.accept(0)
            if channel is None:
                break
            self._login.tunnel_opened(channel)

    def _run(self, stream: ChannelStream) -> None:
        try:
            self._serve(stream)
        except ConnectionError as error:
            _LOG.info("session of %s: %s", stream.info.username, error)
        except Exception:  # noqa: BLE001 - what a script raises is its own, and ends no server
            _LOG.exception("session of %s", stream.info.username)
        finally:
            stream.close()
            with self._lock:
                self._running -= 1
                if not self._running:
                    self.idle_since = time.monotonic()
            self._on_idle()

    def _start_thread(self, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, name="ncwire-server-session", daemon=True)
        with self._lock:
            self._threads = [thread for thread in self._threads if thread.is_alive()]
            self._threads.append(thread)
            thread.start()

    def _all_threads(self) -> list[threading.Thread]:
        # The transport comes first: it is what starts the others.
        with self._lock:
            return [self._transport, *self._threads]


def _new_transport(
    sock: socket.socket, host_key: paramiko.PKey, before_read: Callable[[], None]
) -> paramiko.Transport:
    import paramiko  # noqa: PLC0415 - only those who start a server need it
    from paramiko.packet import Packetizer  # noqa: PLC0415 - only those who start a server need it

    class ServerPacketizer(Packetizer):
        heard: Callable[[int], None] = staticmethod(_nothing)
        """Called with the number of each message that has come."""
        changed: Callable[[paramiko.Message], paramiko.Message] = staticmethod(_unchanged)
        """Called with each message that is to be sent; what it returns is sent in its place."""

        def start_handshake(self, timeout: float) -> None:
            # paramiko 5.1 starts a timer thread here that outlives a failed handshake by 15 s.
            # The server itself cuts who takes too long.
            pass

        def read_message(self) -> tuple[int, paramiko.Message]:
            # The one place where all that the last message asked for has been done.
            before_read()
            number, message = super().read_message()
            self.heard(number)
            return number, message

        def send_message(self, data: paramiko.Message) -> None:
            # To a client that is gone. The thread that reads what has come sends, too, to make
            # room for more: it is to read the rest all the same, and finds the end after it.
            with contextlib.suppress(EOFError):
                super().send_message(self.changed(data))

    transport = paramiko.Transport(sock, packetizer_class=ServerPacketizer)
    # paramiko 5.1 would have its thread look up ten times a second; `abort` wakes it instead.
    sock.settimeout(None)
    transport.set_log_channel(__name__)
    transport.add_server_key(host_key)
    return transport


def _new_login(
    login: type[Login],
    access: Access,
    transport: paramiko.Transport,
    start_session: Callable[[paramiko.Channel, str, dict[str, str]], None],
) -> Login:
    import paramiko  # noqa: PLC0415 - only those who start a server need it

    class Interface(login, paramiko.ServerInterface):  # type: ignore[misc, valid-type] # a value
        pass

    interface: Login = Interface(access, transport, start_session)
    return interface


def _nothing(_number: int) -> None:
    pass


def _unchanged(message: paramiko.Message) -> paramiko.Message:
    return message
