"""Each way to log in to OpenSSH's sshd."""

from __future__ import annotations

import pytest

from ncwire.errors import (
    AuthenticationError,
)

pytestmark = pytest.mark.sshd


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_key_file_of_each_type(make_sshd, connect, key_ring, kind):
    key = key_ring.key("user", kind)
    assert connect(make_sshd(authorized_keys=[key]), key_filename=str(key)).connected


def test_denied_key_is_reported_without_the_key(sshd, connect, key_ring, leaves_nothing):
    key = key_ring.key("stranger", "ed25519")
    with pytest.raises(AuthenticationError, match=r"stranger.*denied") as caught:
        connect(sshd, key_filename=str(key))
    assert caught.value.attempts


def test_password(make_sshd, connect, account):
    server = make_sshd(user=account.name, config="PasswordAuthentication yes")
    assert connect(server, key_filename=None, password=account.password).connected


def test_wrong_password_is_never_shown(make_sshd, connect, account, caplog):
    caplog.set_level("DEBUG")
    server = make_sshd(user=account.name, config="PasswordAuthentication yes")
    with pytest.raises(AuthenticationError, match="password: denied") as caught:
        connect(server, key_filename=None, password="not-the-secret")
    assert "not-the-secret" not in str(caught.value) + repr(caught.value) + caplog.text


def test_agent(make_sshd, connect, ssh_agent, key_ring):
    key = key_ring.key("in-agent", "ed25519")
    ssh_agent.add(key)
    server = make_sshd(authorized_keys=[key])
    assert connect(server, key_filename=None, allow_agent=True).connected
    with pytest.raises(AuthenticationError):
        connect(server, key_filename=None, allow_agent=False)


def test_keys_in_the_usual_places(make_sshd, connect, key_ring, tmp_path, monkeypatch):
    key = key_ring.key("usual", "ed25519")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh").mkdir()
    usual = tmp_path / ".ssh" / "id_ed25519"
    usual.touch(mode=0o600)
    usual.write_bytes(key.read_bytes())
    server = make_sshd(authorized_keys=[key])
    assert connect(server, key_filename=None, look_for_keys=True).connected
    with pytest.raises(AuthenticationError):
        connect(server, key_filename=None, look_for_keys=False)


def test_publickey_comes_before_password(make_sshd, connect, account, key_ring):
    key = key_ring.key("user", "ed25519")
    server = make_sshd(
        user=account.name,
        authorized_keys=[key],
        config="AuthenticationMethods publickey,password\nPasswordAuthentication yes",
    )
    session = connect(server, key_filename=str(key), password=account.password)
    assert session.connected
