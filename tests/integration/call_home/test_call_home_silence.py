"""Call home on each driver: peers that do not go on, at every step."""

from __future__ import annotations

import ssl
import threading
from contextlib import suppress

import pytest
from called_home import PATIENCE, called, device_of, dial

from ncwire import Timeouts
from ncwire.errors import (
    HandshakeError,
    HelloTimeoutError,
    SSHError,
    StepTimeoutError,
)
from ncwire.testing import EmbeddedServer
from ncwire.testing.ssh_login import Login

SSH_GREETING = b"SSH-2.0-device\r\n"


@pytest.mark.usefixtures("leaves_nothing")
@pytest.mark.parametrize("greeting", [b"", SSH_GREETING], ids=["silent", "after its greeting"])
def test_a_silent_peer_is_refused_in_the_handshake(opened, greeting):
    with EmbeddedServer() as server:
        listener = opened(device_of(server), timeouts=Timeouts(handshake=0.3))
        with dial(listener) as sock:
            sock.sendall(greeting)
            error = opened.refused.get(timeout=PATIENCE).error
            assert isinstance(error, StepTimeoutError)
            assert error.step == "SSH handshake"
            _await_end(sock)


@pytest.mark.usefixtures("leaves_nothing")
def test_a_dripping_peer_is_refused_in_time(opened):
    with EmbeddedServer() as server:
        listener = opened(device_of(server), timeouts=Timeouts(handshake=0.5))
        ended = threading.Event()
        with dial(listener) as sock:

            def drip():
                with suppress(OSError):
                    while not ended.wait(0.05):
                        sock.sendall(b"x")

            dripping = threading.Thread(target=drip)
            dripping.start()
            error = opened.refused.get(timeout=PATIENCE).error
            ended.set()
            dripping.join()
        assert isinstance(error, StepTimeoutError)


def _stuck_login(step, gate):
    class Stuck(Login):
        def check_auth_none(self, username):
            if step == "auth":
                gate.wait(PATIENCE)
            return super().check_auth_none(username)

        def check_channel_subsystem_request(self, channel, name):
            if step == "channel":
                gate.wait(PATIENCE)
            return super().check_channel_subsystem_request(channel, name)

    return Stuck


@pytest.mark.usefixtures("leaves_nothing")
@pytest.mark.parametrize("step", ["auth", "channel", "hello"])
def test_a_device_that_falls_silent_is_refused_in_time(opened, step):
    gate = threading.Event()
    script = (lambda stream: gate.wait(PATIENCE)) if step == "hello" else None
    with EmbeddedServer(login=_stuck_login(step, gate), script=script) as server:
        listener = opened(device_of(server), timeouts=Timeouts(**{step: 0.3}))
        called(listener, server)
        refusal = opened.refused.get(timeout=PATIENCE)
        gate.set()
    assert isinstance(refusal.error, HelloTimeoutError if step == "hello" else StepTimeoutError)
    assert refusal.device == "r1"
    assert refusal.error.seconds == 0.3


@pytest.mark.usefixtures("leaves_nothing")
def test_a_device_that_calls_by_tls_is_told_of_by_its_protocol(opened):
    """RFC 8071 has a port for each, 4335 for TLS; what comes there begins with a ClientHello."""
    with EmbeddedServer() as server:
        listener = opened(device_of(server), timeouts=Timeouts(handshake=PATIENCE))
        with dial(listener) as sock:
            sock.sendall(client_hello())
            error = opened.refused.get(timeout=PATIENCE).error
            # At once, though it keeps the connection and waits for the answer.
            _await_end(sock)
    assert isinstance(error, HandshakeError)
    assert str(error) == "SSH handshake: the peer speaks TLS, not SSH"


def client_hello() -> bytes:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="manager")
    with suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


@pytest.mark.usefixtures("leaves_nothing")
@pytest.mark.parametrize(
    "garbage",
    [
        b"HTTP/1.1 400 Bad Request\r\n" * 5000,
        SSH_GREETING + bytes(range(256)) * 256,
        b"SSH-1.5-old\r\n",
        b"\0" * 100_000,
    ],
    ids=["http", "greeting", "SSH 1", "zeros"],
)
def test_garbage_is_refused(opened, garbage):
    with EmbeddedServer() as server:
        listener = opened(device_of(server), timeouts=Timeouts(handshake=3))
        with dial(listener) as sock:
            with suppress(OSError):
                sock.sendall(garbage)
            error = opened.refused.get(timeout=PATIENCE).error
        # Some of it may be the beginning of more, for all that a library can tell.
        assert isinstance(error, SSHError | StepTimeoutError)


@pytest.mark.usefixtures("leaves_nothing")
@pytest.mark.parametrize("step", ["handshake", "auth", "channel", "hello"])
def test_close_ends_whatever_a_call_has_come_to(opened, step):
    gate, reached = threading.Event(), threading.Event()

    class Reaching(_stuck_login(step, gate)):
        def check_auth_none(self, username):
            reached.set()
            return super().check_auth_none(username)

    def silent(_stream):
        reached.set()
        gate.wait(PATIENCE)

    script = silent if step == "hello" else None
    with EmbeddedServer(login=Reaching, script=script) as server:
        listener = opened(device_of(server))
        if step == "handshake":
            with dial(listener) as sock:
                sock.sendall(SSH_GREETING)
                assert sock.recv(4) == b"SSH-"
                listener.close()
                _await_end(sock)
        else:
            called(listener, server)
            assert reached.wait(PATIENCE)
            listener.close()
        gate.set()
    assert opened.refused.empty()


def _await_end(sock):
    with suppress(ConnectionError):
        while sock.recv(1 << 16):
            pass
