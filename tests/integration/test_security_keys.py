"""A key of a FIDO token, which the agent holds, against OpenSSH's sshd."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ncwire._plugins import recommended, registry
from ncwire.driver import Feature
from ncwire.errors import AuthenticationError
from servers.security_key import SecurityKeyAgent

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.sshd


@pytest.fixture
def token(monkeypatch) -> Iterator[SecurityKeyAgent]:
    with tempfile.TemporaryDirectory(prefix="ncwire-agent-") as folder:
        agent = SecurityKeyAgent(Path(folder) / "agent.sock")
        monkeypatch.setenv("SSH_AUTH_SOCK", str(agent.socket))
        yield agent
        agent.end()


@pytest.fixture
def server(make_sshd, token, tmp_path):
    public = tmp_path / "token"
    public.with_suffix(".pub").write_text(token.public_line())
    return make_sshd(authorized_keys=[public])


def test_it_logs_in_or_is_left_out_with_the_driver_that_could(connect, driver, server, token):
    if Feature.AGENT_SECURITY_KEY in registry.load(driver).features:
        assert connect(server, key_filename=None, allow_agent=True).connected
        assert "Accepted publickey for" in server.log()
        assert token.signatures == 1
        return
    with pytest.raises(AuthenticationError) as caught:
        connect(server, key_filename=None, allow_agent=True)
    assert "there is nothing to try" in str(caught.value)
    (line,) = caught.value.attempts
    assert line.startswith("publickey token, of the agent (sk-ssh-ed25519@openssh.com SHA256:")
    assert (
        "not tried, not supported by driver 'libssh2' (these drivers do: openssh, paramiko)"
        in line
    )
    assert token.signatures == 0


def test_some_driver_can():
    assert "paramiko" in recommended.who_can(Feature.AGENT_SECURITY_KEY)
