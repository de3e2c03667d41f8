"""ssh_config, as `ssh -G` resolves it."""

from __future__ import annotations

import getpass
import logging
import os
import pwd
import re
import shutil
import socket
import subprocess
import threading

import pytest

from ncwire._algorithms.offer import MODERN
from ncwire._ssh.config import Configuration, keywords, resolve
from ncwire.driver import Algorithms
from ncwire.errors import OptionError

HOME = pwd.getpwuid(os.getuid()).pw_dir  # to ssh "~" is that, whatever HOME says

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
    assert (said.port, said.user, said.identity_files) == (830, getpass.getuser(), None)
    assert (said.user_known_hosts_files, said.global_known_hosts_files) == (None, None)
    assert (said.host_key_alias, said.connect_timeout, said.keepalive) == (None, None, None)
    assert (said.bind_address, dict(said.environment)) == (None, {})
    assert said.identities_only is False


def test_everything_set(config, monkeypatch):
    monkeypatch.setenv("HOME", "/not/what/ssh/goes/by")
    said = resolve(
        "r1",
        config("""
Host r2
    Port 1
Host r1
    HostName 10.0.0.1
    Port 8300
    User bob
    IdentityFile ~/.ssh/k_%h_%r_%n_%p_%%
    IdentityFile /etc/key
    IdentitiesOnly yes
    IdentityAgent ~/agent_%h
    CertificateFile "~/c d/%h-cert.pub"
    CertificateFile /etc/cert.pub
    UserKnownHostsFile ~/kh_%k /etc/kh2
    GlobalKnownHostsFile none
    HostKeyAlias lab
    HashKnownHosts yes
    ConnectTimeout 7
    ServerAliveInterval 2m
    ServerAliveCountMax 5
    BindAddress 127.0.0.9
    AddressFamily inet6
    ProxyCommand relay --to %h:%p as %r "for %n" %%
    PreferredAuthentications password,gssapi-with-mic,publickey
    SetEnv A=1 B="x y" C="a=b"
    """),
    )
    assert (said.hostname, said.port, said.user) == ("10.0.0.1", 8300, "bob")
    assert said.identity_files == (f"{HOME}/.ssh/k_10.0.0.1_bob_r1_8300_%", "/etc/key")
    assert said.identities_only is True
    assert said.identity_agent == f"{HOME}/agent_10.0.0.1"
    assert said.certificate_files == (f"{HOME}/c d/10.0.0.1-cert.pub", "/etc/cert.pub")
    assert said.user_known_hosts_files == (f"{HOME}/kh_lab", "/etc/kh2")
    assert said.global_known_hosts_files == ()
    assert (said.host_key_alias, said.hash_known_hosts) == ("lab", True)
    assert (said.connect_timeout, said.keepalive, said.keepalive_count) == (7.0, 120.0, 5)
    assert (said.bind_address, said.address_family) == ("127.0.0.9", socket.AF_INET6)
    assert said.proxy_command == 'relay --to 10.0.0.1:8300 as bob "for r1" %'
    assert said.auth_methods == ("password", "publickey")
    assert dict(said.environment) == {"A": "1", "B": "x y", "C": "a=b"}


@pytest.mark.parametrize("path", ["~/.ssh/k_%p_%r", "/k_%p_%r"])
def test_tokens_go_by_the_defaults_of_ncwire(config, path):
    said = resolve("r1", config(f"IdentityFile {path}\nUserKnownHostsFile {path}\n"))
    assert said.identity_files == said.user_known_hosts_files
    assert said.identity_files[0].endswith(f"/k_830_{getpass.getuser()}")
    said = resolve("r1", config(f"UserKnownHostsFile {path}"), default_port=22, username="eve")
    assert said.user_known_hosts_files[0].endswith("/k_22_eve")


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


