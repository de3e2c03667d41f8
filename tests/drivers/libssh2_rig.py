"""Servers for the libssh2 driver's tests, and what drives a channel the way the core does."""

from __future__ import annotations

import atexit
import base64
import contextlib
import functools
import io
import os
import select
import socket
import subprocess
import textwrap
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import paramiko
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from fresh_interpreters import FreshInterpreters

from ncwire.driver import (
    Algorithms,
    AuthResult,
    Channel,
    ChannelRequest,
    Deadline,
    NoneAttempt,
    PasswordAttempt,
    PublicKeyAttempt,
    Readiness,
)
from ncwire_libssh2 import Libssh2Driver

if TYPE_CHECKING:
    from concurrent.futures import Future

MODERN = Algorithms(
    kex=("curve25519-sha256", "ecdh-sha2-nistp256"),
    host_keys=("ssh-ed25519", "rsa-sha2-512"),
    ciphers=("aes128-gcm@openssh.com", "aes128-ctr"),
    macs=("hmac-sha2-256",),
)


def soon(seconds: float = 10, step: str = "test") -> Deadline:
    return Deadline.after(seconds, step)


class Key:
    """A key pair, in the forms that an attempt and a server need."""

    def __init__(self, kind: str = "ed25519") -> None:
        private = {
            "ed25519": ed25519.Ed25519PrivateKey.generate,
            "ecdsa": lambda: ec.generate_private_key(ec.SECP256R1()),
            "rsa": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
        }[kind]()
        self.private = private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.OpenSSH,
            serialization.NoEncryption(),
        )
        self.public = (
            private.public_key()
            .public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
            .decode()
        )
        self.type, encoded = self.public.split()
        self.blob = base64.b64decode(encoded)

    def attempt(self, username: str = "root") -> PublicKeyAttempt:
        return PublicKeyAttempt(username, self.type, self.blob, self.private, "a key")


class Policy(paramiko.ServerInterface):
    """Accepts everybody and everything; tests override what they are about."""

    methods = "publickey,password,keyboard-interactive"
    password = "right"

    def __init__(self) -> None:
        self.seen: list[object] = []
        self.environment: dict[bytes, bytes] = {}

    def get_allowed_auths(self, username: str) -> str:
        return self.methods

    def check_auth_password(self, username: str, password: str) -> int:
        self.seen.append(("password", password))
        right = password == self.password
        return paramiko.AUTH_SUCCESSFUL if right else paramiko.AUTH_FAILED

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        return paramiko.AUTH_SUCCESSFUL

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED

    def check_channel_subsystem_request(self, channel: paramiko.Channel, name: str) -> bool:
        return name != "refused"

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        self.seen.append(("exec", command))
        return True

    def check_channel_env_request(
        self, channel: paramiko.Channel, name: bytes, value: bytes
    ) -> bool:
        self.environment[name] = value
        return name != b"REFUSED"


def tcp_pair() -> tuple[socket.socket, socket.socket]:
    """Two ends of a TCP connection on loopback."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = socket.create_connection(listener.getsockname())
        theirs, _ = listener.accept()
    for sock in (ours, theirs):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return ours, theirs


class StubServer:
    """One SSH connection of paramiko's server side, over TCP unless it is given a pair."""

    def __init__(
        self,
        policy: Policy | None = None,
        pair: tuple[socket.socket, socket.socket] | None = None,
        transport: type[paramiko.Transport] = paramiko.Transport,
    ) -> None:
        self.policy = policy or Policy()
        self.client_socket, self.socket = pair or tcp_pair()
        self.transport = transport(self.socket)
        key = io.StringIO(Key().private.decode())
        self.transport.add_server_key(paramiko.Ed25519Key.from_private_key(key))
        self.transport.start_server(event=threading.Event(), server=self.policy)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.transport.close()
        self.transport.join(10)
        self.socket.close()
        self.client_socket.close()

    def channel(self) -> paramiko.Channel:
        channel = self.transport.accept(10)
        assert channel is not None
        channel.settimeout(10)
        return channel


