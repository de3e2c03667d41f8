"""The libssh2 driver: each method of authentication, its outcomes and its end."""

from __future__ import annotations

import threading
import time

import paramiko
import pytest
from libssh2_login import Questions, start
from libssh2_rig import Key, Policy, Proxy, Sshd, StubServer, log_in, soon, with_sshd

from ncwire.driver import (
    AuthOutcome,
    AuthResult,
    ChannelRequest,
    InteractiveAttempt,
    NoneAttempt,
    PasswordAttempt,
    PublicKeyAttempt,
)
from ncwire.errors import (
    DisconnectError,
    KeyFileError,
    PasswordExpiredError,
    SSHError,
    StepTimeoutError,
    TransportError,
    UnsupportedOption,
)
from ncwire_libssh2 import Libssh2Driver
from ncwire_paramiko import ParamikoDriver


@pytest.fixture(scope="module")
def sshd(tmp_path_factory):
    with Sshd(tmp_path_factory.mktemp("sshd")) as server:
        yield server


def test_none_tells_what_the_server_offers():
    with StubServer() as server:
        driver = start(server)
        outcome = driver.authenticate(NoneAttempt("u"), soon())
        assert outcome.result is AuthResult.DENIED
        assert outcome.methods == {"publickey", "password", "keyboard-interactive"}
        driver.abort()


def test_none_may_be_all_that_the_server_wants():
    class Open(Policy):
        def check_auth_none(self, username):
            return paramiko.AUTH_SUCCESSFUL

    with StubServer(Open()) as server:
        driver = start(server)
        assert driver.authenticate(NoneAttempt("u"), soon()).result is AuthResult.SUCCESS
        driver.abort()


def test_a_password_is_accepted_or_denied_and_tried_as_nothing_else():
    with StubServer() as server:
        driver = start(server)
        wrong = driver.authenticate(PasswordAttempt("u", "wrong é"), soon())
        assert wrong == AuthOutcome(AuthResult.UNCLEAR)
        right = driver.authenticate(PasswordAttempt("u", "right"), soon())
        assert right.result is AuthResult.SUCCESS
        assert server.policy.seen == [("password", "wrong é"), ("password", "right")]
        driver.abort()


def test_a_nul_which_c_would_take_for_the_end_is_refused():
    with StubServer() as server:
        driver = start(server)
        with pytest.raises(UnsupportedOption, match="NUL in password"):
            driver.authenticate(PasswordAttempt("u", "right\0not"), soon())
        with pytest.raises(UnsupportedOption, match="NUL in username"):
            driver.authenticate(NoneAttempt("u\0"), soon())
        assert server.policy.seen == []
        driver.abort()


@with_sshd
@pytest.mark.parametrize("index", [0, 1, 2])
def test_a_key_from_memory_is_accepted(sshd, index):
    driver = start(sshd, sshd.connect())
    outcome = driver.authenticate(sshd.keys[index].attempt(), soon())
    assert outcome.result is AuthResult.SUCCESS
    driver.abort()


@with_sshd
def test_a_key_that_the_server_does_not_know_is_denied_and_the_next_may_be_tried(sshd):
    driver = start(sshd, sshd.connect())
    driver.authenticate(NoneAttempt("root"), soon())
    outcome = driver.authenticate(Key().attempt(), soon())
    assert outcome.result is AuthResult.DENIED
    assert "publickey" in outcome.methods
    assert driver.authenticate(sshd.keys[0].attempt(), soon()).result is AuthResult.SUCCESS
    driver.abort()


@with_sshd
def test_a_denied_key_counts_once_against_max_auth_tries(tmp_path):
    with Sshd(tmp_path, "MaxAuthTries 4") as server:
        driver = start(server, server.connect())
        driver.authenticate(NoneAttempt("root"), soon())
        for _ in range(3):
            assert driver.authenticate(Key().attempt(), soon()).result is AuthResult.DENIED
        assert driver.authenticate(server.keys[0].attempt(), soon()).result is AuthResult.SUCCESS
        driver.abort()