@pytest.mark.parametrize("word", ["no", "off"])
def test_strictness_is_not_weakened_and_that_is_said(word, config, caplog):
    path = config(f"StrictHostKeyChecking {word}")
    assert resolve("r1", path).strict_host_key_checking == "ask"
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    for part in ("StrictHostKeyChecking", "r1", path):
        assert part in record.getMessage()


@pytest.mark.parametrize(("word", "value"), [("yes", "yes"), ("accept-new", "accept-new")])
def test_nothing_is_said_of_strictness_that_we_have(word, value, config, caplog):
    with caplog.at_level(logging.INFO):
        said = resolve("r1", config(f"StrictHostKeyChecking {word}"))
    assert said.strict_host_key_checking == value
    assert caplog.text == ""


@pytest.mark.parametrize(
    "line",
    [
        "BindInterface lo",
        "CanonicalizeHostname yes",
        "CASignatureAlgorithms ssh-ed25519",
        "CheckHostIP yes",
        "ConnectionAttempts 3",
        "KnownHostsCommand /bin/true",
        "PKCS11Provider /p.so",
        "ProxyUseFdpass yes",
        "PubkeyAcceptedAlgorithms -rsa*",
        "PubkeyAcceptedAlgorithms ssh-ed25519",
        "RekeyLimit 1M",
        "RequiredRSASize 3072",
        "RevokedHostKeys /r",
    ],
)
def test_what_is_not_supported_is_refused_by_name(line, config):
    path = config(line)
    with pytest.raises(OptionError) as caught:
        resolve("r1", path)
    text = str(caught.value)
    assert f"sets {line.split()[0]} for r1" in text
    assert path in text
    way_out = re.search(r"ssh_options=\['(.*)'\]", text)
    if way_out is not None:
        resolve("r1", path, overrides=[way_out[1]])


@pytest.mark.parametrize(
    "line",
    [
        "ProxyJump none",
        "ProxyCommand none",
        "Compression no",
        "CheckHostIP no",
        "ProxyUseFdpass no",
    ],
)
def test_what_says_no_changes_nothing(line, config):
    assert resolve("r1", config(line)) == resolve("r1", config(""))


def test_lists_that_allow_more_than_openssh_s_change_nothing(config):
    text = "PubkeyAcceptedAlgorithms +ssh-rsa\nCASignatureAlgorithms +ssh-rsa\n"
    assert resolve("r1", config(text)) == resolve("r1", config(""))


def test_what_is_without_effect_is_said(config, caplog):
    with caplog.at_level(logging.INFO):
        said = resolve("r1", config("ControlMaster auto\nForwardAgent yes\nIPQoS af11\n"))
    assert said == resolve("r1", config(""))
    (record,) = caplog.records
    assert record.getMessage().endswith(
        "for r1 what has no effect: ControlMaster, ForwardAgent, IPQoS"
    )


def test_every_keyword_that_ssh_prints_is_known():
    printed = subprocess.run(
        ["ssh", "-G", "-T", "-F", "/dev/null", "r1"], check=True, capture_output=True, text=True
    ).stdout
    names = {line.split()[0].lower() for line in printed.splitlines()}
    assert names - {"host"} <= keywords.KNOWN


def test_jumps_as_they_are_written(config):
    said = resolve("r1", config("ProxyJump a,u@b:2222,[fe80::1]:22,%r-%h\nUser bob\n"))
    assert said.proxy_jump == ("a", "u@b:2222", "[fe80::1]:22", "bob-r1")


@pytest.mark.parametrize(
    ("word", "agent"),
    [
        ("none", "none"), ("SSH_AUTH_SOCK", None), ("$AGENT", "/an agent"), ("$NO_AGENT", "none"),
        ("${HOME}/x", "/home of mine/x"), ('"/a b/c"', "/a b/c"),
    ],
)  # fmt: skip
def test_the_agent(word, agent, config, monkeypatch):
    monkeypatch.setenv("AGENT", "/an agent")
    monkeypatch.setenv("HOME", "/home of mine")
    assert resolve("r1", config(f"IdentityAgent {word}")).identity_agent == agent


