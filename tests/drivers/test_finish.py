"""What was sent reaches its reader before the connection ends: `finish`, in both drivers."""

from __future__ import annotations

import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

import paramiko
import pytest
from driving import PATIENCE, Stream, key_attempt, tcp, within
from libssh2_rig import Proxy, StubServer
from paramiko.common import MSG_CHANNEL_CLOSE, MSG_CHANNEL_EOF, MSG_DISCONNECT
from paramiko.packet import Packetizer

from ncwire.driver import AuthResult, ChannelRequest, NoneAttempt, PasswordAttempt
from ncwire.errors import SSHError
from ncwire_libssh2 import Libssh2Driver
from ncwire_paramiko import ParamikoDriver

if TYPE_CHECKING:
    from pathlib import Path

ENDINGS = {MSG_CHANNEL_CLOSE, MSG_CHANNEL_EOF, MSG_DISCONNECT}
FEW = 12
"""Calls in three seconds of which two are due; polling would need more."""
MEGABYTE = 1 << 20
READER = """
import os, sys, time
file, answer = sys.argv[1], sys.argv[2:]
total = 0
while data := os.read(0, 20_000):
    total += len(data)
    time.sleep(0.01)
    if answer:
        os.write(1, b"<ok/>" * 1000)
open(file, "w").write(str(total))
"""


@pytest.fixture(params=[ParamikoDriver, Libssh2Driver], ids=["paramiko", "libssh2"])
def driver(request):
    driver = request.param()
    yield driver
    driver.abort()


@pytest.mark.parametrize("answers", [(), ("answers",)], ids=["silent", "answering"])
def test_a_slow_reader_gets_all(driver, make_sshd, answers):
    """Also one that answers, which a close in place of the end would kill (SIGPIPE)."""
    stream, file = read_slowly(driver, make_sshd(config="RekeyLimit 300K"), *answers)
    write_all(stream, bytes(MEGABYTE))
    finish(stream)
    stream.channel.close()

    assert file.read_text() == str(MEGABYTE)


def test_a_server_to_which_the_end_means_nothing_is_told_of_the_close(driver):
    with Recorded() as server:
        stream = server.session(driver)
        write_all(stream, b"all")
        finish(stream)
        assert server.endings == [MSG_CHANNEL_EOF, MSG_CHANNEL_CLOSE]
        stream.channel.close()
        server.transport.join(PATIENCE)
        assert server.endings == [MSG_CHANNEL_EOF, MSG_CHANNEL_CLOSE, MSG_DISCONNECT]
        assert server.far.recv(10) == b"all"


def test_a_server_that_closes_at_the_end_is_answered(driver):
    with Recorded() as server:
        stream = server.session(driver)
        stream.channel.finish()
        assert server.far.recv(10) == b""
        server.far.close()
        finish(stream)
        stream.channel.close()
        server.transport.join(PATIENCE)
        assert server.endings == [MSG_CHANNEL_EOF, MSG_CHANNEL_CLOSE, MSG_DISCONNECT]


def test_what_a_server_says_meanwhile_is_taken_in(driver):
    """It would stop reading else, once it cannot write."""
    with Recorded() as server:
        stream = server.session(driver)
        said = ThreadPoolExecutor(1).submit(server.far.sendall, bytes(8 * MEGABYTE))
        said.add_done_callback(lambda _: server.far.close())
        finish(stream)
        said.result(0)


def test_a_connection_that_breaks_is_not_waited_for(driver):
    with Recorded() as server:
        stream = server.session(driver)
        assert not stream.channel.finish()
        server.socket.shutdown(socket.SHUT_RDWR)
        with suppress(SSHError):
            finish(stream)
        stream.channel.close()


def test_a_peer_that_never_closes_is_waited_for_quietly(driver):
    with Recorded() as server, Proxy(server.client_socket) as proxy:
        server.client_socket = proxy.client_socket
        stream = server.session(driver)
        proxy.silent.set()
        calls, until = 0, time.monotonic() + 3
        while time.monotonic() < until:
            assert not stream.channel.finish()
            assert stream.channel.read(1) is None
            calls += 1
            stream.wait(seconds=until - time.monotonic())
        assert calls <= FEW


def finish(stream: Stream, seconds: float = PATIENCE) -> None:
    """Finish as the core does, until `finish` or the stream's end tells of the peer's close."""
    channel, until = stream.channel, time.monotonic() + seconds
    while not channel.finish():
        while (data := channel.read(1 << 18)) is not None:
            if not data:
                return
        assert time.monotonic() < until
        stream.wait()


def write_all(stream: Stream, data: bytes) -> None:
    """Write it, and drop what comes meanwhile."""
    view = memoryview(data)
    while view:
        written = stream.channel.write(view)
        view = view[written:]
        while (came := stream.channel.read(1 << 18)) is not None:
            assert came
        if not written:
            stream.wait()


def read_slowly(driver, server, *arguments: str) -> tuple[Stream, Path]:
    """Run a command that reads slowly; return its stream, and the file that tells how much."""
    script, file = server.folder / "reader.py", server.folder / "read"
    script.write_text(READER)
    driver.handshake(tcp(server), driver.algorithms, within())
    outcome = driver.authenticate(key_attempt(server.user, server.client_key), within())
    assert outcome.result is AuthResult.SUCCESS
    command = " ".join([sys.executable, str(script), str(file), *arguments])
    return Stream(driver.open_channel(ChannelRequest(command, "exec"), {}, within())), file


class Recorded(StubServer):
    """Notes by which messages the client ends channel and connection."""

    def __init__(self) -> None:
        endings: list[int] = []

        class Recorder(Packetizer):
            def read_message(self):
                number, message = super().read_message()
                if number in ENDINGS:
                    endings.append(number)
                return number, message

        class Transport(paramiko.Transport):
            def __init__(self, sock) -> None:
                super().__init__(sock, packetizer_class=Recorder)

        self.endings = endings
        super().__init__(transport=Transport)

    def session(self, driver) -> Stream:
        driver.handshake(self.client_socket, driver.algorithms, within())
        driver.authenticate(NoneAttempt("u"), within())
        outcome = driver.authenticate(PasswordAttempt("u", "right"), within())
        assert outcome.result is AuthResult.SUCCESS
        stream = Stream(driver.open_channel(ChannelRequest("netconf"), {}, within()))
        self.far = self.channel()
        return stream
