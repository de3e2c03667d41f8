"""Call home on each driver: a real sshd, silence at every step, and fifty at once."""

from __future__ import annotations

import queue
import socket
import ssl
import subprocess
import threading
from collections import Counter
from contextlib import suppress

import pytest

import ncwire
from ncwire import Timeouts
from ncwire.callhome import Device, listen
from ncwire.errors import (
    AuthenticationError,
    HandshakeError,
    HelloTimeoutError,
    SSHError,
    SSHHostKeyRevokedError,
    StepTimeoutError,
    UnknownDeviceError,
)
from ncwire.testing import EmbeddedServer
from ncwire.testing.conformance.resources import Resources, left_since
from ncwire.testing.ssh_login import Login
from servers import requirement
from servers.calling_devices import PASSWORD, CallingDevices

PATIENCE = 60
SSH_GREETING = b"SSH-2.0-device\r\n"


@pytest.fixture
def leaves_nothing():
    """The test leaves no thread, fd or child process behind."""
    before = Resources.now()
    yield
    assert left_since(before, PATIENCE) == ""


@pytest.fixture
def opened(driver):
    """Listen with the driver; `refused` has the refusals."""
    listeners, refused = [], queue.Queue()

    def make(*devices, **more):
        more = {"port": 0, "driver": driver, "on_refused": refused.put} | more
        listeners.append(listen(devices, **more))
        return listeners[-1]

    make.refused = refused
    yield make
    for listener in listeners:
        listener.close()


def dial(listener, host="127.0.0.1"):
    return socket.create_connection((host, listener.port), PATIENCE)


def session_of(listener, opened):
    """Return the next session; tell of refusals if there is none."""
    try:
        return listener.accept(PATIENCE)
    except StepTimeoutError:
        refusals = [str(opened.refused.get()) for _ in range(opened.refused.qsize())]
        pytest.fail(f"no session, but these refusals: {refusals}")


def called(listener, server):
    """Have an embedded server call."""
    sock = dial(listener)
    sock.settimeout(None)
    server.serve(sock)


def device_of(server, name="r1", **more):
    return Device(
        name=name,
        **{
            "host_keys": server.host_key, "username": server.username,
            "password": server.password, "allow_agent": False, "look_for_keys": False,
        } | more,
    )  # fmt: skip


# --- a real sshd -------------------------------------------------------------------------------


@pytest.fixture
def sshd_calls(make_sshd):
    """Have OpenSSH's sshd call, as inetd would start it: on a socket that somebody opened."""
    server = make_sshd()
    sshd = requirement.program("sshd", "openssh-server")
    processes = []

    def call(listener, host="127.0.0.1"):
        with dial(listener, host) as sock:
            command = [sshd, "-i", "-e", "-f", server.folder / "sshd_config"]
            processes.append(subprocess.Popen(command, stdin=sock, stdout=sock))

    call.server = server
    yield call
    for process in processes:
        process.wait(PATIENCE)


@pytest.mark.sshd
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_an_sshd_that_calls_is_a_session(opened, sshd_calls, tmp_path, host):
    server = sshd_calls.server
    known = tmp_path / "known_hosts"
    # As it would be on file from connecting to it: whatever its address was then.
    known.write_text(server.known_hosts.read_text().replace(f"[127.0.0.1]:{server.port}", "r1"))
    login = {"key_filename": server.client_key, "allow_agent": False, "look_for_keys": False}
    listener = opened(Device(name="r1", known_hosts=known, username=server.user, **login))
    if host == "::1" and "::" not in dict(listener.addresses):
        pytest.skip("no IPv6 here")
    sshd_calls(listener, host)
    session = session_of(listener, opened)
    assert (session.device, session.peer.sockaddr[0]) == ("r1", host)
    assert "<x>é</x>" in session.rpc("<echo><x>é</x></echo>").raw
    session.close_session()
    # The listener is a persistent one.
    sshd_calls(listener, host)
    session_of(listener, opened).close_session()
    assert opened.refused.empty()


@pytest.mark.sshd
@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_the_key_type_on_file_is_what_sshd_is_asked_for(opened, sshd_calls, kind):
    server = sshd_calls.server
    public = server.host_keys[kind].with_suffix(".pub").read_text()
    login = {"key_filename": server.client_key, "allow_agent": False, "look_for_keys": False}
    listener = opened(Device(name="r1", host_keys=public, username=server.user, **login))
    sshd_calls(listener)
    session_of(listener, opened).close_session()


# --- identification ----------------------------------------------------------------------------


