"""What may come before a server's identification (RFC 4253 section 4.2): as OpenSSH's ssh does."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress

import pytest
from driving import PATIENCE, tcp, within

from ncwire.errors import HandshakeError
from ncwire_libssh2 import Libssh2Driver
from ncwire_paramiko import ParamikoDriver

DRIVERS = [Libssh2Driver, ParamikoDriver]


@pytest.fixture
def after():
    """Connect to who says something first, and then is the server, or says no more without one."""
    listener = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()
    threads, socks = [], [listener]

    def carry(source, target):
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def serve(said, server):
        accepted, _ = listener.accept()
        socks.append(accepted)
        with suppress(OSError):
            accepted.sendall(said)
        if server is None:
            ended.wait(60)
            return
        onward = tcp(server)
        socks.append(onward)
        back = threading.Thread(target=carry, args=(onward, accepted))
        back.start()
        carry(accepted, onward)
        back.join(PATIENCE)

    def connect(said, server=None):
        threads.append(threading.Thread(target=serve, args=(said, server)))
        threads[-1].start()
        return socket.create_connection(listener.getsockname(), PATIENCE)

    yield connect
    ended.set()
    for thread in threads:
        thread.join(PATIENCE)
    for sock in socks:
        sock.close()


@pytest.fixture(params=DRIVERS, ids=lambda driver: driver.name)
def driver(request, after):  # which ends last, when the driver has gone
    driver = request.param()
    yield driver
    driver.abort()


@pytest.mark.parametrize(
    "said",
    [
        b"Welcome\r\n\r\nto a device\n",
        b"caf\xe9 \xff\xfe\r\n",
        b"a line\r\n" * 100,
        b"a line\r\n" * 200,
        b"a line\r\n" * 1023,
        b"x" * 8192 + b"\r\n",
        b"x" * 96 + b"\r\n" + b"y" * 8000 + b"\n" + b"z" * 8000 + b"\n",
        b"SSH-\r\n",
        b"two carriage returns\r\r\n",
    ],
    ids=["two", "not UTF-8", "100", "200", "1023", "long", "long in all", "SSH-", "returns"],
)
def test_lines_are_passed_over(driver, after, sshd, said):
    key = driver.handshake(after(said, sshd), driver.algorithms, within())

    assert f"{key.type} {key.base64}" in sshd.known_hosts.read_text()


@pytest.mark.parametrize(
    "said",
    [
        b"SSH-1.5-Old\r\n",
        b"SSH-3.0-New\r\n",
        b"SSH-2.0\r\n",
        b"SSH-2.0-\r\n",
        b"a line\r\n" * 1024,
        b"x" * 8193,
        b"a NUL\0 in a line\r\n",
        b"a carriage\rreturn in a line\r\n",
    ],
    ids=["1.5", "3.0", "no software", "empty software", "1024", "long", "NUL", "return"],
)
def test_what_ssh_refuses_is_refused_at_once(driver, after, said):
    """The server says no more, and keeps the connection: the budget is not waited for."""
    began = time.monotonic()

    with pytest.raises(HandshakeError, match=r"^SSH handshake: ") as raised:
        driver.handshake(after(said), driver.algorithms, within(60))

    assert time.monotonic() - began < 30
    assert str(raised.value).count("SSH handshake") == 1


def test_the_version_is_told(driver, after):
    with pytest.raises(HandshakeError, match=r"1\.5"):
        driver.handshake(after(b"hello\r\nSSH-1.5-Old\r\n"), driver.algorithms, within())


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (b"\x15\x03\x01\x00\x02\x02\x46", "the peer speaks TLS, not SSH"),
        (b"Not allowed at this time\r\n", "Not allowed at this time"),
    ],
    ids=["TLS", "a refusal"],
)
def test_what_answers_in_its_place_is_told(driver, said, told):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            accepted, _ = listener.accept()
            with accepted:
                accepted.sendall(said)
                accepted.shutdown(socket.SHUT_WR)
                with suppress(OSError):
                    while accepted.recv(65536):
                        pass

        thread = threading.Thread(target=serve)
        thread.start()
        sock = socket.create_connection(listener.getsockname(), PATIENCE)
        with pytest.raises(HandshakeError) as caught:
            driver.handshake(sock, type(driver).algorithms, within(PATIENCE))
        driver.abort()
        thread.join(PATIENCE)
    assert told in str(caught.value)
