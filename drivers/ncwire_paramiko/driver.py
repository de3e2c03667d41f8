"""`ParamikoDriver`: the steps of an SSH connection as paramiko's calls."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar, assert_never, cast

import paramiko
from paramiko.ssh_exception import IncompatiblePeer

from ncwire.driver import (
    AgentAttempt,
    Algorithms,
    AuthOutcome,
    AuthResult,
    ChannelInfo,
    Feature,
    HostKey,
    InteractiveAttempt,
    Library,
    NoneAttempt,
    PasswordAttempt,
    PublicKeyAttempt,
    SSHDriver,
    is_aead,
)
from ncwire.errors import (
    ChannelError,
    NcwireError,
    NoCommonAlgorithmError,
    PasswordExpiredError,
    SSHError,
)
from ncwire_paramiko import errors
from ncwire_paramiko.channel import ParamikoChannel
from ncwire_paramiko.connection import Connection
from ncwire_paramiko.keyboard_interactive import KeyboardInteractive
from ncwire_paramiko.keys import Agent, private_key

if TYPE_CHECKING:
    import socket
    from collections.abc import Generator, Mapping, Sequence

    from ncwire.driver import AgentIdentity, Attempt, Channel, ChannelRequest, Deadline

_ORIGINATOR = ("127.0.0.1", 0)
"""Who connects (RFC 4254 section 7.2). Our side has no socket for it, so this stands for none."""

_HANDSHAKE_BYTES = 1 << 20
"""What a server may send before keys are agreed on; OpenSSH's sends some 3,000."""


def _all_algorithms() -> Algorithms:
    # The options read the transport's attributes, which the class has as its instances do.
    options = paramiko.SecurityOptions(cast("paramiko.Transport", paramiko.Transport))
    plain = tuple(options.key_types)
    return Algorithms(
        kex=tuple(options.kex),
        # Paramiko takes a certificate of each, and lists none of them (Transport.preferred_keys).
        host_keys=(*plain, *(f"{name}-cert-v01@openssh.com" for name in plain)),
        ciphers=tuple(options.ciphers),
        macs=tuple(options.digests),
        # Not "zlib", which paramiko has too: it compresses before authentication.
        compression=("none", "zlib@openssh.com"),
    )


