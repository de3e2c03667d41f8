"""Drives a driver's steps by hand, as the core does: for tests of drivers by themselves."""

from __future__ import annotations

import select
import socket
import threading
import time
from base64 import b64decode
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import serialization

from ncwire.driver import (
    Algorithms,
    AuthResult,
    Channel,
    ChannelRequest,
    Deadline,
    PublicKeyAttempt,
    Readiness,
    SSHDriver,
    Wakeup,
)

if TYPE_CHECKING:
    from pathlib import Path

    from servers.sshd import Sshd

PATIENCE = 30.0
_READINESS = {Readiness.READ: select.POLLIN, Readiness.WRITE: select.POLLOUT}


def within(seconds: float = PATIENCE, step: str = "test") -> Deadline:
    return Deadline.after(seconds, step)


def tcp(server: Sshd) -> socket.socket:
    return socket.create_connection((server.host, server.port), PATIENCE)


def key_attempt(user: str, path: Path) -> PublicKeyAttempt:
    key = serialization.load_ssh_private_key(path.read_bytes(), None)
    kind, blob = key.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    ).decode().split()  # fmt: skip
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption(),
    )
    return PublicKeyAttempt(user, kind, b64decode(blob), private, str(path))


def handshake(
    driver: SSHDriver,
    server: Sshd,
    offered: Algorithms | None = None,
    sock: socket.socket | None = None,
) -> None:
    driver.handshake(sock or tcp(server), offered or driver.algorithms, within())


def log_in(
    driver: SSHDriver,
    server: Sshd,
    offered: Algorithms | None = None,
    sock: socket.socket | None = None,
) -> None:
    handshake(driver, server, offered, sock)
    outcome = driver.authenticate(key_attempt(server.user, server.client_key), within())
    assert outcome.result is AuthResult.SUCCESS


def execute(driver: SSHDriver, server: Sshd, command: str) -> Stream:
    """Log in, run a command of the shell's, and return its stdin and stdout."""
    log_in(driver, server)
    return run(driver, command)


def run(driver: SSHDriver, command: str) -> Stream:
    """Run a command of the shell's over a connection that is logged in."""
    return Stream(driver.open_channel(ChannelRequest(command, "exec"), {}, within()))


class Stream:
    """Reads and writes a channel as the pump does: it waits for the fd, or to be woken."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self._wakeup = Wakeup()
        self._poll = select.poll()
        self._poll.register(self._wakeup, select.POLLIN)
        self.wakes = threading.Semaphore(0)
        channel.on_ready(self._wake)

    def read(self, size: int = 1 << 18) -> bytes:
        """Return what comes next, b"" at the end."""
        while (data := self.channel.read(size)) is None:
            self.wait()
        return data

    def read_exactly(self, size: int) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            data = self.read()
            assert data, f"the end came after {len(parts)} bytes of {size}"
            parts += data
        assert len(parts) == size
        return bytes(parts)

    def read_to_the_end(self) -> bytes:
        return b"".join(iter(self.read, b""))

    def write(self, data: bytes) -> None:
        """Write it all, and take nothing in meanwhile."""
        view = memoryview(data)
        while view:
            written = self.channel.write(view)
            view = view[written:]
            if not written:
                self.wait(reading=False)

    def exchange(self, data: bytes, expected: int) -> bytes:
        """Write and read at the same time, until as much as expected has come."""
        view, parts = memoryview(data), bytearray()
        while len(parts) < expected:
            written = self.channel.write(view) if view else 0
            view = view[written:]
            while (part := self.channel.read(1 << 18)) is not None:
                assert part, f"the end came after {len(parts)} bytes of {expected}"
                parts += part
            if not written and len(parts) < expected:
                self.wait()
        return bytes(parts)

    def fill(self, data: bytes) -> int:
        """Write until it would block; return how much that was."""
        view = memoryview(data)
        while written := self.channel.write(view):
            view = view[written:]
        return len(data) - len(view)

    def wait(self, *, reading: bool = True, seconds: float | None = None) -> None:
        """Wait for the fd as the channel wants it, for the channel's time, or to be woken.

        For so many seconds at most, where some are given.
        """
        wants = self.channel.wants()
        on = wants.on if reading else wants.on & ~Readiness.READ
        events = sum(_READINESS[each] for each in on)
        fd = self.channel.fileno()
        self._poll.register(fd, events)
        due = PATIENCE if wants.until is None else wants.until - time.monotonic()
        seconds, impatient = (
            min(due, PATIENCE if seconds is None else seconds),
            seconds is not None,
        )
        try:
            ready = self._poll.poll(max(0, int(seconds * 1000) + 1))
        finally:
            self._poll.unregister(fd)
        assert ready or wants.until is not None or impatient, "nothing came, and no wake"
        self._wakeup.clear()
        self.channel.tick(time.monotonic())

    def _wake(self) -> None:
        self.wakes.release()
        self._wakeup.ring()
