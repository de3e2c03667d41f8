"""ssh_config where OpenSSH's client is not installed: paramiko's parser, as far as it goes."""

from __future__ import annotations

import os
import pwd
import shutil

import pytest

from ncwire._algorithms.offer import MODERN
from ncwire._ssh.config import resolve
from ncwire.driver import Algorithms
from ncwire.errors import OptionError

HOME = pwd.getpwuid(os.getuid()).pw_dir
NAMED = f'''
Host r2
    Port 1
Host r1 lab-*
    HostName %h.example.net
    Port 8300
    User bob
    IdentityFile "~/my keys/k_%h_%r_%n_%p_%%"
    IdentityFile /etc/key
    IdentitiesOnly yes
    IdentityAgent ~/agent_%h
    CertificateFile "/c d/%h-cert.pub"
    UserKnownHostsFile "{HOME}/kh %k" /etc/kh2
    GlobalKnownHostsFile none
    HostKeyAlias lab
    HashKnownHosts yes
    StrictHostKeyChecking accept-new
    ConnectTimeout 1m30s
    ServerAliveInterval 2m
    ServerAliveCountMax 5
    BindAddress 127.0.0.9
    AddressFamily inet6
    ProxyCommand "relay" --to %h:%p as %r "for %n"
    PreferredAuthentications password,gssapi-with-mic,publickey
    Compression yes
    KexAlgorithms +diffie-hellman-group14-sha1
    Ciphers -aes*-ctr
    MACs ^hmac-sha2-512
    HostKeyAlgorithms ssh-ed25519
    PubkeyAcceptedAlgorithms +ssh-rsa
    SetEnv A=1 B="x y" "C=a=b"
    SendEnv NCW_*
Match user bob
    ControlMaster auto
'''
LISTS = Algorithms(
    kex=(*MODERN.kex, "diffie-hellman-group14-sha1"),
    ciphers=(*MODERN.ciphers[:2], "chacha20-poly1305@openssh.com"),
    macs=("hmac-sha2-512", *(name for name in MODERN.macs if name != "hmac-sha2-512")),
    host_keys=("ssh-ed25519",),
    compression=("zlib@openssh.com", "none"),
)


@pytest.fixture
def without_ssh(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.fixture
def config(tmp_path):
    def write(text: str) -> str:
        path = tmp_path / "con fig"
        path.write_text(text)
        return str(path)

    return write


def test_it_says_what_openssh_says(config, monkeypatch, tmp_path):
    if shutil.which("ssh") is None:
        pytest.skip("needs ssh (Debian package openssh-client)")
    monkeypatch.setenv("NCW_X", "sent")
    openssh = resolve("r1", config(NAMED))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert resolve("r1", config(NAMED)) == openssh
    assert openssh.algorithms == LISTS
    assert openssh.user_known_hosts_files == (f"{HOME}/kh lab", "/etc/kh2")
    assert openssh.proxy_command == '"relay" --to r1.example.net:8300 as bob "for r1"'
    assert openssh.connect_timeout == 90


@pytest.mark.parametrize(
    "text",
    [
        "", "Port 22", "ProxyJump a,u@b:22\nProxyCommand x\n", "ProxyCommand x\nProxyJump a\n",
        "ProxyJump none\nProxyCommand x\n", "ProxyCommand none\nProxyJump a\n",
        "IdentityFile none", "IdentityAgent none", "IdentityAgent $HERE",
        "IdentityAgent ${HERE}/x", "UserKnownHostsFile none", 'UserKnownHostsFile "/a b" c',
        "StrictHostKeyChecking no", "AddressFamily any", "PubkeyAuthentication no",
        "Host r?\n  Port 9\nHost *\n  Port 10\n", "Host * !r1\n  Port 9\n",
        "User=bob\nIdentityFile ${HERE}/%u\n", "Port 1\nMatch host r1\n  HostKeyAlias a\n",
        "ConnectTimeout none", "ChallengeResponseAuthentication no",
        "HostName a # b", "HostName a#b", "PasswordAuthentication no # never", 'HostName ""x',
        "User 'bob'", 'User bob"x"', r'User "b\"c"', r"User b\ c",
        r"User b\c", "SetEnv A=1 #x", r"SetEnv A=b\c 'B=\'d'", "UserKnownHostsFile /a #b",
        'HostName " "', "ProxyJump a # b", 'ProxyJump "a"', "ProxyCommand x # y",
        "Host r1 # me\n  Port 9\n", "IPQoS af21 cs1 # both", "CanonicalizeHostname no # no",
        "IdentityFile '/a b' # c", "Ciphers aes128-ctr # c", "HostKeyAlias 'a\"b'",
    ],
)  # fmt: skip
def test_each_agrees_with_openssh(text, config, monkeypatch, tmp_path):
    if shutil.which("ssh") is None:
        pytest.skip("needs ssh (Debian package openssh-client)")
    monkeypatch.setenv("HERE", "/there")
    given = {"overrides": ["HostKeyAlias=over"], "port": 5, "username": "eve"}
    plain, overridden = resolve("r1", config(text)), resolve("r1", config(text), **given)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert resolve("r1", config(text)) == plain
    assert resolve("r1", config(text), **given) == overridden


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Include more", "line 1: Include needs the ssh command"),
        ("\n  include more", "line 2: Include"),
        ("Match exec true\n  Port 1", "Match exec needs the ssh command"),
        ("Match canonical\n  Port 1", "Match canonical"),
        ("CanonicalizeHostname yes", "CanonicalizeHostname"),
        ("CertificateFile a\nCertificateFile b", "several lines with certificatefile"),
        ("HostKeyAlgorithms +ecdsa*", "a pattern in hostkeyalgorithms"),
    ],
)
@pytest.mark.usefixtures("without_ssh")
def test_what_it_lacks_is_refused_with_the_way_out(text, words, config):
    path = config(text)
    with pytest.raises(OptionError) as caught:
        resolve("r1", path)
    for part in (path, words, "openssh-client"):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("NoKeyword 1", "line 1: unknown keyword NoKeyword"),
        ("Port", "line 1: no keyword with a value"),
        ("Port x", "port: 'x' is no number"),
        ('HostName "', "line 1: HostName: a quote is not closed"),
        ("User 'bob", "line 1: User: a quote is not closed"),
        ('User ""', "line 1: User has an empty value"),
        ('Host ""\n  Port 1', "line 1: Host has an empty value"),
        ('SendEnv A ""', "line 1: SendEnv has an empty value"),
        ('ProxyJump ""', "line 1: ProxyJump has an empty value"),
        ("IdentityAgent ~a\0", "line 1: IdentityAgent has a NUL"),
        ("UserKnownHostsFile ~a\0", "line 1: UserKnownHostsFile has a NUL"),
        ("IdentityFile a\0b", "line 1: IdentityFile has a NUL"),
        ("Port # 22", "line 1: no keyword with a value"),
        ("HostName a b", "line 1: HostName has more than one value"),
        ("IdentityFile a b", "line 1: IdentityFile has more than one value"),
        ("ConnectTimeout 5minutes", "is no time"),
        ("AddressFamily 6", "AddressFamily for r1"),
        ("StrictHostKeyChecking maybe", "StrictHostKeyChecking for r1"),
        ('SetEnv A="b', "SetEnv: a quote is not closed"),
        ("IdentityFile /%C", "the token %C"),
        ("IdentityFile /${NOT_HERE}", "NOT_HERE"),
        ("ProxyUseFdpass yes", "sets ProxyUseFdpass for r1, which is not supported"),
        ("PubkeyAcceptedAlgorithms ssh-ed25519", "PubkeyAcceptedAlgorithms"),
    ],
)
@pytest.mark.usefixtures("without_ssh")
def test_what_ssh_would_refuse_is_refused(text, words, config):
    path = config(text)
    with pytest.raises(OptionError) as caught:
        resolve("r1", path)
    assert words in str(caught.value)
    assert path in str(caught.value)


