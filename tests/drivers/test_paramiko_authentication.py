"""The paramiko driver's authentication: one attempt at a time, and what the server says to it."""

from __future__ import annotations

import socket
import tempfile
import threading
import time
from pathlib import Path

import pytest
from driving import handshake, key_attempt, within

from ncwire.driver import (
    AgentAttempt,
    AgentIdentity,
    AuthOutcome,
    AuthResult,
    ChannelRequest,
    InteractiveAttempt,
    NoneAttempt,
    PasswordAttempt,
    PublicKeyAttempt,
)
from ncwire.errors import KeyFileError, SSHError, StepTimeoutError

PASSWORDS = "PasswordAuthentication yes\n"
PROMPTS = "UsePAM yes\nKbdInteractiveAuthentication yes\n"
SUCCESS = AuthOutcome(AuthResult.SUCCESS)


def denied(*methods):
    return AuthOutcome(AuthResult.DENIED, frozenset(methods))


def partial(*methods):
    return AuthOutcome(AuthResult.PARTIAL, frozenset(methods))


def test_none_tells_what_the_server_offers(paramiko_driver, make_sshd):
    handshake(paramiko_driver, make_sshd(config=PASSWORDS))

    outcome = paramiko_driver.authenticate(NoneAttempt("root"), within())

    assert outcome == denied("publickey", "password")


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_publickey(paramiko_driver, make_sshd, key_ring, kind):
    key = key_ring.key("login", kind)
    server = make_sshd(authorized_keys=[key])
    handshake(paramiko_driver, server)

    assert paramiko_driver.authenticate(key_attempt(server.user, key), within()) == SUCCESS


def test_a_key_that_is_not_authorized_is_denied_and_another_may_follow(
    paramiko_driver, sshd, key_ring
):
    handshake(paramiko_driver, sshd)
    stranger = key_attempt(sshd.user, key_ring.key("stranger"))

    assert paramiko_driver.authenticate(stranger, within()) == denied("publickey")
    right = key_attempt(sshd.user, sshd.client_key)
    assert paramiko_driver.authenticate(right, within()) == SUCCESS


@pytest.mark.parametrize(
    ("key_type", "private", "problem"),
    [
        ("ssh-dss", b"", "does not sign with keys of type ssh-dss"),
        ("ssh-ed25519", b"secret that is no key", "cannot read it"),
        ("ssh-rsa", b"-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n", "cannot read it"),
    ],
)
def test_a_key_that_cannot_be_used_is_an_error(paramiko_driver, sshd, key_type, private, problem):
    handshake(paramiko_driver, sshd)
    attempt = PublicKeyAttempt(sshd.user, key_type, b"", private, "id_test")

    with pytest.raises(KeyFileError, match=problem) as raised:
        paramiko_driver.authenticate(attempt, within())

    assert raised.value.path == "id_test"
    assert "secret" not in str(raised.value)


def test_password(make_paramiko, make_sshd, account):
    server = make_sshd(user=account.name, config=PASSWORDS)
    driver = make_paramiko()
    handshake(driver, server)

    wrong = driver.authenticate(PasswordAttempt(account.name, "wrong"), within())
    assert wrong == denied("publickey", "password")
    right = driver.authenticate(PasswordAttempt(account.name, account.password), within())
    assert right == SUCCESS
    assert driver.open_channel(ChannelRequest("netconf"), {}, within())


def test_a_password_is_not_given_as_an_answer_to_prompts(paramiko_driver, make_sshd, account):
    server = make_sshd(user=account.name, config=PROMPTS)
    handshake(paramiko_driver, server)

    attempt = PasswordAttempt(account.name, account.password)

    assert paramiko_driver.authenticate(attempt, within()) == denied(
        "publickey", "keyboard-interactive"
    )


def test_a_method_that_is_not_offered_is_denied(paramiko_driver, sshd):
    handshake(paramiko_driver, sshd)

    assert paramiko_driver.authenticate(PasswordAttempt("root", "x"), within()) == denied(
        "publickey"
    )


