"""`AsyncSSHServer`: a server of another make, with the script interface of the embedded server.

Imports AsyncSSH (2.24), which the kit can do without.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

import asyncssh

from ncwire.driver import HostKey
from ncwire.testing.host_key import generate_host_key, load_host_key
from ncwire.testing.stream import SessionInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ncwire.testing.conformance.login import Round

    Script = Callable[["SessionStream"], None]
    Challenge = tuple[str, str, str, Sequence[tuple[str, bool]]]

_SLICE = 1 << 16
"""Bytes handed over at once: AsyncSSH moves what is left of a piece for each packet of it."""
_KEPT = 1 << 20
"""Bytes that wait for `recv`, beyond which no more are taken from the peer."""


class SessionStream(asyncssh.SSHServerSession[bytes]):
    """The server's end of a session; see `ncwire.testing.ChannelStream`.

    AsyncSSH calls its methods on the loop's thread; `recv`, `send` and `close` are for others.
    """

    info: SessionInfo
    largest = 0
    """How many bytes of data the largest message of the client's had."""

    def __init__(self, loop: asyncio.AbstractEventLoop, username: str, script: Script) -> None:
        self._loop = loop
        self._username = username
        self._script = script
        self._changed = threading.Condition()
        self._came = bytearray()
        self._ended = False
        self._over = False
        self._sending = False
        """Whether the last piece has not been taken by AsyncSSH, or filled what it keeps."""

    # --- for AsyncSSH ----------------------------------------------------------------------

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        """Keep the channel."""
        self._channel = chan

    def subsystem_requested(self, subsystem: str) -> bool:
        """Take the one subsystem."""
        environment = self._channel.get_environment_bytes()
        variables = {name.decode(): value.decode() for name, value in environment.items()}
        self.info = SessionInfo(self._username, subsystem, MappingProxyType(variables))
        return subsystem == "netconf"

    def session_started(self) -> None:
        """Run the script."""
        threading.Thread(target=self._run, name="kit: AsyncSSH session", daemon=True).start()

    def data_received(self, data: bytes, datatype: int | None) -> None:
        """Keep what came for `recv`."""
        del datatype
        with self._changed:
            self.largest = max(self.largest, len(data))
            self._came += data
            if len(self._came) > _KEPT:
                self._channel.pause_reading()
            self._changed.notify_all()

    def eof_received(self) -> bool:
        """Note the end of the client's data; ours may go on."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        return True

    def pause_writing(self) -> None:
        """Have `send` wait."""
        self._sending = True

    def resume_writing(self) -> None:
        """Let `send` go on."""
        with self._changed:
            self._sending = False
            self._changed.notify_all()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let all that wait know: it is over."""
        del exc
        with self._changed:
            self._ended = self._over = True
            self._changed.notify_all()

    # --- for the script --------------------------------------------------------------------

    def recv(self, size: int = 1 << 16) -> bytes:
        """Return up to `size` bytes as soon as there are some; b"" at the stream's end."""
        with self._changed:
            self._changed.wait_for(lambda: self._came or self._ended)
            data = bytes(self._came[:size])
            del self._came[:size]
            if not self._over and len(self._came) <= _KEPT:
                self._loop.call_soon_threadsafe(self._channel.resume_reading)
            return data

    def send(self, data: bytes) -> None:
        """Send all of `data`; raises ConnectionError once the stream has ended."""
        self._send(data, None)

    def send_stderr(self, data: bytes) -> None:
        """Send all of `data` on the other stream; raises as `send` does."""
        self._send(data, asyncssh.EXTENDED_DATA_STDERR)

    def close(self, exit_status: int = 0) -> None:
        """End the stream; what was sent before arrives. Idempotent.

        AsyncSSH closes the channel without an end of the data before it (RFC 4254 section 5.3).
        """
        with self._changed:
            if not self._over:
                self._loop.call_soon_threadsafe(self._channel.exit, exit_status)

    def _run(self) -> None:
        with suppress(ConnectionError):
            self._script(self)
        self.close()

    def _send(self, data: bytes, datatype: int | None) -> None:
        for begin in range(0, len(data), _SLICE):
            piece = data[begin : begin + _SLICE]
            with self._changed:
                self._changed.wait_for(lambda: self._over or not self._sending)
                if self._over:
                    raise ConnectionError("the channel is closed")
                self._sending = True
                # With the lock held, so that the loop cannot have ended in between.
                self._loop.call_soon_threadsafe(self._write, piece, datatype)

    def _write(self, piece: bytes, datatype: int | None) -> None:
        self._sending = False
        with suppress(OSError):  # closed meanwhile, which `connection_lost` tells
            self._channel.write(piece, datatype)
        if not self._sending:
            self.resume_writing()


