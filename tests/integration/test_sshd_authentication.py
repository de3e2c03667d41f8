"""Authentication in several steps, by agent and certificates, against OpenSSH's sshd."""

from __future__ import annotations

import logging
import shutil
from typing import TYPE_CHECKING

import pytest

from ncwire._plugins import registry
from ncwire.driver import Feature, SSHDriver
from ncwire.errors import AuthenticationError, KeyFileError

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.sshd

PASSWORDS = "PasswordAuthentication yes\n"
PROMPTS = "UsePAM yes\nKbdInteractiveAuthentication yes\n"
STRANGERS = ("stranger1", "stranger2", "stranger3", "stranger4")


def in_steps(*methods: str) -> str:
    return f"{PASSWORDS}{PROMPTS}AuthenticationMethods {','.join(methods)}\n"


def of_authority(server_folder_key: Path) -> str:
    return f"TrustedUserCAKeys {server_folder_key}.pub\nAuthorizedKeysFile none\n"


@pytest.fixture
def core_plans(driver: str) -> None:
    """The core makes the attempts, one by one; a program that does has a plan of its own."""
    if not issubclass(registry.load(driver), SSHDriver):
        pytest.skip(f"driver {driver!r} leaves the order of attempts to its program")


@pytest.fixture
def strangers(key_ring):
    """Keys that no server here knows."""
    return [key_ring.key(name) for name in STRANGERS]


@pytest.fixture
def pair(key_ring, tmp_path):
    """Return a new copy of a key pair, beside which nothing else stands."""

    def copy(name: str, kind: str = "ed25519", passphrase: str = "") -> Path:
        key = key_ring.key(name, kind, passphrase)
        for end in ("", ".pub"):
            shutil.copy(f"{key}{end}", tmp_path)
        return tmp_path / key.name

    return copy


@pytest.fixture
def authority(key_ring, tmp_path_factory):
    """A user authority's key, whose public half sshd may read."""
    return key_ring.key("authority")


# --- several steps ------------------------------------------------------------------------------


def test_a_key_and_then_the_password(make_sshd, connect, account):
    server = make_sshd(user=account.name, config=in_steps("publickey", "password"))
    assert connect(server, password=account.password).connected


def test_a_key_and_then_prompts_answered_with_the_password(make_sshd, connect, account):
    server = make_sshd(user=account.name, config=in_steps("publickey", "keyboard-interactive"))
    assert connect(server, password=account.password).connected


def test_a_key_and_then_prompts_for_the_handler(make_sshd, connect, account, needs):
    needs(Feature.KEYBOARD_INTERACTIVE)
    server = make_sshd(user=account.name, config=in_steps("publickey", "keyboard-interactive"))
    session = connect(server, auth_handler=lambda *asked: [account.password for _ in asked[2]])
    assert session.connected


def test_the_password_and_then_a_key(make_sshd, connect, account):
    server = make_sshd(user=account.name, config=in_steps("password", "publickey"))
    assert connect(server, password=account.password).connected


def test_two_keys(make_sshd, connect, key_ring):
    keys = [key_ring.key("first"), key_ring.key("second")]
    server = make_sshd(authorized_keys=keys, config=in_steps("publickey", "publickey"))
    assert connect(server, key_filename=list(map(str, keys))).connected
    with pytest.raises(AuthenticationError, match="the server wants more, by one of: pub") as one:
        connect(server, key_filename=str(keys[0]))
    assert "first" in one.value.attempts[0]
    assert "accepted, more is wanted" in one.value.attempts[0]


@pytest.mark.parametrize("second", ["password", "keyboard-interactive"])
def test_what_is_missing_of_several_steps_is_told(make_sshd, connect, account, second):
    server = make_sshd(user=account.name, config=in_steps("publickey", second))
    with pytest.raises(AuthenticationError, match=f"wants more, by one of: {second}") as caught:
        connect(server)
    assert "accepted, more is wanted" in caught.value.attempts[0]