def test_keyboard_interactive(paramiko_driver, make_sshd, account):
    server = make_sshd(user=account.name, config=PROMPTS)
    handshake(paramiko_driver, server)
    asked = []

    def answer(title, instruction, prompts):
        asked.extend(prompts)
        return [account.password for _ in prompts]

    outcome = paramiko_driver.authenticate(InteractiveAttempt(account.name, answer), within())

    assert outcome == SUCCESS
    assert [(each.text.strip(), each.echo) for each in asked] == [("Password:", False)]


def test_wrong_answers_are_denied(paramiko_driver, make_sshd, account):
    handshake(paramiko_driver, make_sshd(user=account.name, config=PROMPTS))
    attempt = InteractiveAttempt(account.name, lambda title, text, prompts: ["no"] * len(prompts))

    assert paramiko_driver.authenticate(attempt, within()).result is AuthResult.DENIED


class CallersError(Exception):
    pass


def test_what_answering_raises_comes_out_unchanged(paramiko_driver, make_sshd, account, caplog):
    handshake(paramiko_driver, make_sshd(user=account.name, config=PROMPTS))
    raised = CallersError("secret")

    def answer(title, instruction, prompts):
        raise raised

    with pytest.raises(CallersError) as caught:
        paramiko_driver.authenticate(InteractiveAttempt(account.name, answer), within())

    assert caught.value is raised
    assert "secret" not in caplog.text


@pytest.mark.parametrize("answers", [[], ["one", "two"], "a", [1]])
def test_answers_must_fit_the_prompts(paramiko_driver, make_sshd, account, answers):
    handshake(paramiko_driver, make_sshd(user=account.name, config=PROMPTS))
    attempt = InteractiveAttempt(account.name, lambda title, text, prompts: answers)

    if answers == "a":  # one string would pass for one answer of one letter
        attempt = InteractiveAttempt(account.name, lambda title, text, prompts: "a" * len(prompts))
    with pytest.raises(SSHError, match="need as many answers, each a string"):
        paramiko_driver.authenticate(attempt, within())


def test_the_deadline_holds_while_prompts_are_answered(paramiko_driver, make_sshd, account):
    handshake(paramiko_driver, make_sshd(user=account.name, config=PROMPTS))
    enough = threading.Event()

    def answer(title, instruction, prompts):
        enough.wait(60)
        return ["late"] * len(prompts)

    began = time.monotonic()
    with pytest.raises(StepTimeoutError):
        paramiko_driver.authenticate(InteractiveAttempt(account.name, answer), within(0.5))
    # Paramiko's own limit is of 30 s.
    assert time.monotonic() - began < 10
    enough.set()


def test_partial_success_tells_what_is_still_wanted(paramiko_driver, make_sshd, account):
    server = make_sshd(
        user=account.name, config=f"{PASSWORDS}AuthenticationMethods publickey,password\n"
    )
    handshake(paramiko_driver, server)
    key = key_attempt(account.name, server.client_key)

    assert paramiko_driver.authenticate(NoneAttempt(account.name), within()) == denied("publickey")
    assert paramiko_driver.authenticate(key, within()) == partial("password")
    wrong = PasswordAttempt(account.name, "wrong")
    assert paramiko_driver.authenticate(wrong, within()) == denied("password")
    right = PasswordAttempt(account.name, account.password)
    assert paramiko_driver.authenticate(right, within()) == SUCCESS


def test_partial_success_by_prompts(paramiko_driver, make_sshd, account):
    server = make_sshd(
        user=account.name,
        config=f"{PROMPTS}AuthenticationMethods publickey,keyboard-interactive\n",
    )
    handshake(paramiko_driver, server)
    key = key_attempt(account.name, server.client_key)
    prompts = InteractiveAttempt(
        account.name, lambda title, text, prompts: [account.password] * len(prompts)
    )

    assert paramiko_driver.authenticate(key, within()) == partial("keyboard-interactive")
    assert paramiko_driver.authenticate(prompts, within()) == SUCCESS


def test_a_server_that_has_had_enough_is_an_error(paramiko_driver, make_sshd, key_ring):
    server = make_sshd(config="MaxAuthTries 2")
    handshake(paramiko_driver, server)
    stranger = key_attempt(server.user, key_ring.key("stranger"))

    assert paramiko_driver.authenticate(stranger, within()) == denied("publickey")
    with pytest.raises(SSHError, match="Too many authentication failures") as raised:
        paramiko_driver.authenticate(stranger, within())
    assert raised.value.__cause__ is not None
    with pytest.raises(SSHError):
        paramiko_driver.authenticate(stranger, within())


