"""The paramiko driver asks for the authentication service once (RFC 4253 section 10).

Paramiko itself asks anew for each attempt (5.1, auth_handler.py). OpenSSH's server takes that;
AsyncSSH, Go's x/crypto/ssh and Erlang's ssh hang up.
"""

from __future__ import annotations

import socket
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

import paramiko
import pytest
from driving import handshake, key_attempt, within

from ncwire.driver import (
    AgentAttempt,
    AuthOutcome,
    AuthResult,
    InteractiveAttempt,
    NoneAttempt,
    PasswordAttempt,
)
from ncwire.errors import SSHError, StepTimeoutError
from servers import asyncssh_logins, keyring

USER = "anybody"
PASSWORD = asyncssh_logins.PASSWORD
SUCCESS = AuthOutcome(AuthResult.SUCCESS)


@pytest.fixture(scope="module")
def asyncssh_host(key_ring, tmp_path_factory):
    keys = tmp_path_factory.mktemp("asyncssh") / "authorized_keys"
    keys.write_text(keyring.public(key_ring.key("login")) + "\n")
    yield from asyncssh_logins.serve(keys)


class Once(paramiko.ServerInterface):
    """A server that ends the connection at the second request for the service."""

    def __init__(self, right_key) -> None:
        self.right_key = right_key
        self.asked = 0
        self.keys_are_not_enough = False
        self.words = ("Login", "Say it")

    def get_banner(self):  # paramiko asks for it whenever the service is asked for
        self.asked += 1
        if self.asked > 1:
            raise paramiko.SSHException("the service was asked for twice")
        return None, None

    def get_allowed_auths(self, username):
        return "publickey,password,keyboard-interactive"

    def check_auth_none(self, username):
        return paramiko.AUTH_FAILED

    def check_auth_publickey(self, username, key):
        if key.asbytes() != self.right_key:
            return paramiko.AUTH_FAILED
        if self.keys_are_not_enough:
            return paramiko.AUTH_PARTIALLY_SUCCESSFUL
        return paramiko.AUTH_SUCCESSFUL

    def check_auth_password(self, username, password):
        return paramiko.AUTH_SUCCESSFUL if password == PASSWORD else paramiko.AUTH_FAILED

    def check_auth_interactive(self, username, submethods):
        return paramiko.InteractiveQuery(*self.words, ("Password: ", False))

    def check_auth_interactive_response(self, responses):
        return self.check_auth_password("", *responses)


@pytest.fixture
def strict(paramiko_driver, key_ring):
    """Return the server that the driver has shaken hands with."""
    server = Once(key_attempt("", key_ring.key("login")).blob)
    ours, theirs = socket.socketpair()
    transport = paramiko.Transport(theirs)
    transport.set_log_channel("ncwire.test.server")
    transport.add_server_key(paramiko.RSAKey.generate(2048))
    transport.start_server(event=threading.Event(), server=server)
    paramiko_driver.handshake(ours, paramiko_driver.algorithms, within())
    yield server
    assert server.asked == 1
    transport.close()
    transport.join(20)
    theirs.close()
    transport.packetizer.complete_handshake()  # a timer of paramiko's own outlives its server


@pytest.fixture(params=["asyncssh", "strict"])
def driver(request, paramiko_driver):
    """The driver with its keys exchanged with each server."""
    if request.param == "asyncssh":
        handshake(paramiko_driver, request.getfixturevalue("asyncssh_host"))
    else:
        request.getfixturevalue("strict")
    return paramiko_driver


def prompts(answer):
    return InteractiveAttempt(USER, lambda title, text, fields: [answer] * len(fields))


def denied(driver, attempt):
    return driver.authenticate(attempt, within()).result is AuthResult.DENIED


def test_none_tells_the_methods_and_a_password_follows(driver):
    assert denied(driver, NoneAttempt(USER))
    assert denied(driver, PasswordAttempt(USER, "wrong"))
    assert driver.authenticate(PasswordAttempt(USER, PASSWORD), within()) == SUCCESS