def test_a_wrong_second_step_is_denied(make_sshd, connect, account):
    server = make_sshd(user=account.name, config=in_steps("publickey", "password"))
    with pytest.raises(AuthenticationError) as caught:
        connect(server, password="wrong-5f1e")
    assert "password: denied" in caught.value.attempts
    assert "wrong-5f1e" not in str(caught.value)


# --- few tries ----------------------------------------------------------------------------------


@pytest.mark.parametrize("second", ["password", "keyboard-interactive"])
def test_steps_within_two_tries(make_sshd, connect, account, second):
    config = f"MaxAuthTries 2\n{in_steps('publickey', second)}"
    server = make_sshd(user=account.name, config=config)
    assert connect(server, password=account.password).connected


def test_a_wrong_key_and_two_steps_within_two_tries(make_sshd, connect, account, strangers):
    config = f"MaxAuthTries 2\n{in_steps('publickey', 'password')}"
    server = make_sshd(user=account.name, config=config)
    keys = [str(strangers[0]), str(server.client_key)]
    assert connect(server, key_filename=keys, password=account.password).connected


def test_a_wrong_key_and_prompts_where_a_password_was_likelier(
    make_sshd, connect, account, strangers
):
    config = in_steps("publickey", "keyboard-interactive")
    server = make_sshd(user=account.name, config=config)
    keys = [str(strangers[0]), str(server.client_key)]
    assert connect(server, key_filename=keys, password=account.password).connected


def test_a_wrong_key_and_two_keys_within_two_tries(make_sshd, connect, key_ring, strangers):
    keys = [strangers[0], key_ring.key("first"), key_ring.key("second")]
    config = f"MaxAuthTries 2\n{in_steps('publickey', 'publickey')}"
    server = make_sshd(authorized_keys=keys[1:], config=config)
    assert connect(server, key_filename=list(map(str, keys))).connected


def test_a_wrong_password_at_two_tries_is_a_denial(make_sshd, connect, account):
    server = make_sshd(user=account.name, config=f"MaxAuthTries 2\n{PASSWORDS}")
    with pytest.raises(AuthenticationError, match="accepted nothing that was tried") as caught:
        connect(server, key_filename=None, password="wrong")
    assert "password: denied" in caught.value.attempts


@pytest.fixture
def crowded(ssh_agent, key_ring, strangers):
    """An agent with five keys, the last of which is the right one."""
    for key in strangers:
        ssh_agent.add(key)
    right = key_ring.key("right")
    ssh_agent.add(right)
    return right


def test_a_wrong_first_key_and_one_try(make_sshd, connect, key_ring, strangers):
    keys = [strangers[0], key_ring.key("right")]
    server = make_sshd(authorized_keys=keys[1:], config="MaxAuthTries 1")
    with pytest.raises(AuthenticationError, match=r"after 1 failure \(") as caught:
        connect(server, key_filename=list(map(str, keys)))
    first, second = caught.value.attempts
    assert "stranger1" in first
    assert first.endswith("the connection ended")
    assert "right" in second
    assert second.endswith("not tried, the connection had ended")
    assert "key_filename" in str(caught.value)


def test_a_wrong_password_and_one_try(make_sshd, connect, account):
    server = make_sshd(user=account.name, config=f"MaxAuthTries 1\n{PASSWORDS}")
    with pytest.raises(AuthenticationError) as caught:
        connect(server, key_filename=None, password="wrong")
    assert caught.value.attempts[0].startswith("password: ")


def test_five_keys_in_the_agent_and_two_tries(make_sshd, connect, crowded):
    server = make_sshd(authorized_keys=[crowded], config="MaxAuthTries 2")
    with pytest.raises(AuthenticationError, match="after 2 failures") as caught:
        connect(server, key_filename=None, allow_agent=True)
    first, second, third = caught.value.attempts
    assert "stranger1" in first
    assert first.endswith("denied")
    assert "stranger2" in second
    assert second.endswith("the connection ended")
    assert "stranger3" in third
    assert "not tried" in third
    assert "key_filename" in str(caught.value)