@pytest.mark.parametrize(
    ("host", "user", "token"),
    [
        ("r1;x", "bob", "%h"), ("`x`", "bob", "%n"), ("r1|x", "bob", "%h"), ("r1&x", "bob", "%h"),
        ("r1'x", "bob", "%h"), ("r1$x", "bob", "%n"), ("r1", "a;x", "%r"), ("r1", "$(x)", "%r"),
        ("r1", "a>x", "%r"), ("r1", "-x", "%r"), ("r1", "a -x", "%r"), ("r1", "a\\", "%r"),
        ("r1", "a*", "%r"), ("r1", "a #x", "%r"), ("r1", 'a"x', "%r"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("without_ssh")
def test_what_a_shell_would_read_reaches_no_command(host, user, token, config):
    path = config(f"ProxyCommand relay {token}")
    with pytest.raises(OptionError, match=r"a shell would not take|is no host name"):
        resolve(host, path, username=user)


@pytest.mark.parametrize("path", ["/usr/bin", ""])
@pytest.mark.parametrize("given", [{"username": "a\nProxyCommand x"}, {"username": "a\rb"}])
def test_an_argument_is_no_line_of_the_file(given, path, config, monkeypatch):
    file = config("HostKeyAlias a")
    monkeypatch.setenv("PATH", path)  # with and without the ssh command, where it is installed
    with pytest.raises(OptionError, match=r"username: .* has a character that no name can have"):
        resolve("r1", file, **given)


@pytest.mark.parametrize("user", ["a b", "a\\ b"])
@pytest.mark.usefixtures("without_ssh")
def test_a_user_that_is_given_is_taken_as_it_is(user, config):
    assert resolve("r1", config("User bob"), username=user).user == user


@pytest.mark.parametrize("user", ["bob", "a.b-c_d", "corp\\bob", "bob@corp", "b+x", "bób"])
@pytest.mark.usefixtures("without_ssh")
def test_an_ordinary_user_reaches_a_command(user, config):
    assert resolve("fe80::1", config("ProxyCommand relay %r %h"), username=user).proxy_command


@pytest.mark.usefixtures("without_ssh")
def test_options_are_checked_as_lines_are(config):
    assert resolve("r1", config("Port 1"), overrides=["Port=2"]).port == 2
    assert resolve("r1", None, overrides=["UserKnownHostsFile=/a /b"]).user_known_hosts_files == (
        "/a",
        "/b",
    )
    with pytest.raises(OptionError, match="unknown keyword NoKeyword"):
        resolve("r1", None, overrides=["NoKeyword=1"])


@pytest.mark.usefixtures("without_ssh")
def test_a_missing_file(tmp_path):
    with pytest.raises(OptionError, match=r"ssh_config: .*none: No such file"):
        resolve("r1", str(tmp_path / "none"))
