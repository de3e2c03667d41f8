"""Peers that fall silent at a step, each with the error that names it."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from ncwire.driver import Feature
from ncwire.errors import HelloTimeoutError, NcwireError, StepTimeoutError
from ncwire.testing import EmbeddedServer, FaultProxy
from ncwire.testing.conformance.awkward import AwkwardPeer, Unanswering
from ncwire.testing.ssh_login import Login

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


PATIENCE = 10.0
KEXINIT, NEWKEYS, KEX_REPLY = 20, 21, 31  # RFC 4250 section 4.1.2, RFC 5656 section 7.1
IDENTIFICATION = 0


@dataclass
class Peer:
    """Who falls silent: where it listens, how one gets to know, and what to connect with."""

    port: int
    silent: threading.Event
    release: Callable[[], object]
    parameters: dict[str, Any] = field(default_factory=dict)
    since: float = 0.0
    """When it fell silent, on the clock of `time.monotonic`."""

    def fall_silent(self) -> None:
        self.since = time.monotonic()
        self.silent.set()


@dataclass(frozen=True)
class Row:
    name: str
    peer: Callable[..., Any]
    budget: str
    """What is given of `Timeouts`."""
    step: str
    """What the error names."""
    error: type[NcwireError] = StepTimeoutError
    needs: Feature | None = None
    """What a driver has to declare for the step to be there."""


@contextlib.contextmanager
def unanswering(_request) -> Iterator[Peer]:
    with contextlib.closing(Unanswering()) as peer:
        yield started(Peer(peer.port, threading.Event(), lambda: None))


@contextlib.contextmanager
def sshd_until(message: int | None, request, *, drip: bool = False) -> Iterator[Peer]:
    """OpenSSH's sshd, of which nothing passes after that message, or only byte by byte."""
    server = request.getfixturevalue("sshd")
    with FaultProxy((server.host, server.port)) as proxy:
        parameters = {"username": server.user, "key_filename": str(server.client_key)}
        peer = Peer(proxy.port, threading.Event(), proxy.thaw, parameters)

        def fault() -> None:
            proxy.drip(0.1) if drip else proxy.freeze()
            peer.fall_silent()

        if message is None:
            fault()
        else:
            proxy.after_message(message, fault)
        yield peer


@contextlib.contextmanager
def dripping_lines(_request) -> Iterator[Peer]:
    """A peer that says line after line, a byte each tenth of a second, and never who it is."""
    over = threading.Event()

    def act(sock: socket.socket) -> bool:
        for byte in b"please wait\r\n" * 100:
            sock.sendall(bytes([byte]))
            if over.wait(0.1):
                break
        return False

    with contextlib.closing(AwkwardPeer(act)) as awkward:
        yield started(Peer(awkward.port, threading.Event(), over.set))


@contextlib.contextmanager
def server_stuck_in(hook: str, request, *methods: str, **parameters) -> Iterator[Peer]:
    """The embedded server, which never answers what it has that hook for."""
    released = threading.Event()

    def stick(self, *arguments):
        peer.fall_silent()
        released.wait(60)
        return getattr(Login, hook)(self, *arguments)

    stuck = type("StuckLogin", (Login,), {hook: stick})
    with embedded(request, login=stuck, auth_methods=methods or ("password",)) as server:
        credentials = {"username": server.username, "password": server.password}
        peer = Peer(server.port, threading.Event(), released.set, credentials | parameters)
        yield peer


@contextlib.contextmanager
def server_stuck_at_a_key(request) -> Iterator[Peer]:
    key = client_key(request)
    hook = "check_auth_publickey"
    with server_stuck_in(hook, request, "publickey", password=None, key_filename=str(key)) as peer:
        yield peer


def server_stuck_at_prompts(request) -> contextlib.AbstractContextManager[Peer]:
    return stuck_while_prompting("check_auth_interactive", request)


def server_stuck_at_answers(request) -> contextlib.AbstractContextManager[Peer]:
    return stuck_while_prompting("check_auth_interactive_response", request)


@contextlib.contextmanager
def stuck_while_prompting(hook: str, request) -> Iterator[Peer]:
    answers = {
        "password": None,
        "auth_handler": lambda _title, _text, prompts: ["?"] * len(prompts),
    }
    with server_stuck_in(hook, request, "keyboard-interactive", **answers) as peer:
        yield peer