class _Login(asyncssh.SSHServer):
    """Takes the user's password, answers and key."""

    def __init__(self, server: AsyncSSHServer) -> None:
        self._server = server
        self._left: Iterator[Round] = iter(())
        self._asked: Round | None = None
        self._username = ""

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._server.connections.append(conn)

    def begin_auth(self, username: str) -> bool:
        self._username = username
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == (self._server.username, self._server.password)

    def kbdint_auth_supported(self) -> bool:
        return bool(self._server.rounds)

    def get_kbdint_challenge(self, username: str, lang: str, submethods: str) -> Challenge | bool:
        del username, lang, submethods
        self._left = iter(self._server.rounds)
        return self._challenge()

    def validate_kbdint_response(
        self, username: str, responses: Sequence[str]
    ) -> Challenge | bool:
        if self._asked is None or username != self._server.username:
            return False
        if tuple(responses) != self._asked.answers:
            return False
        return self._challenge()

    def session_requested(self) -> SessionStream:
        stream = SessionStream(asyncio.get_running_loop(), self._username, self._server.script)
        self._server.streams.append(stream)
        return stream

    def _challenge(self) -> Challenge | bool:
        self._asked = next(self._left, None)
        if self._asked is None:
            return True
        return self._asked.title, self._asked.instruction, "", self._asked.prompts


class AsyncSSHServer:
    """Listens on a free port of 127.0.0.1, and runs `script` for each session, in a thread.

    `window` is how many bytes of a session it takes before it has dealt with them, `packet` how
    many in one message; after `rekey_bytes` of its own, keys are exchanged anew. `rounds` are what
    keyboard-interactive asks; with none it is not offered.
    """

    def __init__(
        self,
        script: Script,
        *,
        username: str,
        password: str,
        authorized_keys: Sequence[str] = (),
        rounds: Sequence[Round] = (),
        window: int = 1 << 21,
        packet: int = 1 << 15,
        rekey_bytes: int = 1 << 30,
    ) -> None:
        self.script = script
        self.username = username
        self.password = password
        self.rounds = tuple(rounds)
        self.streams: list[SessionStream] = []
        self.connections: list[asyncssh.SSHServerConnection] = []
        private = generate_host_key()
        self.host_key = HostKey.from_blob(load_host_key(private).asbytes())
        self.port = 0
        self._options: dict[str, Any] = {
            "server_host_keys": [asyncssh.import_private_key(private)],
            "window": window,
            "max_pktsize": packet,
            "rekey_bytes": rekey_bytes,
        }
        if authorized_keys:
            keys = asyncssh.import_authorized_keys("\n".join(authorized_keys))
            self._options["authorized_client_keys"] = keys
        self._error: Exception | None = None
        self._up = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._down = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="kit: AsyncSSH", daemon=True)
        self._thread.start()
        self._up.wait()
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """Cut all connections. Idempotent."""
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._down.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        except Exception as error:  # noqa: BLE001 - told by the constructor
            self._error = error
        finally:
            self._loop.close()
            self._up.set()

    async def _serve(self) -> None:
        listener = await asyncssh.listen(
            "127.0.0.1", 0, server_factory=lambda: _Login(self), encoding=None, **self._options
        )
        self.port = listener.get_port()
        self._up.set()
        await self._down.wait()
        listener.close()
        for connection in self.connections:
            connection.abort()
        await listener.wait_closed()
        for stream in self.streams:
            stream.connection_lost(None)
        rest = asyncio.all_tasks() - {cast("asyncio.Task[Any]", asyncio.current_task())}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