def test_the_named_key_of_five_is_tried_first(make_sshd, connect, crowded):
    server = make_sshd(authorized_keys=[crowded], config="MaxAuthTries 2")
    assert connect(server, key_filename=str(crowded), allow_agent=True).connected


@pytest.mark.parametrize("named", ["private", "public"])
def test_identities_only_names_one_of_five(
    make_sshd, connect, crowded, tmp_path, named, monkeypatch
):
    # The agent alone has the private key, as a security key's or a password store's does.
    name = "id" if named == "private" else "id.pub"
    shutil.copy(f"{crowded}.pub", tmp_path / "id.pub")
    config = tmp_path / "config"
    config.write_text(f"IdentitiesOnly yes\nIdentityFile {tmp_path / name}\n")
    server = make_sshd(authorized_keys=[crowded], config="MaxAuthTries 2")
    session = connect(server, key_filename=None, allow_agent=True, ssh_config=str(config))
    assert session.connected


def test_the_password_is_reserved_a_try(
    make_sshd, connect, account, ssh_agent, key_ring, core_plans
):
    for number in range(7):
        ssh_agent.add(key_ring.key(f"stranger{number}"))
    server = make_sshd(user=account.name, config=PASSWORDS)
    session = connect(server, key_filename=None, allow_agent=True, password=account.password)
    assert session.connected


# --- the agent ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_the_agent_with_keys_of_each_type(make_sshd, connect, ssh_agent, key_ring, kind):
    keys = [key_ring.key("agent", each) for each in ("ed25519", "ecdsa", "rsa")]
    for key in keys:
        ssh_agent.add(key)
    server = make_sshd(authorized_keys=[key_ring.key("agent", kind)])
    assert connect(server, key_filename=None, allow_agent=True).connected


def test_the_agent_is_the_one_that_options_name(
    make_sshd, connect, ssh_agent, key_ring, monkeypatch
):
    ssh_agent.add(key_ring.key("agent"))
    server = make_sshd(authorized_keys=[key_ring.key("agent")])
    session = connect(server, key_filename=None, allow_agent=True)
    assert session.connected
    monkeypatch.delenv("SSH_AUTH_SOCK")
    with pytest.raises(AuthenticationError, match="nothing to try"):
        connect(server, key_filename=None, allow_agent=True)


# --- certificates -------------------------------------------------------------------------------


@pytest.fixture
def make_certified(make_sshd, authority):
    """Start a server that takes nothing but certificates."""

    def make(**settings):
        # The authority's folder is pytest's own, which sshd as root can read.
        return make_sshd(config=of_authority(authority), **settings)

    return make


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_a_certificate_beside_its_key(make_certified, connect, pair, key_ring, authority, kind):
    server, key = make_certified(), pair("user", kind)
    with pytest.raises(AuthenticationError):
        connect(server, key_filename=str(key))
    key_ring.certificate(key, authority, server.user)
    assert connect(server, key_filename=str(key)).connected


def test_a_certificate_in_the_usual_place(
    make_certified, connect, pair, key_ring, authority, tmp_path, monkeypatch
):
    server, key = make_certified(), pair("user")
    key_ring.certificate(key, authority, server.user)
    (tmp_path / ".ssh").mkdir()
    for end in ("", "-cert.pub"):
        shutil.copy(f"{key}{end}", tmp_path / ".ssh" / f"id_ed25519{end}")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert connect(server, key_filename=None, look_for_keys=True).connected