class Sshd:
    """OpenSSH's sshd, for root with a key, on a free port."""

    def __init__(self, folder: Path, *lines: str, subsystem: str = "/bin/cat") -> None:
        Path("/run/sshd").mkdir(exist_ok=True)
        folder.chmod(0o755)
        self.host_key = Key()
        (folder / "host").write_bytes(self.host_key.private)
        (folder / "host").chmod(0o600)
        self.keys = [Key("ed25519"), Key("rsa"), Key("ecdsa")]
        (folder / "authorized").write_text("".join(f"{key.public}\n" for key in self.keys))
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        config = (
            *lines,
            f"Port {self.port}",
            "ListenAddress 127.0.0.1",
            f"HostKey {folder / 'host'}",
            f"AuthorizedKeysFile {folder / 'authorized'}",
            "StrictModes no",
            "UsePAM no",
            "PidFile none",
            "AcceptEnv NCWIRE_*",
            # Else bash takes itself for the first of a login, and reads the user's ~/.bashrc.
            "SetEnv SHLVL=2",
            f"Subsystem netconf {subsystem}",
        )
        (folder / "config").write_text("\n".join(config) + "\n")
        self.process = subprocess.Popen(
            ["/usr/sbin/sshd", "-D", "-e", "-f", folder / "config"],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if b"Server listening" in line:
                break
        self._drain = threading.Thread(target=self.process.stderr.read, daemon=True)
        self._drain.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.process.terminate()
        self.process.wait()
        self._drain.join(10)
        assert self.process.stderr is not None
        self.process.stderr.close()

    def connect(self) -> socket.socket:
        sock = socket.create_connection(("127.0.0.1", self.port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def login(self) -> Libssh2Driver:
        driver = Libssh2Driver()
        driver.handshake(self.connect(), MODERN, soon())
        outcome = driver.authenticate(self.keys[0].attempt(), soon())
        assert outcome.result is AuthResult.SUCCESS
        return driver

    def open(self, name: str = "netconf") -> Channel:
        return self.login().open_channel(ChannelRequest(name), {}, soon())


def log_in(server: StubServer, username: str = "u") -> Libssh2Driver:
    driver = Libssh2Driver()
    driver.handshake(server.client_socket, MODERN, soon())
    driver.authenticate(NoneAttempt(username), soon())
    outcome = driver.authenticate(PasswordAttempt(username, "right"), soon())
    assert outcome.result is AuthResult.SUCCESS
    return driver


@contextlib.contextmanager
def stub_session(policy: Policy | None = None, pair=None):
    """A channel of the driver's, and the stub server's end of it."""
    with StubServer(policy, pair) as server:
        channel = log_in(server).open_channel(ChannelRequest("netconf"), {}, soon())
        try:
            yield server, channel, server.channel()
        finally:
            channel.abort()


class Peer:
    """Serves a channel as the core's pump does: write, read until None, wait for the fd."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.received = bytearray()
        self.ended = False
        self.blocked = 0
        self.waits = 0
        self.waited_for: set[Readiness] = set()

    def exchange(self, data: bytes = b"", until: int = 0, seconds: float = 60) -> bytes:
        """Send all of `data`, and return when so many bytes came, or at the end."""
        left = memoryview(data)
        give_up = time.monotonic() + seconds
        while True:
            while left:
                taken = self.channel.write(left)
                left = left[taken:]
                if not taken:
                    self.blocked += 1
                    break
            self.drain()
            if self.ended or (not left and len(self.received) >= until):
                break
            self.wait(give_up - time.monotonic())
        received = bytes(self.received)
        self.received.clear()
        return received

    def drain(self) -> None:
        while not self.ended and (data := self.channel.read(262_144)) is not None:
            self.ended = not data
            self.received += data

    def drain_until_done(self, future: Future[Any]) -> Any:
        """Read until what another thread does has returned; return its result."""
        woken, waker = socket.socketpair()
        with woken:
            future.add_done_callback(lambda _: waker.close())
            while not future.done():
                self.drain()
                self.wait(60, woken)
        return future.result()

    def wait(self, seconds: float, woken: socket.socket | None = None) -> None:
        on = self.channel.wants().on
        events = select.POLLIN * bool(on & Readiness.READ)
        events |= select.POLLOUT * bool(on & Readiness.WRITE)
        poll = select.poll()
        poll.register(self.channel.fileno(), events)
        if woken is not None:
            poll.register(woken, select.POLLIN)
        self.waits += 1
        self.waited_for.add(on)
        assert poll.poll(max(0, seconds * 1000)), f"stalled, waiting for {on}"


@contextlib.contextmanager
def nothing_left():
    """Fail when there are more fds or threads in the end than in the beginning."""

    def fds():
        return len(list(Path("/proc/self/fd").iterdir()))

    before, threads = fds(), set(threading.enumerate())
    yield
    assert fds() <= before
    assert not set(threading.enumerate()) - threads


class Proxy:
    """A TCP connection to a server that can be made to fall silent, both ways."""

    def __init__(self, server: socket.socket) -> None:
        self._server = server
        listener = socket.create_server(("127.0.0.1", 0))
        self.client_socket = socket.create_connection(listener.getsockname())
        self._inner, _ = listener.accept()
        listener.close()
        self._stop, self._stopper = socket.socketpair()
        self.silent = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._stopper.close()
        self._thread.join(10)
        for sock in (self._stop, self._inner, self._server, self.client_socket):
            sock.close()

    def hang_up(self) -> None:
        """End the connection from the server's side."""
        self._stopper.close()
        self._thread.join(10)
        self._inner.shutdown(socket.SHUT_RDWR)

    def _run(self) -> None:
        pairs = {self._inner: self._server, self._server: self._inner}
        while True:
            ready, _, _ = select.select([self._stop, *pairs], [], [])
            if self._stop in ready:
                return
            for sock in ready:
                data = sock.recv(65536)
                if self.silent.is_set():
                    continue
                if not data:
                    return
                pairs[sock].sendall(data)


def in_child(script: str, *arguments: object, seconds: float = 60) -> str:
    """Run a script in an interpreter of its own; whatever kills that fails the test."""
    return _interpreters().run(textwrap.dedent(script), [str(each) for each in arguments], seconds)


@functools.cache
def _interpreters() -> FreshInterpreters:
    interpreters = FreshInterpreters("libssh2_rig")
    atexit.register(interpreters.close)
    return interpreters


needs_sshd = [
    pytest.mark.sshd,
    pytest.mark.skipif(
        "CI" not in os.environ and (not Path("/usr/sbin/sshd").exists() or os.geteuid() != 0),
        reason="needs openssh-server, and root to log in as",
    ),
]
"""Marks of a test that needs OpenSSH's sshd; in CI it fails without."""


def with_sshd(test):
    for mark in needs_sshd:
        test = mark(test)
    return test