class ParamikoDriver(SSHDriver):
    """Carries a session over `paramiko.Transport`."""

    name = "paramiko"
    contract = (1, 0)
    features = SSHDriver.CORE_FEATURES | {
        Feature.PASSWORD,
        Feature.PUBLICKEY,
        Feature.KEYBOARD_INTERACTIVE,
        Feature.PROMPT_ECHO,
        Feature.AGENT,
        Feature.AGENT_SECURITY_KEY,
        Feature.USER_CERTIFICATE,
        Feature.ENVIRONMENT,
        Feature.KEEPALIVE,
        Feature.FINISH,
        Feature.ALGORITHMS,
        Feature.COMPRESSION,
        Feature.PROXY_JUMP,
        Feature.HOST_CERTIFICATE,
    }
    algorithms: ClassVar[Algorithms] = _all_algorithms()

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._aborted = False
        self._connection: Connection | None = None
        self._agent: Agent | None = None
        self._offered = Algorithms()
        self._banner = b""

    @classmethod
    def library(cls) -> str:
        """Return paramiko's name and version."""
        return f"paramiko {paramiko.__version__}"

    @classmethod
    def libraries(cls) -> Sequence[Library]:
        """Return paramiko."""
        return (Library("paramiko", paramiko.__version__, paramiko.__file__),)

    def handshake(
        self, sock: socket.socket, algorithms: Algorithms, deadline: Deadline
    ) -> HostKey:
        """Exchange identification strings and keys; see `SSHDriver.handshake`."""
        self._offered = algorithms
        connection = Connection(sock, algorithms)
        # Once, however often: on the logger, which paramiko's channels and packetizer share.
        connection.logger.addFilter(errors.fit_for_a_log)
        with self._lock:
            self._connection = connection
            aborted = self._aborted
        if aborted:
            connection.end()
        connection.adapter.allow(_HANDSHAKE_BYTES)
        with self._step(errors.HANDSHAKE, "SSH handshake", deadline):
            key = _exchange_keys(connection, algorithms, deadline)
        connection.adapter.allow(None)
        # Of a certificate paramiko has taken the key, and has seen to it that it signs.
        certificate = key.public_blob
        return HostKey.from_blob(key.asbytes() if certificate is None else certificate.key_blob)

    def agent_identities(self, agent: str, deadline: Deadline) -> Sequence[AgentIdentity]:
        """Return the agent's keys; see `SSHDriver.agent_identities`."""
        return self._loaded_agent(agent, deadline).identities()

    def authenticate(self, attempt: Attempt, deadline: Deadline) -> AuthOutcome:
        """Carry out one attempt; see `SSHDriver.authenticate`."""
        connection = self._connected()
        connection.said.forget()
        # The adapter's deadline needs paramiko's thread in its `recv`. Prompts are answered, and
        # an agent signs, on that very thread: then it is this timeout that holds.
        connection.auth_timeout = deadline.remaining()
        conversation = KeyboardInteractive()
        step = self._step(errors.AUTHENTICATION, "SSH authentication", deadline)
        with conversation.failure_unchanged(), step:
            self._carry_out(connection, attempt, conversation, deadline)
        # An attempt's banner is forgotten with the next attempt.
        self._banner = connection.get_banner() or self._banner
        if not connection.is_authenticated():
            return connection.said.outcome or AuthOutcome(AuthResult.DENIED)
        self._close_agent()
        return AuthOutcome(AuthResult.SUCCESS)

    def open_channel(
        self, request: ChannelRequest, environment: Mapping[str, str], deadline: Deadline
    ) -> Channel:
        """Open a channel and start what is requested; see `SSHDriver.open_channel`."""
        connection = self._connected()
        with self._step(errors.OPEN_CHANNEL, "SSH channel", deadline):
            channel = connection.open_session(timeout=deadline.remaining())
        connection.said.forget()
        with self._step(errors.START, f"{request.kind} {request.name}", deadline):
            for name, value in environment.items():
                channel.set_environment_variable(name, value)
            _start(connection, channel, request)
        return ParamikoChannel(connection, channel, self._info(connection))

    def open_tunnel(self, host: str, port: int, deadline: Deadline) -> Channel:
        """Open a channel to a host and port; see `SSHDriver.open_tunnel`."""
        connection = self._connected()
        with self._step(errors.OPEN_CHANNEL, "SSH tunnel", deadline):
            channel = _open_tunnel(connection, (host, port), deadline)
        return ParamikoChannel(connection, channel, self._info(connection))

    def abort(self) -> None:
        """Free everything at once; see `Driver.abort`."""
        with self._lock:
            self._aborted = True
            connection = self._connection
        if connection is not None:
            connection.end()
        self._close_agent()

    def _connected(self) -> Connection:
        if self._connection is None:
            raise SSHError("no handshake was made")
        return self._connection

    @contextmanager
    def _step(self, table: errors.Table, step: str, deadline: Deadline) -> Generator[None]:
        """Hold the deadline for what is done inside, and turn what it raises into ours."""
        connection = self._connected()
        connection.adapter.expire_at(deadline.at)
        try:
            yield
        except NcwireError:
            raise
        except Exception as error:
            if self._aborted:
                raise SSHError(f"{step}: aborted") from error
            if time.monotonic() >= deadline.at:
                raise deadline.error() from error
            raise errors.translate(table, step, connection.cause or error) from error
        except BaseException:
            connection.locks.let_go()
            raise
        finally:
            connection.adapter.expire_at(None)

    def _carry_out(
        self,
        connection: Connection,
        attempt: Attempt,
        conversation: KeyboardInteractive,
        deadline: Deadline,
    ) -> None:
        user = attempt.username
        try:
            match attempt:
                case NoneAttempt():
                    connection.auth_none(user)
                case PublicKeyAttempt():
                    connection.auth_publickey(user, private_key(attempt))
                case AgentAttempt(agent=path):
                    agent = self._loaded_agent(path, deadline)
                    connection.auth_publickey(user, agent.key(attempt, deadline))
                case PasswordAttempt(password=password):
                    _send_password(connection, user, password)
                case InteractiveAttempt():
                    connection.auth_interactive(user, conversation.answering(attempt))
                case _:
                    assert_never(attempt)
        except paramiko.AuthenticationException:
            # What the server said counts, not which exception paramiko makes of it; when it
            # said nothing, the connection failed.
            if connection.said.outcome is None:
                raise

    def _loaded_agent(self, path: str, deadline: Deadline) -> Agent:
        if self._agent is None:
            self._agent = Agent()
            self._agent.load(path, deadline)
        return self._agent

    def _close_agent(self) -> None:
        if self._agent is not None:
            self._agent.close()

    def _info(self, connection: Connection) -> ChannelInfo:
        offer = connection.said.offer
        theirs = offer.kex if offer is not None else ()
        cipher = connection.remote_cipher
        return ChannelInfo(
            library="paramiko",
            library_version=paramiko.__version__,
            server_version=connection.remote_version,
            banner=self._banner.decode("utf-8", "replace"),
            # RFC 4253 section 7.1: the first of the client's that the server has too.
            kex=next((name for name in self._offered.kex if name in theirs), ""),
            host_key_type=connection.host_key_type or "",
            cipher=cipher,
            mac="" if is_aead(cipher) else connection.remote_mac or "",
            compression=connection.remote_compression or "",
        )


