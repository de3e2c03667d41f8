"""`AsyncSSHDriver`: the steps of an SSH connection as coroutines of AsyncSSH's."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import asyncssh
from asyncssh.encryption import get_encryption_algs
from asyncssh.kex import get_kex_algs
from asyncssh.mac import get_mac_algs
from asyncssh.public_key import get_certificate_algs, get_public_key_algs

from ncwire.driver import (
    AgentAttempt,
    AgentIdentity,
    Algorithms,
    AuthOutcome,
    Feature,
    HostKey,
    Intake,
    InteractiveAttempt,
    LoopThread,
    NoneAttempt,
    PasswordAttempt,
    PublicKeyAttempt,
    SSHDriver,
)
from ncwire.errors import (
    ChannelError,
    DisconnectError,
    HandshakeError,
    KeyFileError,
    NcwireError,
    SSHError,
)
from ncwire_asyncssh.channel import AsyncSSHChannel, Session
from ncwire_asyncssh.connection import Connection, describe

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence

    from ncwire.driver import Attempt, Channel, ChannelRequest, Deadline, Lease

_ResultT = TypeVar("_ResultT")

_WINDOW = 1 << 20


def _names(*lists: list[bytes]) -> tuple[str, ...]:
    return tuple(name.decode() for names in lists for name in names)


class AsyncSSHDriver(SSHDriver):
    """Carries a session over AsyncSSH, whose event loop all connections share."""

    name = "asyncssh"
    contract = (1, 0)
    features = SSHDriver.CORE_FEATURES | {
        Feature.PASSWORD,
        Feature.PUBLICKEY,
        Feature.KEYBOARD_INTERACTIVE,
        Feature.PROMPT_ECHO,
        Feature.AGENT,
        Feature.ENVIRONMENT,
        Feature.KEEPALIVE,
        Feature.FINISH,
        Feature.ALGORITHMS,
        Feature.COMPRESSION,
        Feature.PROXY_JUMP,
        Feature.HOST_CERTIFICATE,
    }
    algorithms = Algorithms(
        kex=_names(get_kex_algs()),
        host_keys=_names(get_public_key_algs(), get_certificate_algs()),
        ciphers=_names(get_encryption_algs()),
        macs=_names(get_mac_algs()),
        # Not "zlib", which compresses before authentication.
        compression=("none", "zlib@openssh.com"),
    )
    _loop = LoopThread("ncwire-asyncssh")

    def __init__(self) -> None:
        self._aborted = False
        self._sock: socket.socket | None = None
        self._lease: Lease | None = None
        self._connection: Connection | None = None
        self._intake = Intake()

    @classmethod
    def library(cls) -> str:
        return f"asyncssh {asyncssh.__version__}"

    def handshake(
        self, sock: socket.socket, algorithms: Algorithms, deadline: Deadline
    ) -> HostKey:
        self._sock = sock
        self._lease = self._loop.lease()
        if self._aborted:
            self._lease.abort()

        async def shake_hands() -> bytes:
            connection = self._connection = Connection(algorithms, self._intake)
            await asyncio.get_running_loop().create_connection(lambda: connection, sock=sock)
            return await connection.shake_hands()

        key = self._run(deadline, "SSH handshake", shake_hands, failure=HandshakeError)
        return HostKey.from_blob(key)

    def agent_identities(self, agent: str, deadline: Deadline) -> Sequence[AgentIdentity]:
        async def identities() -> list[AgentIdentity]:
            async with _agent(agent) as client:
                try:
                    return [_identity(each) for each in await client.get_keys()]
                except ValueError:  # there is none
                    return []

        return self._run(deadline, "SSH agent", identities)

    def authenticate(self, attempt: Attempt, deadline: Deadline) -> AuthOutcome:
        return self._run(deadline, "SSH authentication", partial(self._attempt, attempt))

    async def _attempt(self, attempt: Attempt) -> AuthOutcome:
        make, user = self._connected().attempt, attempt.username
        match attempt:
            case NoneAttempt():
                return await make(user, "none")
            case PasswordAttempt(password=password):
                return await make(user, "password", secret=password)
            case PublicKeyAttempt():
                return await make(user, "publickey", key=_key_of(attempt))
            case AgentAttempt():
                async with _agent(attempt.agent) as client:
                    (key,) = await client.get_keys([attempt.identity.blob])
                    return await make(user, "publickey", key=_with_sha2(key))
            case InteractiveAttempt(answer=answer):
                # In the thread that waits for it: a person answers, and the loop serves others.
                lease = self._leased()
                return await make(
                    user, "keyboard-interactive", ask=lambda *asked: lease.ask(answer, *asked)
                )

    def open_channel(
        self, request: ChannelRequest, environment: Mapping[str, str], deadline: Deadline
    ) -> Channel:
        is_command = request.kind == "exec"

        async def open_session(connection: Connection, session: Session) -> None:
            await connection.create_session(
                lambda: session,
                command=request.name if is_command else None,
                subsystem=None if is_command else request.name,
                env=[f"{name}={value}" for name, value in environment.items()],
                request_pty=False,
                encoding=None,
                window=_WINDOW,
            )

        return self._open(f"{request.kind} {request.name}", open_session, deadline)

    def open_tunnel(self, host: str, port: int, deadline: Deadline) -> Channel:
        async def open_tunnel(connection: Connection, session: Session) -> None:
            await connection.create_connection(
                lambda: session, host, port, "127.0.0.1", 0, encoding=None, window=_WINDOW
            )

        return self._open("SSH tunnel", open_tunnel, deadline)

    def _open(
        self,
        what: str,
        function: Callable[[Connection, Session], Coroutine[Any, Any, None]],
        deadline: Deadline,
    ) -> Channel:
        connection = self._connected()
        session = Session(connection, self._intake)
        self._run(deadline, what, partial(function, connection, session))
        return AsyncSSHChannel(self._leased(), connection, session, self._intake)

    def abort(self) -> None:
        self._aborted = True
        if self._lease is not None:
            self._lease.abort()
            self._lease.post(self._cut)
            self._lease.release()
        else:
            self._cut()

    def _cut(self) -> None:
        if self._connection is not None:
            self._connection.abort()
        elif self._sock is not None:
            self._sock.close()

    def _run(
        self,
        deadline: Deadline,
        step: str,
        function: Callable[[], Coroutine[Any, Any, _ResultT]],
        failure: type[SSHError] = SSHError,
    ) -> _ResultT:
        async def translated() -> _ResultT:
            # Here, and not around `call`: what interrupts that, or an answer raises, is not ours.
            try:
                return await function()
            except NcwireError:
                raise
            except Exception as error:
                kind = ChannelError if isinstance(error, asyncssh.ChannelOpenError) else failure
                connection = self._connection
                if connection is not None and connection.lost:
                    told = connection.disconnected and failure is SSHError
                    kind = DisconnectError if told else failure
                raise kind(f"{step}: {describe(error)}") from error

        return self._leased().call(deadline, translated)

    def _leased(self) -> Lease:
        if self._lease is None:
            raise SSHError("no handshake was made")
        return self._lease

    def _connected(self) -> Connection:
        if self._connection is None:
            raise SSHError("no handshake was made")
        return self._connection


@asynccontextmanager
async def _agent(path: str) -> AsyncIterator[asyncssh.SSHAgentClient]:
    client = asyncssh.SSHAgentClient(path)
    try:
        yield client
    finally:
        client.close()


def _key_of(attempt: PublicKeyAttempt) -> asyncssh.SSHKeyPair:
    try:
        (pair,) = asyncssh.load_keypairs([asyncssh.import_private_key(attempt.private_key)])
    except asyncssh.KeyImportError as error:
        raise KeyFileError(attempt.source, "AsyncSSH cannot use this key") from error
    return _with_sha2(pair)


def _with_sha2(pair: asyncssh.SSHKeyPair) -> asyncssh.SSHKeyPair:
    if pair.algorithm == b"ssh-rsa":
        pair.set_sig_algorithm(b"rsa-sha2-512")
    return pair


def _identity(pair: asyncssh.SSHKeyPair) -> AgentIdentity:
    key = HostKey.from_blob(pair.public_data)
    comment = (pair.get_comment_bytes() or b"").decode("utf-8", "replace")
    return AgentIdentity(key.type, key.blob, comment)