@with_sshd
def test_a_server_that_has_had_enough_is_an_ssh_error(tmp_path):
    with Sshd(tmp_path, "MaxAuthTries 2") as server:
        driver = start(server, server.connect())
        driver.authenticate(NoneAttempt("root"), soon())
        assert driver.authenticate(Key().attempt(), soon()).result is AuthResult.DENIED
        with pytest.raises(DisconnectError, match="authentication: the server disconnected"):
            driver.authenticate(Key().attempt(), soon())
        driver.abort()


@with_sshd
def test_two_keys_where_the_server_wants_two(tmp_path):
    with Sshd(tmp_path, "AuthenticationMethods publickey,publickey") as server:
        driver = start(server, server.connect())
        first = driver.authenticate(server.keys[0].attempt(), soon())
        assert first == AuthOutcome(AuthResult.UNCLEAR)
        # What the server offered before says nothing about now.
        denied = driver.authenticate(Key().attempt(), soon())
        assert denied == AuthOutcome(AuthResult.DENIED)
        second = driver.authenticate(server.keys[1].attempt(), soon())
        assert second.result is AuthResult.SUCCESS
        driver.abort()


def test_a_key_that_libssh2_cannot_read_is_told_by_its_source():
    with StubServer() as server:
        driver = start(server)
        key = Key()
        broken = PublicKeyAttempt("u", key.type, key.blob, b"no key at all", "the source")
        with pytest.raises(KeyFileError, match="the source"):
            driver.authenticate(broken, soon())
        driver.abort()


@pytest.mark.parametrize("first", ["password", "publickey", "keyboard-interactive"])
def test_a_partial_success_is_unclear_and_asking_names_what_is_left(first):
    class Both(Questions):
        def __init__(self):
            super().__init__((("code", "1"),))
            self.left = [first, "hostbased"]

        @property
        def methods(self):
            return self.left[0]

        def _partial(self):
            self.left.pop(0)
            return paramiko.AUTH_PARTIALLY_SUCCESSFUL

        def check_auth_password(self, username, password):
            return self._partial()

        def check_auth_publickey(self, username, key):
            # Asked twice: for the key, and with the signature.
            self.seen.append("key")
            return self._partial() if self.seen.count("key") > 1 else paramiko.AUTH_SUCCESSFUL

        def check_auth_interactive_response(self, responses):
            return self._partial()

    attempt = {
        "password": PasswordAttempt("u", "right"),
        "publickey": Key().attempt("u"),
        "keyboard-interactive": InteractiveAttempt("u", lambda *_: ["1"]),
    }[first]
    with StubServer(Both()) as server:
        driver = start(server)
        assert driver.authenticate(NoneAttempt("u"), soon()).methods == {first}
        assert driver.authenticate(attempt, soon()) == AuthOutcome(AuthResult.UNCLEAR)
        assert driver.authenticate(NoneAttempt("u"), soon()).methods == {"hostbased"}
        driver.abort()


class Expiring(Policy):
    """Answers a password with the request to change it (RFC 4252 section 8)."""

    server: StubServer

    def check_auth_password(self, username, password):
        message = paramiko.Message()
        message.add_byte(bytes([60]))  # SSH_MSG_USERAUTH_PASSWD_CHANGEREQ
        message.add_string("change it")
        message.add_string("")
        self.server.transport._send_message(message)  # noqa: SLF001 - paramiko never sends it
        raise paramiko.SSHException("no answer besides, so that is all for this server")


@pytest.mark.parametrize("make_driver", [Libssh2Driver, ParamikoDriver])
def test_a_password_that_must_be_changed_is_an_error_of_its_own(make_driver):
    with StubServer(Expiring()) as server:
        server.policy.server = server
        driver = make_driver()
        driver.handshake(server.client_socket, make_driver.algorithms, soon())
        driver.authenticate(NoneAttempt("u"), soon())
        with pytest.raises(PasswordExpiredError, match="wants the password changed") as caught:
            driver.authenticate(PasswordAttempt("u", "s3cret"), soon())
        assert "s3cret" not in str(caught.value)
        driver.abort()