def test_a_key_follows_another(driver, key_ring):
    assert denied(driver, NoneAttempt(USER))
    assert denied(driver, key_attempt(USER, key_ring.key("stranger")))
    assert driver.authenticate(key_attempt(USER, key_ring.key("login")), within()) == SUCCESS


def test_prompts_follow(driver):
    assert denied(driver, NoneAttempt(USER))
    assert denied(driver, prompts("wrong"))
    assert driver.authenticate(prompts(PASSWORD), within()) == SUCCESS


def test_the_agent_signs_from_the_second_attempt_on(driver, key_ring, ssh_agent):
    for name in ("stranger", "login"):
        ssh_agent.add(key_ring.key(name))
    path = str(ssh_agent.socket)
    assert denied(driver, NoneAttempt(USER))

    stranger, right = driver.agent_identities(path, within())

    assert denied(driver, AgentAttempt(USER, stranger, path))
    assert driver.authenticate(AgentAttempt(USER, right, path), within()) == SUCCESS


def test_the_first_attempt_may_be_the_right_one(driver):
    assert driver.authenticate(PasswordAttempt(USER, PASSWORD), within()) == SUCCESS


def test_partial_success(strict, paramiko_driver, key_ring):
    strict.keys_are_not_enough = True
    key = key_attempt(USER, key_ring.key("login"))

    assert denied(paramiko_driver, NoneAttempt(USER))
    assert paramiko_driver.authenticate(key, within()).result is AuthResult.PARTIAL
    assert denied(paramiko_driver, PasswordAttempt(USER, "wrong"))
    assert paramiko_driver.authenticate(PasswordAttempt(USER, PASSWORD), within()) == SUCCESS


def test_words_beside_the_prompts_may_be_in_another_encoding(strict, paramiko_driver):
    strict.words = (b"Entr\xe9e", b"Dites-le, s'il vous pla\xeet")
    heard = []

    def answer(title, instruction, fields):
        heard.append((title, instruction))
        return [PASSWORD]

    assert paramiko_driver.authenticate(InteractiveAttempt(USER, answer), within()) == SUCCESS
    assert heard == [("Entr\ufffde", "Dites-le, s'il vous pla\ufffdt")]


@pytest.fixture
def failing_agent(ssh_agent):
    """An agent that lists what another has, and does as a test says when it is to sign."""
    with (
        tempfile.TemporaryDirectory(prefix="ncwire-agent-") as folder,
        socket.socket(socket.AF_UNIX) as listener,
    ):
        path = Path(folder) / "agent.sock"
        listener.bind(str(path))
        listener.listen()

        def serve(on_signing):
            accepted, _ = listener.accept()
            with accepted, socket.socket(socket.AF_UNIX) as onward, suppress(OSError):
                onward.connect(str(ssh_agent.socket))
                while request := accepted.recv(65536):
                    if request[4] == 13:  # SSH_AGENTC_SIGN_REQUEST
                        on_signing(accepted)
                        continue
                    onward.sendall(request)
                    accepted.sendall(onward.recv(65536))

        threads = []

        def start(on_signing):
            threads.append(threading.Thread(target=serve, args=(on_signing,)))
            threads[-1].start()
            return str(path)

        yield start
        for thread in threads:
            thread.join(20)


def test_an_agent_that_never_signs_is_not_waited_for(driver, key_ring, ssh_agent, failing_agent):
    ssh_agent.add(key_ring.key("login"))
    path = failing_agent(lambda accepted: None)
    assert denied(driver, NoneAttempt(USER))
    (identity,) = driver.agent_identities(path, within())

    began = time.monotonic()
    with pytest.raises(StepTimeoutError):
        driver.authenticate(AgentAttempt(USER, identity, path), within(0.5))
    driver.abort()
    assert time.monotonic() - began < 10


def test_an_agent_that_goes_away_is_an_error(driver, key_ring, ssh_agent, failing_agent):
    ssh_agent.add(key_ring.key("login"))
    path = failing_agent(lambda accepted: accepted.shutdown(socket.SHUT_RDWR))
    assert denied(driver, NoneAttempt(USER))
    (identity,) = driver.agent_identities(path, within())

    with pytest.raises(SSHError, match="agent"):
        driver.authenticate(AgentAttempt(USER, identity, path), within())
