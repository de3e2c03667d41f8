"""AsyncSSH's connection, taken step by step: everything here runs on the loop's thread."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

import asyncssh

from ncwire.driver import (
    AuthOutcome,
    AuthResult,
    Forkable,
    HostKey,
    Prompt,
    one_line,
    point_at_nothing,
    watch_forks,
)
from ncwire.errors import PasswordExpiredError

if TYPE_CHECKING:
    from asyncssh.packet import SSHPacket

    from ncwire.driver import Algorithms, Intake

_Ask = Callable[[str, str, list[Prompt]], Awaitable[Sequence[str]]]
_METHODS = frozenset({"publickey", "password", "keyboard-interactive"})
_DISCONNECT, _USERAUTH_FAILURE = 1, 51  # RFC 4250 section 4.1.2


class Connection(asyncssh.SSHClientConnection, Forkable):
    """Waits after the key exchange, and after each attempt, for what the core wants next.

    AsyncSSH 2.24 goes on by itself by two methods, which are stopped here: `send_service_request`
    after the key exchange, and `try_next_auth` after each attempt.
    """

    def __init__(self, algorithms: Algorithms, intake: Intake) -> None:
        loop = asyncio.get_running_loop()
        options = asyncssh.SSHClientConnectionOptions(
            config=None,  # and so no file of the user's is read
            host="the server",
            client_factory=lambda: _Owner(self),
            known_hosts=None,  # the core verifies, by the key that `shake_hands` returns
            x509_trusted_certs=None,
            x509_trusted_cert_paths=[],
            username="",
            client_keys=None,
            agent_path=None,
            gss_host=None,
            login_timeout=0,
            kex_algs=algorithms.kex,
            server_host_key_algs=algorithms.host_keys,
            encryption_algs=algorithms.ciphers,
            mac_algs=list(algorithms.macs),
            compression_algs=algorithms.compression or ["none"],
        )
        super().__init__(loop, options)
        self.host_key = b""
        self.banner = ""
        self.lost = False
        self.disconnected = False
        """Whether the server has ended the connection by saying so."""
        self.clogged = False
        """Whether TCP takes no more."""
        self.unclogged: Callable[[], None] = _nothing
        self._intake = intake
        self._step: asyncio.Future[Any] = loop.create_future()
        self._service: bytes | None = None
        self._method: bytes | None = None
        self._partial: bool | None = None
        self._key: asyncssh.SSHKeyPair | None = None
        self._secret: str | None = None
        self._ask: _Ask | None = None
        self._transport_: asyncio.Transport | None = None
        self._fd = -1
        watch_forks(self)

    async def shake_hands(self) -> bytes:
        """Return the host key as it was presented, when keys have been exchanged."""
        await self._step
        return self.host_key

    async def attempt(
        self,
        username: str,
        method: str,
        key: asyncssh.SSHKeyPair | None = None,
        secret: str | None = None,
        ask: _Ask | None = None,
    ) -> AuthOutcome:
        """Make one attempt, and return what the server said."""
        if self.lost:
            raise ConnectionError("the connection is lost")
        self._step = asyncio.get_running_loop().create_future()
        self._username = username  # 2.24 has no other way to say it after the key exchange
        self._method, self._partial = method.encode(), None
        self._key, self._secret, self._ask = key, secret, ask
        if self._service is not None:
            service, self._service = self._service, None
            super().send_service_request(service)
        else:
            self.try_next_auth()
        outcome: AuthOutcome = await self._step
        return outcome

    async def leave(self) -> None:
        """Close in order: what was written goes out, as far as TCP takes it in a moment."""
        for channel in list(self._channels.values()):
            channel.write_eof()
            channel.close()
        transport = self._transport_
        try:
            if transport is not None and not self.lost:
                transport.set_write_buffer_limits(0)
                flowing = asyncio.Event()
                self.unclogged = flowing.set
                if self.clogged:
                    await flowing.wait()
        finally:
            self.close()

    def ping(self) -> None:
        """Send the request that OpenSSH's client sends as its keepalive."""
        if not self.lost and not self.clogged:
            self.create_task(self._make_global_request(b"keepalive@openssh.com"))  # type: ignore[arg-type]

    def flow(self, reading: bool) -> None:
        """Read from TCP, or do not.

        The whole connection is held, and not the channel alone: of what AsyncSSH has read and
        holds back for a channel nothing is left when the connection breaks.
        """
        transport = self._transport_
        if transport is not None:
            (transport.resume_reading if reading else transport.pause_reading)()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport_ = transport
        self._fd = transport.get_extra_info("socket").fileno()
        super().connection_made(transport)

    def data_received(self, data: bytes, datatype: asyncssh.DataType = None) -> None:
        self._intake.hear()
        super().data_received(data, datatype)

    def pause_writing(self) -> None:
        self.clogged = True

    def resume_writing(self) -> None:
        self.clogged = False
        self.unclogged()

    def validate_server_host_key(self, key_data: bytes) -> asyncssh.SSHKey:
        """Take whatever key signs the first exchange, and only that one in those that follow."""
        if self.host_key and key_data != self.host_key:
            raise asyncssh.HostKeyNotVerifiable("the host key has changed in a key exchange")
        self.host_key = key_data
        return _public_key(key_data)

    def send_service_request(self, service: bytes) -> None:
        """Stop: keys have been exchanged."""
        self._service = service
        self._done(None)

    def process_packet(
        self, pkttype: int, pktid: int, packet: SSHPacket
    ) -> bool | Awaitable[None]:
        """Look at what AsyncSSH keeps to itself: partial success, and that it was a disconnect."""
        if pkttype == _USERAUTH_FAILURE:
            self._partial = packet.get_remaining_payload()[-1:] != b"\0"
        elif pkttype == _DISCONNECT:
            self.disconnected = True
        return super().process_packet(pkttype, pktid, packet)

    def try_next_auth(self, *, next_method: bool = False) -> None:
        """Begin the attempt, or end it: AsyncSSH would go on to another."""
        method, self._method = self._method, None
        if method is not None:
            self._auth_methods = [method]
            super().try_next_auth()
            return
        if self.auth is not None:
            self.auth.cancel()
        if self._partial is None:  # it was not even made
            self._done(AuthOutcome(AuthResult.DENIED))
        else:
            result = AuthResult.PARTIAL if self._partial else AuthResult.DENIED
            self._done(AuthOutcome(result, _METHODS & {*self.get_server_auth_methods()}))

    async def public_key_auth_requested(self) -> asyncssh.SSHKeyPair | None:
        return self._key

    async def password_auth_requested(self) -> str | None:
        return self._secret

    async def password_change_requested(self, prompt: str, lang: str) -> Any:
        """End the attempt: no password is changed here."""
        self._failed(PasswordExpiredError("the server wants the password changed"))
        return NotImplemented

    async def kbdint_auth_requested(self) -> str | None:
        return ""

    async def kbdint_challenge_received(
        self, name: str, instructions: str, lang: str, prompts: Sequence[tuple[str, bool]]
    ) -> Sequence[str] | None:
        """Have the prompts answered, in the thread that waits for the attempt."""
        if self._ask is None:
            return None
        return await self._ask(name, instructions, [Prompt(*each) for each in prompts])

    def succeeded(self) -> None:
        self._done(AuthOutcome(AuthResult.SUCCESS))

    def ended(self, error: Exception | None) -> None:
        self.lost = True
        self._failed(error or ConnectionError("the server closed the connection"))
        self.unclogged()

    def abandon_in_child(self) -> None:
        if not self.lost:
            point_at_nothing(self._fd)

    def _done(self, result: object) -> None:
        if not self._step.done():
            self._step.set_result(result)

    def _failed(self, error: Exception) -> None:
        if not self._step.done():
            self._step.set_exception(error)
            self._step.exception()  # if nobody waits for it, that is no news


class _Owner(asyncssh.SSHClient):
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def auth_banner_received(self, msg: str, lang: str) -> None:
        self._connection.banner += msg

    def auth_completed(self) -> None:
        self._connection.succeeded()

    def connection_lost(self, exc: Exception | None) -> None:
        self._connection.ended(exc)


def _public_key(blob: bytes) -> asyncssh.SSHKey:
    kind = HostKey.from_blob(blob).type
    text = f"{kind} {b64encode(blob).decode()}"
    if "-cert-" in kind:
        return asyncssh.import_certificate(text).key
    return asyncssh.import_public_key(text)


def _nothing() -> None:
    pass


def describe(error: Exception) -> str:
    """Return what happened in words, fit for a terminal; the text may be the peer's."""
    if isinstance(error, asyncssh.Error):
        return one_line(error.reason, 600)
    if isinstance(error, OSError):
        return error.strerror or str(error)
    # What a parser says of it may quote what it parsed.
    return f"the server broke the protocol ({type(error).__name__})"
