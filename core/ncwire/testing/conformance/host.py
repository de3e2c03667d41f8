"""`Host`: the server that a driver connects to, and its ends of the sessions."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, Protocol

from ncwire.testing.conformance.login import ScriptedLogin
from ncwire.testing.conformance.plain_server import PlainServer
from ncwire.testing.conformance.task import Stuck, Task
from ncwire.testing.fault_proxy import FaultProxy
from ncwire.testing.server import EmbeddedServer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ncwire.driver import HostKey
    from ncwire.testing.stream import SessionInfo

USERNAME = "admin"
PASSWORD = "pässwörd-2f6b1c"  # noqa: S105 - of a server on loopback; not ASCII, to see UTF-8


class Stream(Protocol):
    """What every kind of server hands to its script."""

    info: SessionInfo

    def recv(self, size: int = ...) -> bytes:
        """Return what has come; b"" at the end."""

    def send(self, data: bytes) -> None:
        """Send all."""

    def send_stderr(self, data: bytes) -> None:
        """Send all, where there is an stderr."""

    def close(self, exit_status: int = ...) -> None:
        """End the stream, with an exit status where there is one."""


class Server(Protocol):
    """What listens, whatever it speaks."""

    def close(self) -> None:
        """Cut all connections. Idempotent."""


class ServerEnd:
    """The server's end of one session. Every method runs in a thread of its own."""

    def __init__(self, stream: Stream, patience: float) -> None:
        self.stream = stream
        self.released = threading.Event()
        """Set when the test is done with the session."""
        self._patience = patience

    def send(self, data: bytes) -> None:
        """Send all of `data`, which is so little that it needs no reader."""
        self.sending(data).result(self._patience)

    def sending(self, data: bytes) -> Task[None]:
        """Begin to send all of `data`."""
        return Task(lambda: self.stream.send(data), f"the server sending {len(data)} bytes")

    def complaining(self, size: int) -> Task[None]:
        """Begin to send so many bytes on stderr."""
        return Task(
            lambda: self.stream.send_stderr(bytes(size)), f"the server's {size} bytes of stderr"
        )

    def receiving(self, size: int) -> Task[bytes]:
        """Begin to take in `size` bytes, or fewer should the stream end."""
        return Task(lambda: self._receive(size), f"the server receiving {size} bytes")

    def receiving_to_end(self) -> Task[bytes]:
        """Begin to take in all bytes up to the stream's end."""
        return Task(lambda: self._receive(None), "the server receiving to the stream's end")

    def close(self) -> None:
        """End the stream from the server's side."""
        Task(self.stream.close, "the server closing").result(self._patience)

    def leave(self, complaint: bytes, exit_status: int) -> None:
        """Say something on stderr, and end the stream with an exit status."""

        def say_and_close() -> None:
            self.stream.send_stderr(complaint)
            self.stream.close(exit_status)

        Task(say_and_close, "the server leaving").result(self._patience)
        self.released.set()

    def _receive(self, size: int | None) -> bytes:
        data = bytearray()
        while size is None or len(data) < size:
            part = self.stream.recv(1 << 16 if size is None else min(1 << 16, size - len(data)))
            if not part:
                break
            data += part
        return bytes(data)


class Host:
    """A server behind a relay, which is what listens on `port`; made by a `Rig`."""

    def __init__(self, server: Server, relay: FaultProxy, ends: Ends, patience: float) -> None:
        self.relay = relay
        self.port = relay.port
        self._server = server
        self._ends = ends
        self._patience = patience

    @classmethod
    def plain(cls, patience: float) -> Host:
        """Return one that speaks TCP in the clear."""
        ends = Ends(patience)
        server = PlainServer(ends.hand_over)
        return cls(server, FaultProxy(("127.0.0.1", server.port)), ends, patience)

    @property
    def known_hosts(self) -> str:
        """The text of a known_hosts file that has the server, under any name."""
        return ""

    def end(self, seconds: float | None = None) -> ServerEnd:
        """Return the server's end of the next session, which is to come within so long."""
        return self._ends.next(self._patience if seconds is None else seconds)

    @property
    def sessions(self) -> int:
        """How many sessions have been started."""
        return self._ends.count

    @property
    def idle(self) -> bool:
        """Whether every connection has ended."""
        return self.relay.idle

    def close(self) -> None:
        """End everything. Idempotent."""
        self._ends.release()
        self.relay.close()
        self._server.close()


class SSHHost(Host):
    """One that speaks SSH."""

    def __init__(
        self,
        server: EmbeddedServer,
        ends: Ends,
        patience: float,
        login: type[ScriptedLogin],
    ) -> None:
        super().__init__(server, FaultProxy((server.host, server.port)), ends, patience)
        self.host_key: HostKey = server.host_key
        self.login = login

    @classmethod
    def start(
        cls,
        patience: float,
        *,
        password: str = PASSWORD,
        authorized_keys: Sequence[str] = (),
        auth_methods: Sequence[str] = ("publickey", "password"),
        private_host_key: str | None = None,
        host_certificate: str | None = None,
        login: type[ScriptedLogin] | None = None,
        max_auth_tries: int = 6,
        auth_banner: str | None = None,
    ) -> SSHHost:
        """Return one that lets `USERNAME` in by the password and by each authorized key."""
        ends = Ends(patience)
        login = login or ScriptedLogin.of()
        server = EmbeddedServer(
            username=USERNAME,
            password=password,
            authorized_keys=authorized_keys,
            auth_methods=auth_methods,
            max_auth_tries=max_auth_tries,
            auth_banner=auth_banner,
            subsystems=("netconf",),
            commands=("netconf --stdio",),
            private_host_key=private_host_key,
            host_certificate=host_certificate,
            script=ends.hand_over,
            login=login,
        )
        return cls(server, ends, patience, login)

    @property
    def known_hosts(self) -> str:
        """The text of a known_hosts file that has the server, under any name."""
        return f"* {self.host_key.type} {self.host_key.base64}\n"


class Ends:
    """The sessions that have been started, for the test to take."""

    def __init__(self, patience: float) -> None:
        self.count = 0
        """How many there have been."""
        self._patience = patience
        self._queue: queue.SimpleQueue[ServerEnd] = queue.SimpleQueue()
        self._all: list[ServerEnd] = []

    def hand_over(self, stream: Stream) -> None:
        """Be a server's script: hold a session until the test is done with it."""
        end = ServerEnd(stream, self._patience)
        self._all.append(end)
        self.count += 1
        self._queue.put(end)
        end.released.wait()

    def next(self, seconds: float) -> ServerEnd:
        """Return the next session, which is to come within so long."""
        try:
            return self._queue.get(timeout=seconds)
        except queue.Empty:
            raise Stuck(f"the server saw no session within {seconds:g} s") from None

    def release(self) -> None:
        """Be done with all sessions."""
        for end in self._all:
            end.released.set()