@contextlib.contextmanager
def stuck_agent(answers: int, request) -> Iterator[Peer]:
    """An SSH agent that answers so many requests, and sshd, which is not to blame."""
    agent, server = request.getfixturevalue("ssh_agent"), request.getfixturevalue("sshd")
    agent.add(server.client_key)
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket(socket.AF_UNIX))
        path = agent.socket.with_name("stuck.sock")
        listener.bind(str(path))
        listener.listen()
        request.getfixturevalue("monkeypatch").setenv("SSH_AUTH_SOCK", str(path))
        parameters = {"username": server.user, "allow_agent": True}
        peer = Peer(server.port, threading.Event(), lambda: None, parameters)
        left = [answers]

        def relay(client: socket.socket) -> None:
            with client, socket.socket(socket.AF_UNIX) as real, client.makefile("rb") as asked:
                real.connect(str(agent.socket))
                while head := asked.read(4):
                    body = asked.read(int.from_bytes(head, "big"))
                    if not left[0]:
                        peer.fall_silent()
                        continue
                    left[0] -= 1
                    real.sendall(head + body)
                    with real.makefile("rb") as said:
                        head = said.read(4)
                        client.sendall(head + said.read(int.from_bytes(head, "big")))

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    relay(listener.accept()[0])

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield peer
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(PATIENCE)


@contextlib.contextmanager
def server_without_a_hello(request) -> Iterator[Peer]:
    released = threading.Event()

    def script(_stream) -> None:
        peer.fall_silent()
        released.wait(60)

    with embedded(request, script=script) as server:
        credentials = {"username": server.username, "password": server.password}
        peer = Peer(server.port, threading.Event(), released.set, credentials)
        yield peer


@contextlib.contextmanager
def embedded(request, **settings) -> Iterator[EmbeddedServer]:
    key = client_key(request).with_name(client_key(request).name + ".pub").read_text()
    with EmbeddedServer(authorized_keys=[key], **settings) as server:
        yield server


def client_key(request) -> Path:
    return request.getfixturevalue("key_ring").key("client")


def started(peer: Peer) -> Peer:
    peer.fall_silent()
    return peer


ENVIRONMENT = {"environment": {"NCWIRE_TEST": "1"}}
ROWS = [
    Row("TCP connect", unanswering, "connect", "TCP connect to"),
    Row("identification", partial(sshd_until, None), "handshake", "SSH handshake"),
    Row(
        "identification, dripping",
        partial(sshd_until, None, drip=True),
        "handshake",
        "SSH handshake",
    ),
    Row("lines before it, dripping", dripping_lines, "handshake", "SSH handshake"),
    Row("KEXINIT", partial(sshd_until, IDENTIFICATION), "handshake", "SSH handshake"),
    Row(
        "KEXINIT, dripping",
        partial(sshd_until, IDENTIFICATION, drip=True),
        "handshake",
        "SSH handshake",
    ),
    Row("key exchange reply", partial(sshd_until, KEXINIT), "handshake", "SSH handshake"),
    Row("NEWKEYS", partial(sshd_until, KEX_REPLY), "handshake", "SSH handshake"),
    # libssh2 asks for the service as the last thing of its handshake.
    Row(
        "service request",
        partial(sshd_until, NEWKEYS),
        "handshake auth",
        "SSH handshake|authentication by none",
    ),
    Row(
        "authentication, none",
        partial(server_stuck_in, "check_auth_none"),
        "auth",
        "authentication by none",
    ),
    Row(
        "authentication, publickey",
        server_stuck_at_a_key,
        "auth",
        "authentication by publickey",
    ),
    Row(
        "authentication, password",
        partial(server_stuck_in, "check_auth_password"),
        "auth",
        "authentication by password",
    ),
    Row(
        "prompts",
        server_stuck_at_prompts,
        "auth",
        "authentication by keyboard-interactive",
        needs=Feature.KEYBOARD_INTERACTIVE,
    ),
    Row(
        "verdict on the answers",
        server_stuck_at_answers,
        "auth",
        "authentication by keyboard-interactive",
        needs=Feature.KEYBOARD_INTERACTIVE,
    ),
    Row("the agent's keys", partial(stuck_agent, 0), "auth", "listing the agent's keys"),
    # OpenSSH's client tells the agent of the host before it asks for its keys (PROTOCOL.agent).
    Row(
        "the agent's signature",
        partial(stuck_agent, 1),
        "auth",
        "authentication by publickey|listing the agent's keys",
    ),
    Row("channel", partial(server_stuck_in, "check_channel_request"), "channel", "subsystem"),
    Row(
        "environment",
        partial(server_stuck_in, "check_channel_env_request", **ENVIRONMENT),
        "channel",
        "starting subsystem netconf",
    ),
    Row(
        "subsystem",
        partial(server_stuck_in, "check_channel_subsystem_request"),
        "channel",
        "starting subsystem netconf",
    ),
    Row("hello", server_without_a_hello, "hello", "hello", HelloTimeoutError),
    Row("all together", partial(sshd_until, KEXINIT), "overall", r"SSH handshake \(connect\)"),
]