@pytest.mark.usefixtures("leaves_nothing")
@pytest.mark.parametrize("revoked", [False, True], ids=["unknown", "revoked"])
def test_nothing_is_sent_to_who_is_not_identified(opened, tmp_path, revoked):
    requests = []

    class Watching(Login):
        def check_auth_none(self, username):
            requests.append(username)
            return super().check_auth_none(username)

        def check_auth_password(self, username, password):
            requests.append(password)
            return super().check_auth_password(username, password)

    known = tmp_path / "known_hosts"
    with EmbeddedServer(login=Watching) as stranger, EmbeddedServer() as device:
        key = f"{stranger.host_key.type} {stranger.host_key.base64}"
        known.write_text(f"@revoked r1 {key}\n" if revoked else "")
        listener = opened(device_of(device, known_hosts=known))
        called(listener, stranger)
        error = opened.refused.get(timeout=PATIENCE).error
        assert isinstance(error, SSHHostKeyRevokedError if revoked else UnknownDeviceError)
        assert error.sha256 == stranger.host_key.sha256
        # Closed with all its threads, the stranger has seen all that there was to see.
    assert requests == []


@pytest.mark.usefixtures("leaves_nothing")
def test_a_devices_password_goes_to_that_device_alone(opened):
    seen = {}

    def watching(name):
        class Watching(Login):
            def check_auth_password(self, username, password):
                seen.setdefault(name, []).append((username, password))
                return super().check_auth_password(username, password)

        return Watching

    with (
        EmbeddedServer(username="a", password="first", login=watching("r1")) as one,
        EmbeddedServer(username="b", password="second", login=watching("r2")) as two,
    ):
        listener = opened(device_of(one, "r1"), device_of(two, "r2"))
        for server in (two, one):
            called(listener, server)
        sessions = {
            session.device: session
            for session in (session_of(listener, opened), session_of(listener, opened))
        }
        assert set(sessions) == {"r1", "r2"}
        for session in sessions.values():
            session.close_session()
    assert seen == {"r1": [("a", "first")], "r2": [("b", "second")]}


@pytest.mark.usefixtures("leaves_nothing")
def test_a_wrong_password_is_a_refusal_that_names_the_device(opened):
    with EmbeddedServer() as server:
        listener = opened(device_of(server, password="wrong one"))
        called(listener, server)
        refusal = opened.refused.get(timeout=PATIENCE)
        assert isinstance(refusal.error, AuthenticationError)
        assert refusal.device == "r1"
        assert "wrong one" not in str(refusal)


# --- peers that do not go on -------------------------------------------------------------------


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


# --- fifty at once -----------------------------------------------------------------------------


@pytest.fixture
def calling_devices():
    processes = []

    def make(**kinds):
        processes.append(CallingDevices(**kinds))
        return processes[-1]

    yield make
    for process in processes:
        process.kill()


@pytest.mark.usefixtures("leaves_nothing")
def test_fifty_devices_call_at_once_ten_of_them_hostile(opened, calling_devices):
    crowd = calling_devices(devices=40, strangers=3, silent=3, garbage=2, scanners=2)
    names = {f"r{number}": key for number, key in enumerate(crowd.device_keys)}
    login = {"username": "admin", "password": PASSWORD, "allow_agent": False}
    # Long enough for every device on a slow machine, for silent ones are waited for as long.
    listener = opened(
        *(
            Device(name=name, host_keys=key, look_for_keys=False, **login)
            for name, key in names.items()
        ),
        timeouts=Timeouts(handshake=8),
    )
    crowd.call(listener.port)

    sessions = [session_of(listener, opened) for _ in names]
    refusals = [opened.refused.get(timeout=PATIENCE) for _ in range(10)]

    assert {session.device for session in sessions} == set(names)
    for session in sessions:
        assert "<data" in session.rpc("<get/>").raw
    kinds = Counter(type(refusal.error) for refusal in refusals)
    assert kinds[UnknownDeviceError] == 3
    assert kinds[StepTimeoutError] == 3
    assert all(isinstance(refusal.error, ncwire.TransportError) for refusal in refusals)
    told = {
        refusal.error.sha256
        for refusal in refusals
        if isinstance(refusal.error, UnknownDeviceError)
    }
    assert told == {key.sha256 for key in crowd.stranger_keys}
    assert len({refusal.peer for refusal in refusals}) == 10
    assert all(refusal.device is None for refusal in refusals)

    listener.close()
    assert all(session.connected for session in sessions)
    for session in sessions:
        session.close()
    assert opened.refused.empty()
    assert crowd.end() == 0
