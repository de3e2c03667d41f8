"""The libssh2 driver and a server that sends without a pause what is no data."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Self

import paramiko
import pytest
from libssh2_rig import (
    Peer,
    Sshd,
    StubServer,
    in_child,
    log_in,
    nothing_left,
    soon,
    stub_session,
    tcp_pair,
    with_sshd,
)
from paramiko.common import cMSG_GLOBAL_REQUEST, cMSG_IGNORE

from interrupting import Interrupter, folder_of, raising
from ncwire.driver import Channel, ChannelRequest
from ncwire.errors import StepTimeoutError
from ncwire_libssh2.watchdog import Watchdog
from waiting import eventually

FLOOD = 250_000_000
"""Bytes that take libssh2 many times as long as a call of its may."""

FOLDERS = [folder_of("ncwire_libssh2"), folder_of("ncwire.driver")]

PROMPTLY = 10.0
"""Seconds that a call may take which is to take a fraction of one."""


def wait_readable(channel: Channel) -> None:
    poll = select.poll()
    poll.register(channel.fileno(), select.POLLIN)
    assert poll.poll(10_000)


def ignored() -> paramiko.Message:
    message = paramiko.Message()
    message.add_byte(cMSG_IGNORE)
    message.add_string(bytes(30_000))
    return message


def request() -> paramiko.Message:
    message = paramiko.Message()
    message.add_byte(cMSG_GLOBAL_REQUEST)
    message.add_string("x" * 30_000)
    message.add_boolean(True)  # want reply
    return message


@contextlib.contextmanager
def flooding(server: StubServer, message: paramiko.Message):
    """Send it again and again until the end."""
    enough = threading.Event()
    # No key exchange by volume: paramiko's server would take a reply in its course for an error.
    server.transport.packetizer.REKEY_BYTES = 1 << 60
    server.transport.packetizer.REKEY_PACKETS = 1 << 60

    def flood() -> None:
        with contextlib.suppress(OSError, EOFError):
            while not enough.is_set():
                server.transport.packetizer.send_message(message)

    thread = threading.Thread(target=flood)
    thread.start()
    try:
        yield
    finally:
        enough.set()
        with contextlib.suppress(OSError):
            server.socket.shutdown(socket.SHUT_RDWR)  # it may wait for a reader
        thread.join(PROMPTLY)


def promptly(call, channel, times: int = 30):
    """Call so many times; each is to return while the flood goes on."""
    with ThreadPoolExecutor(1) as pool:
        for _ in range(times):
            calling = pool.submit(call)
            try:
                calling.result(PROMPTLY)
            except TimeoutError:
                channel.abort()
                raise


class Dam:
    """Stands between client and server; keeps what the server says, and lets it go at once."""

    def __init__(self, server: StubServer) -> None:
        self._server = server.client_socket
        server.client_socket, self._client = tcp_pair()
        self._held: list[bytes] | None = None
        self.gone = threading.Event()
        """Set when all that was kept has been sent."""
        self._all_there = threading.Event()
        self._threads = [threading.Thread(target=each) for each in (self._up, self._down)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        for sock in (self._server, self._client):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PROMPTLY)
        for sock in (self._server, self._client):
            sock.close()

    def keep(self, server: StubServer, size: int) -> None:
        """Have the server say so many bytes of nothing, and keep them."""
        self._held, self._size = [], size
        message = ignored()
        for _ in range(size // 30_000 + 1):
            server.transport.packetizer.send_message(message)
        assert self._all_there.wait(PROMPTLY)

    def open(self) -> None:
        """Let go of them."""
        self._flood = threading.Thread(target=self._let_go)
        self._threads.append(self._flood)
        self._flood.start()

    def _let_go(self) -> None:
        with contextlib.suppress(OSError):
            for each in self._held:
                self._client.sendall(each)
            self.gone.set()

    def _down(self) -> None:
        with contextlib.suppress(OSError):
            while data := self._server.recv(1 << 20):
                if self._held is None:
                    self._client.sendall(data)
                    continue
                self._held.append(data)
                self._size -= len(data)
                if self._size <= 0:
                    self._all_there.set()

    def _up(self) -> None:
        with contextlib.suppress(OSError):
            while data := self._client.recv(1 << 20):
                self._server.sendall(data)


@pytest.mark.parametrize("operation", ["read", "write", "close"])
def test_a_call_takes_in_no_more_than_a_part_of_a_flood(operation):
    with StubServer() as server, Dam(server) as dam:
        channel = log_in(server).open_channel(ChannelRequest("netconf"), {}, soon())
        calls = {
            "read": lambda: channel.read(1 << 18),
            "write": lambda: channel.write(memoryview(b"x")),
            "close": channel.close,
        }
        dam.keep(server, FLOOD)
        dam.open()
        wait_readable(channel)
        for _ in range(3):  # a first one may be over before the flood has begun
            calls[operation]()
        assert not dam.gone.is_set()
        channel.abort()


def test_a_step_takes_in_no_more_of_a_flood_than_its_deadline_lets_it():
    with StubServer() as server, Dam(server) as dam:
        driver = log_in(server)
        dam.keep(server, FLOOD)
        dam.open()
        # What it waits for comes behind all of that.
        with pytest.raises(StepTimeoutError):
            driver.open_channel(ChannelRequest("netconf"), {}, soon(0.1))
        assert not dam.gone.is_set()
        driver.abort()


def test_a_read_returns_while_requests_come_that_are_answered():
    with stub_session() as (server, channel, _far), flooding(server, request()):
        promptly(lambda: channel.read(1 << 18), channel)


@with_sshd
@pytest.mark.parametrize("limit", ["1G", "4M"])
def test_reads_that_were_cut_short_lose_nothing(tmp_path, limit):
    """Not what libssh2 sent in their course, nor a key exchange."""
    command = "head -c 100000000 /dev/zero >&2; echo done; exec cat"
    with Sshd(tmp_path, f"RekeyLimit {limit}") as sshd:
        channel = sshd.login().open_channel(ChannelRequest(command, "exec"), {}, soon())
        peer = Peer(channel)
        assert peer.exchange(until=5) == b"done\n"
        data = os.urandom(1 << 20)
        assert peer.exchange(data, until=len(data)) == data
        channel.close()


def test_a_long_call_is_interrupted_and_a_short_one_is_not():
    class Connection:
        interrupted = threading.Event()

        def interrupt(self, since):
            if watchdog.calls.get(self) == since:
                self.interrupted.set()

    with nothing_left():
        watchdog, quick, slow = Watchdog(), Connection(), Connection()
        quick.interrupted = threading.Event()
        for connection in (quick, slow):
            watchdog.watch(connection)
        watchdog.rouse()  # before, for that takes longer than a short call
        for connection in (quick, slow):
            watchdog.calls[connection] = time.monotonic()
        del watchdog.calls[quick]
        assert slow.interrupted.wait(PROMPTLY)
        assert not quick.interrupted.is_set()
        watchdog.forget(slow)
        watchdog.forget(quick)


def test_the_watchdog_sleeps_and_is_roused_again():
    class Connection:
        interrupted = threading.Event()

        def interrupt(self, since):
            self.interrupted.set()

    watchdog, connection = Watchdog(), Connection()
    watchdog.watch(connection)
    watchdog.rouse()  # no call has been made for long: it falls asleep
    eventually(lambda: not watchdog.awake)
    watchdog.calls[connection] = time.monotonic()
    watchdog.rouse()
    assert connection.interrupted.wait(PROMPTLY)
    watchdog.forget(connection)


def test_whatever_interrupts_the_start_of_its_thread_the_next_call_is_watched():
    class Connection:
        def __init__(self):
            self.interrupted = threading.Event()

        def interrupt(self, since):
            self.interrupted.set()

    at = 1
    with raising(KeyboardInterrupt):
        while True:
            watchdog, connection = Watchdog(), Connection()
            watchdog.watch(connection)
            interrupter = Interrupter(at, FOLDERS, waits_too=True)
            with contextlib.suppress(KeyboardInterrupt), interrupter:
                watchdog.rouse()
            watchdog.calls[connection] = time.monotonic()
            if not watchdog.awake:
                watchdog.rouse()
            assert connection.interrupted.wait(PROMPTLY), interrupter.where
            watchdog.forget(connection)
            if not interrupter.where:
                break
            at += 1
    assert at > 20


def test_a_forked_child_has_a_watchdog_of_its_own():
    in_child(
        """
        import os, sys, threading, time
        from ncwire_libssh2.watchdog import WATCHDOG

        class Connection:
            interrupted = threading.Event()

            def interrupt(self, since):
                self.interrupted.set()

        def is_watched():
            connection = Connection()
            connection.interrupted = threading.Event()
            WATCHDOG.watch(connection)
            WATCHDOG.calls[connection] = time.monotonic()
            if not WATCHDOG.awake:
                WATCHDOG.rouse()
            return connection.interrupted.wait(10)

        assert is_watched()
        child = os.fork()
        if not child:
            os._exit(0 if is_watched() else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert is_watched()
        """
    )