def _exchange_keys(connection: Connection, ours: Algorithms, deadline: Deadline) -> paramiko.PKey:
    done = connection.locks.event()
    connection.start_client(event=done)
    if not done.wait(deadline.remaining()):
        raise deadline.error()
    key = connection.host_key
    if connection.initial_kex_done and key is not None:
        return key
    error = connection.cause or EOFError()
    offer = connection.said.offer
    if isinstance(error, IncompatiblePeer) and offer is not None:
        # Paramiko 5.1 wants a MAC in common with a cipher that needs none, too (transport.py,
        # _parse_kex_init): then it is that.
        raise offer.incompatibility(ours) or NoCommonAlgorithmError(
            "macs", ours, offer.for_client(ours)
        ) from error
    raise error


def _send_password(connection: Connection, user: str, password: str) -> None:
    try:
        # It would answer prompts with the password, which the core did not ask for.
        connection.auth_password(user, password, fallback=False)
    except paramiko.SSHException as error:
        if connection.said.wants_more:
            # Paramiko takes the request for prompts to an attempt that has none, and ends.
            raise PasswordExpiredError(
                "SSH authentication: the server wants the password changed"
            ) from error
        raise


def _open_tunnel(
    connection: Connection, target: tuple[str, int], deadline: Deadline
) -> paramiko.Channel:
    connection.said.forget()
    try:
        return connection.open_channel(
            "direct-tcpip", target, _ORIGINATOR, timeout=deadline.remaining()
        )
    except paramiko.ChannelException as error:
        reason = errors.refusal(error, connection.said.open_failure)
        raise ChannelError(f"the server refuses the tunnel: {reason}") from error


def _start(connection: Connection, channel: paramiko.Channel, request: ChannelRequest) -> None:
    start = {"subsystem": channel.invoke_subsystem, "exec": channel.exec_command}
    try:
        start[request.kind](request.name)
    except paramiko.SSHException as error:
        if not connection.said.refused:
            raise  # the connection's end, not a refusal
        raise ChannelError(f"{request.kind} {request.name}: the server refused it") from error
