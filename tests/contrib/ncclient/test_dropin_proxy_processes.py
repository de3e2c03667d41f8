"""ProxyCommands that do not end when they are told to, and those that have started others."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from typing import TYPE_CHECKING

import paramiko
import pytest
from drop_in_arguments import arguments_for
from ncclient import manager, transport

from ncwire.contrib.ncclient.relay import Relay

if TYPE_CHECKING:
    import socket

COPY = """
import os, signal, socket, sys, threading
STUBBORN = len(sys.argv) > 4
if STUBBORN:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
with open(sys.argv[3], "w") as file:
    print(os.getpid(), file=file)
sock = socket.create_connection((sys.argv[1], int(sys.argv[2])))
def out():
    while data := sock.recv(65536):
        os.write(1, data)
threading.Thread(target=out, daemon=True).start()
while data := os.read(0, 65536):
    sock.sendall(data)
while STUBBORN:
    signal.pause()
"""
"""Writes its process id to a file; a stubborn one ends neither with its input nor by SIGTERM."""


class Command:
    """A ProxyCommand to a server, and the process that carries."""

    def __init__(self, server, folder):
        self._program = folder / "copy.py"
        self._program.write_text(COPY)
        self._pid = folder / "pid"
        self._server = server

    def line(self, *more: str) -> str:
        server = self._server
        each = (sys.executable, self._program, server.host, server.port, self._pid, *more)
        return " ".join(map(str, each))

    def pidfd(self) -> int:
        return os.pidfd_open(int(self._pid.read_text()))


@pytest.fixture
def command(server, tmp_path) -> Command:
    return Command(server, tmp_path)


def relays() -> list[str]:
    return [each.name for each in threading.enumerate() if each.name.startswith("ncwire-relay")]


def has_ended(pidfd: int, seconds: float) -> bool:
    return bool(select.select([pidfd], [], [], seconds)[0])


def assert_freed(proxy: paramiko.ProxyCommand) -> None:
    process = proxy.process
    assert relays() == []
    assert process.returncode is not None
    assert all(each.closed for each in (process.stdin, process.stdout, process.stderr))


def test_what_a_shell_has_started_ends_with_its_input(installed, server, command):
    proxy = paramiko.ProxyCommand(f"sh -c '{command.line()}; true'")
    found = manager.connect(**arguments_for(server, sock=proxy))
    pidfd = command.pidfd()
    try:
        assert found.get_config("running").ok
        found._session.close()
        assert_freed(proxy)
        assert has_ended(pidfd, 20)
    finally:
        os.close(pidfd)


def test_what_a_shell_has_started_and_does_not_end_keeps_nobody_waiting(
    installed, server, command
):
    proxy = paramiko.ProxyCommand(f"sh -c '{command.line('stubborn')}; true'")
    found = manager.connect(**arguments_for(server, sock=proxy))
    pidfd = command.pidfd()
    try:
        found._session.close()
        assert_freed(proxy)  # while the other still has the pipes
        assert not has_ended(pidfd, 0)
    finally:
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        os.close(pidfd)


def test_one_that_ignores_sigterm_is_killed_where_connecting_fails(installed, server, command):
    proxy = paramiko.ProxyCommand(command.line("stubborn"))
    with pytest.raises(transport.AuthenticationError):
        manager.connect(**arguments_for(server, sock=proxy, password="wrong"))
    assert_freed(proxy)
    assert proxy.process.returncode == -signal.SIGKILL


def fill(sock: socket.socket) -> None:
    while True:
        sock.sendall(bytes(65536))


def test_what_reads_nothing_keeps_nobody_waiting():
    proxy = paramiko.ProxyCommand("sh -c 'exec 3<&0; sleep 1000 <&3 & echo $!; wait'")
    relay = Relay(proxy)
    sleeping = int(relay.theirs.recv(64))
    relay.theirs.settimeout(0.2)
    try:
        with relay.theirs, pytest.raises(TimeoutError):
            fill(relay.theirs)  # the pipe too, and what carries waits for it
        relay.close()
        assert_freed(proxy)
    finally:
        os.kill(sleeping, signal.SIGKILL)
