"""How the driver openssh logs in: what ssh asks is answered, and shown to nobody."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

import ncwire
from ncwire.errors import (
    AuthenticationError,
    KeyFileError,
    OptionError,
    SSHError,
    UnsupportedOption,
)
from ncwire.testing import EmbeddedServer
from ncwire.testing.conformance.login import Round, ScriptedLogin

pytestmark = pytest.mark.sshd

PASSWORDS = "PasswordAuthentication yes\nKbdInteractiveAuthentication no"
PROMPTS = "PasswordAuthentication no\nKbdInteractiveAuthentication yes\nUsePAM yes"


def with_password(account, password=None):
    return {
        "username": account.name,
        "password": account.password if password is None else password,
        "key_filename": None,
    }


def test_a_password_lets_in(connect, make_sshd, account):
    server = make_sshd(user=account.name, config=PASSWORDS)
    assert connect(server, **with_password(account)).connected


def test_a_password_is_the_answer_to_the_servers_prompt_for_it(connect, make_sshd, account):
    server = make_sshd(user=account.name, config=PROMPTS)
    assert connect(server, **with_password(account)).connected
    assert "keyboard-interactive/pam" in server.log()


@pytest.mark.parametrize("config", [PASSWORDS, PROMPTS], ids=["password", "prompt"])
def test_a_wrong_password_is_told_with_what_was_tried(connect, make_sshd, account, config):
    server = make_sshd(user=account.name, config=config)
    with pytest.raises(AuthenticationError) as caught:
        connect(server, **with_password(account, "wrong-1d3f"))
    assert any("denied" in line for line in caught.value.attempts)
    assert "wrong-1d3f" not in repr(caught.value) + "".join(caught.value.attempts)


def test_one_failed_login_is_one_at_the_server(connect, make_sshd, account):
    server = make_sshd(user=account.name, config=PASSWORDS.replace("ve no", "ve yes\nUsePAM yes"))
    with pytest.raises(AuthenticationError):
        connect(server, **with_password(account, "wrong-1d3f"))
    assert server.log().count("Failed ") == 1


def test_a_passphrase_opens_a_key_and_is_not_sent(connect, make_sshd, key_ring):
    key = key_ring.key("with-a-passphrase", passphrase="pässphräse")
    server = make_sshd(authorized_keys=[key])
    assert connect(server, key_filename=str(key), passphrase="pässphräse").connected
    assert "password" not in server.log()


def test_the_password_opens_a_key_where_there_is_no_passphrase(connect, make_sshd, key_ring):
    key = key_ring.key("with-a-passphrase", passphrase="pässphräse")
    server = make_sshd(authorized_keys=[key])
    assert connect(server, key_filename=str(key), password="pässphräse").connected


def test_a_wrong_passphrase_is_a_key_file_error(connect, make_sshd, key_ring):
    key = key_ring.key("with-a-passphrase", passphrase="pässphräse")
    server = make_sshd(authorized_keys=[key])
    with pytest.raises(KeyFileError) as caught:
        connect(server, key_filename=str(key), passphrase="wrong-7a")
    assert str(key) in str(caught.value)


def test_a_secret_that_ssh_would_cut_is_refused_before_anything_is_sent(connect, sshd):
    for secret in ("a\nb", "x" * 1024):
        with pytest.raises(UnsupportedOption, match="1023"):
            connect(sshd, password=secret)
        with pytest.raises(OptionError, match="1023") as caught:
            connect(sshd, driver_options={"pin": secret})
        assert secret not in str(caught.value)


def test_a_key_and_a_password_in_two_steps(connect, make_sshd, account, sshd):
    config = f"{PASSWORDS}\nAuthenticationMethods publickey,password"
    server = make_sshd(user=account.name, config=config)
    parameters = with_password(account) | {"key_filename": str(server.client_key)}
    assert connect(server, **parameters).connected


def test_the_banner_of_the_server_is_in_the_channels_info(connect, make_sshd, tmp_path):
    banner = tmp_path / "banner"
    banner.write_text("Authorised users only.\n")
    banner.chmod(0o644)
    server = make_sshd(config=f"Banner {banner}")
    assert connect(server).channel_info.banner == "Authorised users only.\n"


def test_no_secret_is_in_sshs_arguments_environment_or_files(
    connect, make_sshd, account, watched_ssh
):
    server = make_sshd(user=account.name, config=PASSWORDS)
    session = connect(server, **with_password(account), driver_options={"pin": "pin-93b1"})
    assert session.connected
    seen = watched_ssh.read_text(errors="replace")
    assert "SSH_ASKPASS_REQUIRE=force" in seen
    assert "PreferredAuthentications" in seen
    assert account.password not in seen
    assert "pin-93b1" not in seen


def test_nothing_is_left_in_the_temporary_folder(connect, sshd, monkeypatch):
    # Another than that of all, where other processes' come and go; and short, for it has a socket.
    with TemporaryDirectory(dir="/tmp") as folder:
        monkeypatch.setattr("tempfile.tempdir", folder)
        assert connect(sshd).connected
        assert not [*Path(folder).iterdir()]


def test_sshs_own_configuration_has_no_say(connect, sshd, tmp_path, monkeypatch):
    # ssh finds its user's home by the password database, so this is what HOME alone can do.
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "config").write_text("Host *\n    ProxyCommand /bin/false\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert connect(sshd).connected


def test_a_user_name_that_would_be_more_than_one_line_is_refused(connect, sshd):
    with pytest.raises((SSHError, ValueError)):
        connect(sshd, username="a\nProxyCommand x")


ROUNDS = (
    Round("Login", "Who are you?", (("Your name: ", True), ("Your code: ", False)), ("ada", "77")),
    Round("", "", (("Sure? ", True),), ("yes",)),
)


@pytest.fixture
def asking():
    """A server that asks two prompts in one round, and one in another."""
    login = ScriptedLogin.of(rounds=ROUNDS)
    with EmbeddedServer(auth_methods=("keyboard-interactive",), login=login) as server:
        yield server


def connected_to(server, handler):
    return ncwire.connect(
        server.host,
        port=server.port,
        username="admin",
        driver="openssh",
        hostkey_b64=server.host_key.base64,
        allow_agent=False,
        look_for_keys=False,
        auth_handler=handler,
    )


def test_each_prompt_of_a_round_is_answered_by_itself(asking):
    answers = {
        text: answer
        for each in ROUNDS
        for (text, _), answer in zip(each.prompts, each.answers, strict=True)
    }
    calls = []

    def handler(title, instruction, prompts):
        calls.append((title, instruction, prompts))
        ((text, _),) = prompts
        return [answers[text]]

    with connected_to(asking, handler) as session:
        assert session.connected
    assert calls == [("", "", ((text, False),)) for text in answers]


@pytest.mark.parametrize("answers", [[], ["a", "b"], "a", None, [3]])
def test_what_is_no_answer_is_refused_and_not_shown(asking, answers):
    with pytest.raises(OptionError, match='for the prompt "Your name:"'):
        connected_to(asking, lambda *_: answers)


def test_an_answer_that_ssh_would_cut_is_refused(asking):
    with pytest.raises(OptionError, match="one line of at most 1023 bytes") as caught:
        connected_to(asking, lambda *_: ["secret-91\nmore"])
    assert "secret-91" not in str(caught.value)


def test_wrong_answers_are_told_with_the_prompts(asking):
    with pytest.raises(AuthenticationError) as caught:
        connected_to(asking, lambda *_: ["wrong-6c"])
    told = "".join(caught.value.attempts)
    assert '"Your name:", "Your code:"' in told
    assert "wrong-6c" not in told + str(caught.value)