def test_the_agents_keys(paramiko_driver, make_sshd, key_ring, ssh_agent):
    keys = [key_ring.key("agent", kind) for kind in ("ed25519", "rsa", "ecdsa")]
    for key in keys:
        ssh_agent.add(key)
    server = make_sshd(authorized_keys=[keys[1]])
    handshake(paramiko_driver, server)

    path = str(ssh_agent.socket)
    identities = paramiko_driver.agent_identities(path, within())

    assert [each.key_type for each in identities] == [
        "ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256",
    ]  # fmt: skip
    assert [each.comment for each in identities] == ["agent"] * 3
    assert [each.blob for each in identities] == [key_attempt("", key).blob for key in keys]
    outcomes = [
        paramiko_driver.authenticate(AgentAttempt(server.user, each, path), within())
        for each in identities[:2]
    ]
    assert outcomes == [denied("publickey"), SUCCESS]


def test_without_an_agent_there_are_no_keys(paramiko_driver, sshd):
    handshake(paramiko_driver, sshd)

    assert paramiko_driver.agent_identities("/nonexistent/agent.sock", within()) == ()


def test_a_key_that_the_agent_does_not_have_is_an_error(paramiko_driver, sshd, ssh_agent):
    handshake(paramiko_driver, sshd)
    attempt = AgentAttempt(
        sshd.user, AgentIdentity("ssh-ed25519", b"", "gone"), str(ssh_agent.socket)
    )

    with pytest.raises(SSHError, match="gone"):
        paramiko_driver.authenticate(attempt, within())


@pytest.fixture
def mute_agent():
    """An agent that takes connections and says nothing."""
    with (
        tempfile.TemporaryDirectory(prefix="ncwire-agent-") as folder,
        socket.socket(socket.AF_UNIX) as listener,
    ):
        path = Path(folder) / "agent.sock"
        listener.bind(str(path))
        listener.listen()
        yield listener


def test_an_agent_that_says_nothing_is_not_waited_for(paramiko_driver, sshd, mute_agent):
    handshake(paramiko_driver, sshd)

    with pytest.raises(StepTimeoutError):
        paramiko_driver.agent_identities(mute_agent.getsockname(), within(0.3))


def test_an_agent_that_does_not_speak_the_protocol_is_an_error(paramiko_driver, sshd, mute_agent):
    def babble():
        accepted, _ = mute_agent.accept()
        with accepted:
            accepted.recv(5)
            accepted.sendall(b"\0\0\0\1\5")

    babbler = threading.Thread(target=babble)
    babbler.start()
    handshake(paramiko_driver, sshd)

    with pytest.raises(SSHError, match="SSH agent"):
        paramiko_driver.agent_identities(mute_agent.getsockname(), within())
    babbler.join()


def test_a_silent_server_is_waited_for_until_the_deadline(paramiko_driver, make_sshd):
    server = make_sshd()
    handshake(paramiko_driver, server)
    server.freeze()
    began = time.monotonic()

    with pytest.raises(StepTimeoutError) as raised:
        paramiko_driver.authenticate(NoneAttempt("root"), within(0.5, "authentication by none"))

    assert time.monotonic() - began < 5
    assert raised.value.step == "authentication by none"


def test_the_banner_is_kept(paramiko_driver, make_sshd, tmp_path):
    banner = tmp_path / "banner"
    banner.write_text("Grüße\n")
    server = make_sshd(config=f"Banner {banner}")
    handshake(paramiko_driver, server)
    paramiko_driver.authenticate(NoneAttempt(server.user), within())
    paramiko_driver.authenticate(key_attempt(server.user, server.client_key), within())

    channel = paramiko_driver.open_channel(ChannelRequest("netconf"), {}, within())

    assert channel.info.banner == "Grüße\n"


def test_attempts_show_no_secret():
    attempts = (
        PasswordAttempt("root", "secret"),
        PublicKeyAttempt("root", "ssh-ed25519", b"", b"secret"),
    )
    assert "secret" not in repr(attempts)