@pytest.mark.parametrize("alone", [False, True], ids=["with its key", "alone"])
@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_a_certificate_in_the_agent(
    make_certified, connect, pair, key_ring, authority, ssh_agent, kind, alone
):
    server, key = make_certified(), pair("user", kind)
    key_ring.certificate(key, authority, server.user)
    ssh_agent.add(key)
    if alone:
        ssh_agent.remove(key_ring.key("user", kind))  # beside which there is no certificate
    key.unlink()
    assert connect(server, key_filename=None, allow_agent=True).connected


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_a_certificate_file_for_the_agents_key(
    make_certified, connect, pair, key_ring, authority, ssh_agent, kind
):
    server, key = make_certified(), pair("user", kind)
    ssh_agent.add(key)
    key_ring.certificate(key, authority, server.user)
    config = key.with_name("config")
    config.write_text(f"IdentityFile {key}.pub\n")
    session = connect(server, key_filename=None, allow_agent=True, ssh_config=str(config))
    assert session.connected


def test_a_certificate_that_is_denied_is_told_by_its_principals(
    make_certified, connect, pair, key_ring, authority, core_plans
):
    server, key = make_certified(), pair("user")
    key_ring.certificate(key, authority, "somebody-else")
    with pytest.raises(AuthenticationError) as caught:
        connect(server, key_filename=str(key))
    with_certificate, bare = caught.value.attempts
    assert "for somebody-else" in with_certificate
    assert with_certificate.endswith("denied")
    assert bare.startswith(f"publickey {key} ")


def test_an_expired_certificate_is_not_tried(
    make_certified, connect, pair, key_ring, authority, core_plans
):
    server, key = make_certified(), pair("user")
    key_ring.certificate(key, authority, server.user, "20200101:20200102")
    with pytest.raises(AuthenticationError, match=r"cert\.pub: not tried, expired on 2020-01-0"):
        connect(server, key_filename=str(key))


# --- encrypted keys -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_an_encrypted_key_and_its_passphrase(make_sshd, connect, key_ring, kind):
    key = key_ring.key("encrypted", kind, "a passphrase")
    server = make_sshd(authorized_keys=[key])
    assert connect(server, key_filename=str(key), password="a passphrase").connected
    for passphrase, problem in (("wrong-77aa", "does not decrypt"), (None, "no passphrase")):
        with pytest.raises(KeyFileError, match=problem) as caught:
            connect(server, key_filename=str(key), password=passphrase)
        assert "wrong-77aa" not in str(caught.value) + repr(caught.value)


# --- keys that cannot be used -------------------------------------------------------------------


def test_a_missing_key_does_not_keep_the_next_from_its_turn(make_sshd, connect, tmp_path, caplog):
    server = make_sshd()
    missing = str(tmp_path / "missing")
    assert connect(server, key_filename=[missing, str(server.client_key)]).connected
    assert f"private key {missing}: no such file; it was left out" in caplog.text


def test_the_login_password_is_no_passphrase(make_sshd, connect, account, key_ring, caplog):
    key = key_ring.key("with another passphrase", "ed25519", "a passphrase")
    server = make_sshd(user=account.name, authorized_keys=[key], config=PASSWORDS)
    given = {"key_filename": str(key), "password": account.password}
    assert connect(server, **given).connected
    assert "Accepted password for" in server.log()
    assert "the password does not decrypt it" in caplog.text
    assert account.password not in caplog.text
    assert connect(server, **given, passphrase="a passphrase").connected
    assert "Accepted publickey for" in server.log()


# --- what is told -------------------------------------------------------------------------------


def test_the_plan_and_each_outcome_are_logged(make_sshd, connect, strangers, caplog, core_plans):
    caplog.set_level(logging.DEBUG, "ncwire.ssh.auth")
    server = make_sshd()
    connect(server, key_filename=[str(strangers[0]), str(server.client_key)], password="p4ss")
    plan, denied, accepted = [each.getMessage() for each in caplog.records]
    assert "the server offers publickey; the plan: key_filename (publickey), password" in plan
    assert denied.endswith("denied")
    assert accepted.endswith("accepted")
    assert "p4ss" not in caplog.text