def test_no_key_files_are_not_the_usual_ones(config):
    assert resolve("r1", config("IdentityFile none")).identity_files == ()


def test_methods_that_are_switched_off(config):
    text = "PubkeyAuthentication no\nKbdInteractiveAuthentication no\n"
    assert resolve("r1", config(text)).auth_methods == ("password",)
    text += "PasswordAuthentication no\n"
    with pytest.raises(OptionError, match="no method of authentication for r1"):
        resolve("r1", config(text))


def test_variables_that_are_passed_on(config, monkeypatch):
    for name, value in (("NCW_A", "1"), ("NCW_B", "2"), ("NCW_C", "3"), ("OTHER", "4")):
        monkeypatch.setenv(name, value)
    said = resolve("r1", config("SendEnv NCW_? OTHER\nSendEnv -OTHER\nSetEnv NCW_B=set\n"))
    assert dict(said.environment) == {"NCW_A": "1", "NCW_B": "set", "NCW_C": "3"}


class TestKnownHostsFiles:
    @pytest.mark.parametrize(
        ("value", "names"),
        [
            ('"/a b/c d"  /x', ("/a b/c d", "/x")),
            ('/x "~/%k %%"', ("/x", f"{HOME}/r1 %")),
            ("/x near", ("/x", "near")),
            ('"/x near" "none of them"', ("/x near", "none of them")),
            ("/x ${SPACED}/y # two", ("/x", "/s p/y")),
        ],
    )
    def test_names_are_told_apart(self, config, value, names, monkeypatch):
        monkeypatch.setenv("SPACED", "/s p")
        path = config(
            f"Host r2\n  UserKnownHostsFile /r2\nHost r1\n  UserKnownHostsFile {value}\n"
        )
        assert resolve("r1", path).user_known_hosts_files == names

    def test_names_for_all(self, config):
        path = config('GlobalKnownHostsFile "/a b"')
        assert resolve("r1", path).global_known_hosts_files == ("/a b",)

    def test_an_option(self, config):
        said = resolve("r1", config(""), overrides=['UserKnownHostsFile "/a b" c'])
        assert said.user_known_hosts_files == ("/a b", "c")

    def test_what_cannot_be_told_apart(self, config):
        path = config('Host r1\n UserKnownHostsFile "/x y"\nHost r2\n UserKnownHostsFile /x y\n')
        with pytest.raises(OptionError, match=r"userknownhostsfile /x y: .*cannot be told"):
            resolve("r1", path)


