"""ssh_config, as `ssh -G` resolves it."""

from __future__ import annotations

import logging
import shutil

import pytest

from ncwire.errors import OptionError
from ncwire.ssh.config import resolve

pytestmark = pytest.mark.skipif(
    shutil.which("ssh") is None, reason="needs ssh (Debian package openssh-client)"
)


@pytest.fixture
def config(tmp_path):
    def write(text: str) -> str:
        path = tmp_path / 'con "f"*[x]'
        path.write_text(text)
        return str(path)

    return write


def test_nothing_set_is_nothing_said(config):
    said = resolve("r1", config(""))
    assert said.hostname == "r1"
    assert (said.port, said.user, said.identity_files) == (None, None, ())
    assert (said.user_known_hosts_files, said.global_known_hosts_files) == (None, None)
    assert (said.host_key_alias, said.connect_timeout, said.keepalive) == (None, None, None)
    assert (said.bind_address, dict(said.environment)) == (None, {})
    assert said.identities_only is False


def test_everything_set(config, home):
    said = resolve(
        "r1",
        config("""
Host r2
    Port 1
Host r1
    HostName 10.0.0.1
    Port 8300
    User bob
    IdentityFile ~/.ssh/k_%h_%r_%n_%%
    IdentityFile /etc/key
    IdentitiesOnly yes
    UserKnownHostsFile ~/kh /etc/kh2
    GlobalKnownHostsFile none
    HostKeyAlias lab
    ConnectTimeout 7
    ServerAliveInterval 20
    BindAddress 127.0.0.9
    SetEnv A=1 B="x y"
    """),
    )
    assert (said.hostname, said.port, said.user) == ("10.0.0.1", 8300, "bob")
    assert said.identity_files == (f"{home}/.ssh/k_10.0.0.1_bob_r1_%", "/etc/key")
    assert said.identities_only is True
    assert said.user_known_hosts_files[1] == "/etc/kh2"
    assert said.global_known_hosts_files == ()
    assert said.host_key_alias == "lab"
    assert (said.connect_timeout, said.keepalive) == (7.0, 20.0)
    assert said.bind_address == "127.0.0.9"
    assert dict(said.environment) == {"A": "1", "B": "x y"}


def test_a_port_that_is_ssh_s_default_was_set_too(config):
    assert resolve("r1", config("Port 22")).port == 22


def test_arguments_win_and_select(config):
    text = "Host *\n  Port 1\n  User bob\nMatch user eve\n  HostKeyAlias evil\n"
    said = resolve("r1", config(text), port=22, username="eve")
    assert (said.port, said.user, said.host_key_alias) == (22, "eve", "evil")


def test_overrides_win_and_need_no_file(config):
    said = resolve("r1", config("Port 1"), overrides=["Port=2", "HostKeyAlias=x"])
    assert (said.port, said.host_key_alias) == (2, "x")
    assert resolve("r1", None, overrides=["User=u"]).user == "u"


def test_an_ipv6_address(config):
    assert resolve("fe80::1%lo", config("")).hostname == "fe80::1%lo"


@pytest.mark.parametrize("word", ["no", "off", "accept-new"])
def test_strictness_is_not_weakened_and_that_is_said(word, config, caplog):
    with caplog.at_level(logging.INFO):
        resolve("r1", config(f"StrictHostKeyChecking {word}"))
    assert "StrictHostKeyChecking" in caplog.text
    assert "r1" in caplog.text


@pytest.mark.parametrize("word", ["yes", "ask"])
def test_nothing_is_said_of_strictness_that_we_have(word, config, caplog):
    with caplog.at_level(logging.INFO):
        resolve("r1", config(f"StrictHostKeyChecking {word}"))
    assert caplog.text == ""


@pytest.mark.parametrize(
    "line",
    [
        "ProxyJump jump",
        "ProxyCommand nc %h %p",
        "Ciphers aes128-ctr",
        "KexAlgorithms +diffie-hellman-group14-sha1",
        "MACs hmac-sha1",
        "HostKeyAlgorithms +ssh-rsa",
        "CertificateFile /c",
        "Compression yes",
        "IdentityAgent none",
        "AddressFamily inet6",
        "PasswordAuthentication no",
        "PreferredAuthentications password",
        "RevokedHostKeys /r",
    ],
)
def test_what_is_not_supported_is_refused_by_name(line, config):
    path = config(line)
    with pytest.raises(OptionError) as caught:
        resolve("r1", path)
    text = str(caught.value)
    assert line.split()[0].lower() in text.lower()
    assert path in text
    assert "r1" in text


@pytest.mark.parametrize("line", ["ProxyJump none", "ProxyCommand none", "Compression no"])
def test_what_says_no_is_not_refused(line, config):
    resolve("r1", config(line))


def test_a_missing_file(tmp_path):
    with pytest.raises(OptionError, match=r"ssh_config: .*none: No such file"):
        resolve("r1", str(tmp_path / "none"))


def test_ssh_s_own_words_for_a_bad_file_and_a_bad_option(config):
    path = config("Nonsense 1\n")
    with pytest.raises(OptionError) as caught:
        resolve("r1", path)
    assert "line 1: Bad configuration option: nonsense" in str(caught.value)
    assert path in str(caught.value)
    with pytest.raises(OptionError, match="Bad configuration option: x"):
        resolve("r1", None, overrides=["x=1"])


def test_a_host_that_looks_like_an_option_runs_nothing(config, tmp_path):
    with pytest.raises(OptionError) as caught:
        resolve(f"-oProxyCommand=touch {tmp_path}/pwned", config(""))
    assert caught.value.option == "host"
    with pytest.raises(OptionError):
        resolve("r1", None, overrides=["port=1\0"])


def test_tokens_and_variables_that_cannot_be_expanded(config, monkeypatch):
    monkeypatch.setenv("HERE", "/there")
    assert resolve("r1", config("IdentityFile ${HERE}/k")).identity_files == ("/there/k",)
    for path, word in (("/%C", "%C"), ("/${NOT_HERE}", "NOT_HERE")):
        with pytest.raises(OptionError, match=word):
            resolve("r1", config(f"IdentityFile {path}"))


def test_without_ssh_the_package_is_named(config, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OptionError, match="openssh-client"):
        resolve("r1", config(""))


def test_include_and_match_work_as_in_ssh(config, tmp_path):
    (tmp_path / "more").write_text("Match host r1\n  Port 99\n")
    path = config(f'Include {tmp_path}/more\nMatch exec "true"\n  User exec\n')
    said = resolve("r1", path)
    assert (said.port, said.user) == (99, "exec")
    assert resolve("r2", path).port is None
