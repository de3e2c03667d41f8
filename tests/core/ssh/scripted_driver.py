"""A driver without a library: it keeps the contract, and its answers are a script."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ncwire._algorithms.offer import MODERN
from ncwire.driver import (
    AgentAttempt,
    AgentIdentity,
    AuthOutcome,
    AuthResult,
    Channel,
    ChannelInfo,
    Feature,
    HostKey,
    InteractiveAttempt,
    NoneAttempt,
    PasswordAttempt,
    Prompt,
    PublicKeyAttempt,
    SSHDriver,
)
from ncwire.errors import ChannelError, SSHError, TransportError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def open_fds() -> set[str]:
    """Return this process's open fds, without the one that the listing needs."""
    return {path.name for path in list(Path("/proc/self/fd").iterdir()) if path.is_symlink()}


HOST_KEY = HostKey.from_blob(b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + bytes(32))


@dataclass
class Server:
    """What the server of a script says."""

    host_key: object = HOST_KEY
    steps: list[frozenset[str]] = field(default_factory=lambda: [frozenset({"password"})])
    """The methods wanted, a set for each step of authentication; empty: none wanted."""
    password: str = "right"
    keys: Sequence[bytes] = ()
    identities: Sequence[AgentIdentity] = ()
    prompts: Sequence[Sequence[Prompt]] = ((Prompt("Password: ", False),),)
    answers: Sequence[Sequence[str]] = (("right",),)
    max_denied: int = 6
    tells: bool = True
    """Whether the driver tells what the server said of methods, and of success in part."""
    subsystems: Sequence[str] = ("netconf",)
    tunnels: list[tuple[str, int]] = field(default_factory=list)
    """Where tunnels were asked to lead."""
    on: dict[str, Callable[[], object]] = field(default_factory=dict)
    """What happens first in a step: "handshake", "authenticate", "open_channel",
    "open_tunnel", "abort"."""


class ScriptedChannel(Channel):
    def __init__(self, driver: ScriptedDriver) -> None:
        self.info = ChannelInfo("scripted", "1")
        self.native = driver
        self._driver = driver

    def fileno(self) -> int:
        return self._driver.sock.fileno()

    def read(self, size):
        try:
            return self._driver.sock.recv(size)
        except BlockingIOError:
            return None
        except OSError as error:
            raise TransportError(str(error)) from error

    def write(self, data):
        try:
            return self._driver.sock.send(data)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise TransportError(str(error)) from error

    def close(self) -> None:
        self._driver.abort()

    def abort(self) -> None:
        self._driver.calls.append("channel.abort")
        self._driver.abort()


class ScriptedDriver(SSHDriver):
    name = "scripted"
    contract = (1, 0)
    features = SSHDriver.CORE_FEATURES | frozenset(
        {
            Feature.PASSWORD,
            Feature.PUBLICKEY,
            Feature.AGENT,
            Feature.USER_CERTIFICATE,
            Feature.KEYBOARD_INTERACTIVE,
            Feature.ENVIRONMENT,
            Feature.ALGORITHMS,
            Feature.PROXY_JUMP,
        }
    )
    algorithms = MODERN
    server = Server()

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.attempts: list[object] = []
        self.deadlines: list[object] = []
        self.sock = None
        self.offered = None
        self.environment = None
        self.denied = 0
        self.asked = 0
        self.step = 0
        self.aborted = threading.Event()

    @classmethod
    def library(cls) -> str:
        return "scripted 1"

    def _called(self, step: str) -> None:
        self.calls.append(step)
        self.server.on.get(step, lambda: None)()

    def handshake(self, sock, algorithms, deadline):
        self.sock = sock
        self.offered = algorithms
        self.deadlines.append(deadline)
        self._called("handshake")
        return self.server.host_key

    def agent_identities(self, agent, deadline):
        self.agent = agent
        self._called("agent_identities")
        return self.server.identities

    def authenticate(self, attempt, deadline):
        self.deadlines.append(deadline)
        self._called("authenticate")
        methods = self.server.steps[self.step] if self.step < len(self.server.steps) else None
        if isinstance(attempt, NoneAttempt):
            if not methods:
                return AuthOutcome(AuthResult.SUCCESS)
            self.asked += 1
            self._count(self.asked > 1)
            return AuthOutcome(AuthResult.DENIED, methods)
        self.attempts.append(attempt)
        method, good = self._judge(attempt)
        assert method in methods or not self.server.tells, "tried, and not wanted"
        good = good and method in methods
        self._count(not good)
        if good:
            self.step += 1
        if self.step == len(self.server.steps):
            return AuthOutcome(AuthResult.SUCCESS)
        if not self.server.tells:
            unwanted_key = method == "publickey" and not good
            return AuthOutcome(AuthResult.DENIED if unwanted_key else AuthResult.UNCLEAR)
        if not good:
            return AuthOutcome(AuthResult.DENIED, methods)
        return AuthOutcome(AuthResult.PARTIAL, self.server.steps[self.step])

    def _count(self, failure: bool) -> None:
        self.denied += failure
        if self.denied >= self.server.max_denied:
            raise SSHError("connection closed: Too many authentication failures")

    def _judge(self, attempt) -> tuple[str, bool]:
        match attempt:
            case PublicKeyAttempt(blob=blob, certificate=certificate):
                return "publickey", (certificate or blob) in self.server.keys
            case AgentAttempt(identity=identity, certificate=certificate):
                return "publickey", (certificate or identity.blob) in self.server.keys
            case PasswordAttempt(password=password):
                return "password", password == self.server.password
            case InteractiveAttempt(answer=answer):
                given = [answer("t", "i", prompts) for prompts in self.server.prompts]
                return "keyboard-interactive", [tuple(a) for a in given] == [
                    tuple(a) for a in self.server.answers
                ]
        raise AssertionError(attempt)

    def open_channel(self, request, environment, deadline):
        self.deadlines.append(deadline)
        self.environment = environment
        self._called(f"open_channel {request.name}")
        self._called("open_channel")
        if request.name not in self.server.subsystems:
            raise ChannelError("subsystem request failed")
        self.sock.setblocking(False)
        return ScriptedChannel(self)

    def open_tunnel(self, host, port, deadline):
        self.deadlines.append(deadline)
        self._called("open_tunnel")
        self.server.tunnels.append((host, port))
        self.sock.setblocking(False)
        return ScriptedChannel(self)

    def abort(self) -> None:
        self.aborted.set()
        self._called("abort")
        if self.sock is not None:
            self.sock.close()


def scripted(**server) -> type[ScriptedDriver]:
    """Return a driver class that plays against such a server."""

    class Scripted(ScriptedDriver):
        contract = (1, 0)

    Scripted.server = Server(**server)
    return Scripted