class TestAlgorithms:
    def test_a_list_replaces_ours(self, config):
        said = resolve("r1", config("Ciphers aes256-ctr,aes128-gcm@openssh.com\nMACs hmac-sha1\n"))
        assert said.algorithms == Algorithms(
            ciphers=("aes256-ctr", "aes128-gcm@openssh.com"), macs=("hmac-sha1",)
        )

    @pytest.mark.parametrize(
        ("line", "kind", "expected"),
        [
            ("KexAlgorithms +diffie-hellman-group14-sha1", "kex",
             (*MODERN.kex, "diffie-hellman-group14-sha1")),
            # In OpenSSH's list already, not in ours.
            ("MACs +hmac-sha1", "macs", (*MODERN.macs, "hmac-sha1")),
            ("HostKeyAlgorithms +ssh-rsa", "host_keys", (*MODERN.host_keys, "ssh-rsa")),
            ("HostKeyAlgorithms ^rsa-sha2*", "host_keys", None),
            ("Ciphers -aes128*,chacha20*", "ciphers",
             ("aes256-gcm@openssh.com", "aes192-ctr", "aes256-ctr")),
            # Most of OpenSSH's list taken away: looks like one written out.
            ("Ciphers -aes1*,aes2*", "ciphers", ("chacha20-poly1305@openssh.com",)),
            ("Ciphers ^aes256-ctr,chacha20-poly1305@openssh.com", "ciphers",
             ("aes256-ctr", "chacha20-poly1305@openssh.com", "aes128-gcm@openssh.com",
              "aes256-gcm@openssh.com", "aes128-ctr", "aes192-ctr")),
            ('Ciphers = "-aes*-ctr"', "ciphers",
             (*MODERN.ciphers[:2], "chacha20-poly1305@openssh.com")),
        ],
    )  # fmt: skip
    def test_a_change_is_made_to_our_list(self, config, line, kind, expected):
        got = getattr(resolve("r1", config(line)).algorithms, kind)
        if expected is None:
            assert [name.startswith("rsa-sha2") for name in got[:2]] == [True, True]
            assert set(MODERN.host_keys) <= set(got)
        else:
            assert got == expected

    def test_a_change_in_an_included_file_and_in_an_option(self, config, tmp_path):
        (tmp_path / "more").write_text("  ciphers=-aes128*\n")
        path = config(f"Include {tmp_path}/more\nCiphers aes128-ctr\n")
        assert resolve("r1", path).algorithms.ciphers == (
            "aes256-gcm@openssh.com", "aes192-ctr", "aes256-ctr", "chacha20-poly1305@openssh.com",
        )  # fmt: skip
        said = resolve("r1", path, overrides=["Ciphers=-aes*-ctr"])
        assert said.algorithms.ciphers[:2] == MODERN.ciphers[:2]

    def test_a_statement_for_another_host_is_not_taken_for_ours(self, config):
        path = config("Host r2\n  MACs +hmac-sha1\nHost r3\n  Ciphers -aes128-ctr\n")
        assert resolve("r1", path).algorithms is None

    def test_openssh_s_own_list_can_be_asked_for(self, config):
        printed = subprocess.run(["ssh", "-G", "-F", "/dev/null", "r1"], check=True,
                                 capture_output=True, text=True).stdout  # fmt: skip
        ciphers = re.search("^ciphers (.*)$", printed, re.MULTILINE)[1]
        assert resolve("r1", config(f"Ciphers {ciphers}")).algorithms.ciphers == tuple(
            ciphers.split(",")
        )

    def test_statements_that_cannot_be_told_apart(self, config):
        path = config("Host r1\n  MACs +hmac-sha1\nHost r2\n  MACs +umac-64@openssh.com\n")
        with pytest.raises(OptionError, match=r"which statement of macs counts.*write the list"):
            resolve("r1", path)

    def test_an_empty_list(self, config):
        with pytest.raises(OptionError, match="ciphers leaves no algorithm"):
            resolve("r1", config("Ciphers -*"))

    def test_compression(self, config):
        said = resolve("r1", config("Compression yes"))
        assert said.algorithms == Algorithms(compression=("zlib@openssh.com", "none"))


def test_a_missing_file(tmp_path):
    with pytest.raises(OptionError, match=r"ssh_config: .*none: No such file"):
        resolve("r1", str(tmp_path / "none"))


def test_ssh_s_own_words_for_a_bad_file_and_a_bad_option(config):
    path = config("NoKeyword 1\n")
    with pytest.raises(OptionError) as caught:
        resolve("r1", path)
    assert "line 1: Bad configuration option: nokeyword" in str(caught.value)
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


def test_include_and_match_work_as_in_ssh(config, tmp_path):
    (tmp_path / "more").write_text("Match host r1\n  Port 99\n")
    path = config(f'Include {tmp_path}/more\nMatch exec "true"\n  User exec\n')
    said = resolve("r1", path)
    assert (said.port, said.user) == (99, "exec")
    assert resolve("r2", path).port == 830


def test_threads_resolve_at_once(config):
    path = config("".join(f"Host h{n}\n  Port {1000 + n}\n  Ciphers -aes{n}*\n" for n in range(8)))
    shared = Configuration(path)
    ports: dict[int, int] = {}

    def look_up(number: int) -> None:
        ports[number] = shared.lookup(f"h{number}", default_port=830).port

    threads = [threading.Thread(target=look_up, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ports == {number: 1000 + number for number in range(8)}