ATTEMPTS = [
    NoneAttempt("u"),
    PasswordAttempt("u", "right"),
    Key().attempt("u"),
    InteractiveAttempt("u", lambda *_: ["1"]),
]


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda attempt: type(attempt).__name__)
def test_a_silent_server_costs_an_attempts_budget_and_no_more(attempt):
    with StubServer() as server, Proxy(server.client_socket) as proxy:
        driver = start(server, proxy.client_socket)
        driver.authenticate(NoneAttempt("u"), soon())
        proxy.silent.set()
        began = time.monotonic()
        with pytest.raises(StepTimeoutError, match="this step"):
            driver.authenticate(attempt, soon(0.3, "this step"))
        assert time.monotonic() - began < 5
        driver.abort()


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda attempt: type(attempt).__name__)
def test_an_attempt_ends_promptly_when_another_thread_aborts(attempt):
    with StubServer() as server, Proxy(server.client_socket) as proxy:
        driver = start(server, proxy.client_socket)
        driver.authenticate(NoneAttempt("u"), soon())
        proxy.silent.set()
        timer = threading.Timer(0.2, driver.abort)
        timer.start()
        with pytest.raises(TransportError) as caught:
            driver.authenticate(attempt, soon(60))
        assert not isinstance(caught.value, StepTimeoutError)
        timer.join()


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda attempt: type(attempt).__name__)
def test_a_connection_that_ends_in_an_attempt_is_an_ssh_error_and_no_denial(attempt):
    with StubServer() as server, Proxy(server.client_socket) as proxy:
        driver = start(server, proxy.client_socket)
        driver.authenticate(NoneAttempt("u"), soon())
        proxy.hang_up()
        with pytest.raises(SSHError, match="authentication: the connection was closed") as caught:
            driver.authenticate(attempt, soon())
        assert not isinstance(caught.value, DisconnectError)
        driver.abort()


class Disconnecting(Policy):
    """Has had enough at once."""

    def _disconnect(self, *_):
        message = paramiko.Message()
        message.add_byte(paramiko.common.cMSG_DISCONNECT)
        message.add_int(2)
        message.add_string("Too many authentication failures")
        message.add_string("")
        self.transport.packetizer.send_message(message)
        self.transport.close()
        return paramiko.AUTH_FAILED

    check_auth_password = check_auth_publickey = check_auth_interactive = _disconnect


@pytest.mark.parametrize("attempt", ATTEMPTS[1:], ids=lambda attempt: type(attempt).__name__)
def test_a_server_that_disconnects_in_an_attempt_is_told_from_an_end(attempt):
    policy = Disconnecting()
    with StubServer(policy) as server:
        policy.transport = server.transport
        driver = start(server)
        driver.authenticate(NoneAttempt("u"), soon())
        with pytest.raises(DisconnectError, match="authentication: the server disconnected"):
            driver.authenticate(attempt, soon())
        driver.abort()


def test_secrets_are_in_no_error_text():
    with StubServer() as server, Proxy(server.client_socket) as proxy:
        driver = start(server, proxy.client_socket)
        driver.authenticate(NoneAttempt("u"), soon())
        proxy.hang_up()
        with pytest.raises(SSHError) as caught:
            driver.authenticate(PasswordAttempt("u", "s3cret"), soon())
        assert "s3cret" not in f"{caught.value}{caught.value!r}{caught.value.__cause__!r}"
        driver.abort()


def test_after_authentication_a_channel_opens():
    with StubServer() as server:
        channel = log_in(server).open_channel(ChannelRequest("netconf"), {}, soon())
        assert channel.read(1) is None
        channel.abort()
