"""The libssh2 driver: the SSH agent."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import tempfile
import threading
from pathlib import Path

import pytest
from libssh2_rig import MODERN, Key, Policy, Sshd, StubServer, nothing_left, soon, with_sshd

from ncwire.driver import AgentAttempt, AgentIdentity, AuthResult, NoneAttempt
from ncwire.errors import StepTimeoutError, TransportError
from ncwire_libssh2 import Libssh2Driver


@pytest.fixture
def short_path():
    with tempfile.TemporaryDirectory(prefix="a") as folder:
        yield Path(folder, "s")


@pytest.fixture
def agent(short_path, monkeypatch):
    """OpenSSH's agent, empty."""
    process = subprocess.Popen(
        ["ssh-agent", "-D", "-a", short_path], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
    )
    process.stdout.readline()  # what it says once it listens
    monkeypatch.setenv("SSH_AUTH_SOCK", str(short_path))  # for ssh-add
    yield process
    process.terminate()
    process.wait()
    process.stdout.close()


def add(key: Key, folder: Path, comment: str = "") -> None:
    path = folder / f"key{len(list(folder.iterdir()))}"
    path.write_bytes(key.private)
    path.chmod(0o600)
    subprocess.run(["ssh-add", "-q", path], check=True, stderr=subprocess.DEVNULL)


@contextlib.contextmanager
def fake_agent(path: Path, serve):
    """Something that is no proper agent: `serve` gets each connection, then it is closed."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def run():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        serve(connection)

        thread = threading.Thread(target=run)
        thread.start()
        yield
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def start(server):
    driver = Libssh2Driver()
    driver.handshake(server.client_socket, MODERN, soon())
    driver.authenticate(NoneAttempt("u"), soon())
    return driver


def attempt(key: Key, path: Path, username: str = "u") -> AgentAttempt:
    return AgentAttempt(username, AgentIdentity(key.type, key.blob, "é"), str(path))


def test_the_agents_keys_come_in_its_order(agent, tmp_path, short_path):
    keys = [Key("ed25519"), Key("rsa"), Key("ecdsa")]
    for key in keys:
        add(key, tmp_path)
    found = Libssh2Driver().agent_identities(str(short_path), soon())
    assert [(each.key_type, each.blob) for each in found] == [(k.type, k.blob) for k in keys]


def test_without_an_agent_there_are_no_keys(short_path):
    assert list(Libssh2Driver().agent_identities(str(short_path), soon())) == []


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\0\0\0\1\5",
        b"\xff\xff\xff\xff",
        b"\0\0\0\5\x0c\0\0\0\1",
        b"\0\0\0\x09\x0c\0\0\0\1\0\0\0\xff",
    ],
)
def test_an_agent_that_does_not_speak_the_protocol_has_no_keys(short_path, answer):
    def serve(connection):
        connection.recv(5)
        connection.sendall(answer)

    with fake_agent(short_path, serve):
        assert list(Libssh2Driver().agent_identities(str(short_path), soon())) == []


def test_an_agent_that_hangs_costs_the_budget_and_no_more(short_path):
    with (
        fake_agent(short_path, drain),
        pytest.raises(StepTimeoutError, match="this step"),
    ):
        Libssh2Driver().agent_identities(str(short_path), soon(0.3, "this step"))


@with_sshd
@pytest.mark.parametrize("index", [0, 1, 2])
def test_the_agent_signs_with_the_key_that_is_asked_for(agent, tmp_path, short_path, index):
    (tmp_path / "sshd").mkdir()
    (tmp_path / "keys").mkdir()
    with Sshd(tmp_path / "sshd") as server:
        for key in [Key(), *server.keys]:
            add(key, tmp_path / "keys")
        driver = Libssh2Driver()
        driver.handshake(server.connect(), MODERN, soon())
        outcome = driver.authenticate(attempt(server.keys[index], short_path, "root"), soon())
        assert outcome.result is AuthResult.SUCCESS
        driver.abort()


@with_sshd
def test_a_key_of_the_agents_that_the_server_does_not_know_is_denied(agent, tmp_path, short_path):
    with Sshd(tmp_path) as server:
        driver = Libssh2Driver()
        driver.handshake(server.connect(), MODERN, soon())
        outcome = driver.authenticate(attempt(Key(), short_path, "root"), soon())
        assert outcome.result is AuthResult.DENIED
        assert driver.authenticate(server.keys[0].attempt(), soon()).result is AuthResult.SUCCESS
        driver.abort()


def test_a_key_that_the_agent_does_not_have_is_denied(agent, short_path):
    with StubServer() as server:
        driver = start(server)
        assert driver.authenticate(attempt(Key(), short_path), soon()).result is AuthResult.DENIED
        driver.abort()


def test_an_agent_that_hangs_up_on_the_signature_has_refused(short_path):
    with (
        fake_agent(short_path, lambda connection: connection.recv(1)),
        StubServer() as server,
    ):
        driver = start(server)
        assert driver.authenticate(attempt(Key(), short_path), soon()).result is AuthResult.DENIED
        driver.abort()


def test_an_agent_that_hangs_on_the_signature_costs_the_budget_and_stops_no_other_thread(
    short_path,
):
    ticks = []
    with (
        fake_agent(short_path, drain),
        StubServer() as server,
    ):
        driver = start(server)
        done = threading.Event()

        def tick():
            while not done.wait(0.01):
                ticks.append(1)

        thread = threading.Thread(target=tick)
        thread.start()
        with pytest.raises(StepTimeoutError, match="this step"):
            driver.authenticate(attempt(Key(), short_path), soon(0.5, "this step"))
        done.set()
        thread.join()
        driver.abort()
    assert len(ticks) > 5


def test_an_abort_while_the_agent_hangs_ends_the_attempt(short_path):
    asked = threading.Event()

    def serve(connection):
        connection.recv(1)
        asked.set()
        drain(connection)

    with fake_agent(short_path, serve), StubServer() as server:
        driver = start(server)
        thread = threading.Thread(target=lambda: (asked.wait(10), driver.abort()))
        thread.start()
        with pytest.raises(TransportError) as caught:
            driver.authenticate(attempt(Key(), short_path), soon(60))
        assert not isinstance(caught.value, StepTimeoutError)
        thread.join()
        server.transport.join(10)


def test_nothing_is_left_of_an_attempt(agent, tmp_path, short_path, monkeypatch):
    key = Key()
    add(key, tmp_path)
    folder = Path(short_path).with_name("temporary")
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    with StubServer(Policy()) as server:
        driver = start(server)
        with nothing_left():
            assert (
                driver.authenticate(attempt(key, short_path), soon()).result is AuthResult.SUCCESS
            )
        driver.abort()
    assert not [*folder.iterdir()]


def drain(connection: socket.socket) -> None:
    while connection.recv(4096):
        pass
