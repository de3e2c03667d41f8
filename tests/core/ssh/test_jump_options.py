"""The way to a host: jumps and ProxyCommand, from arguments and ssh_config."""

from __future__ import annotations

import getpass
import shutil
import socket

import pytest

from ncwire._ssh.options.jumps import parse
from ncwire._ssh.options.parameters import Jump, Parameters
from ncwire._ssh.options.resolve import settle
from ncwire.driver import Algorithms, Feature, Timeouts
from ncwire.errors import OptionError

pytestmark = [
    pytest.mark.usefixtures("home"),
    pytest.mark.skipif(
        shutil.which("ssh") is None, reason="needs ssh (Debian package openssh-client)"
    ),
]


def settled(known_hosts=(), **given):
    given.setdefault("host", "r1")
    return settle(Parameters(**given), known_hosts)


def names(options) -> list[str]:
    return [f"{hop.username}@{hop.host}:{hop.port}" for hop in options.jumps]


@pytest.fixture
def config(home):
    def write(text: str) -> str:
        (home / ".ssh/config").write_text(text)
        return str(home / ".ssh/config")

    return write


@pytest.mark.parametrize(
    ("written", "jump"),
    [
        ("a", Jump(host="a")),
        ("a:2222", Jump(host="a", port=2222)),
        ("u@a", Jump(host="a", username="u")),
        ("u@realm@a:1", Jump(host="a", port=1, username="u@realm")),
        ("[fe80::1%lo]", Jump(host="fe80::1%lo")),
        ("u@[::1]:22", Jump(host="::1", port=22, username="u")),
        ("ssh://u@b:33", Jump(host="b", port=33, username="u")),
        ("ssh://a%40b@c/", Jump(host="c", username="a@b")),
        ("ssh://[::1]:22", Jump(host="::1", port=22)),
    ],
)
def test_a_jump_as_it_is_written(written, jump):
    assert parse(written) == jump


@pytest.mark.parametrize(
    "written",
    ["", "u@", "@a", "a:", "a:b", "::1", "fe80::1", "[::1", "[::1]22", "a:0", "a:65536", "a b",
     "-oX", "ssh://a/b", "a,b", "a:²", "http://a"],
)  # fmt: skip
def test_what_is_no_jump(written):
    with pytest.raises(OptionError) as caught:
        settled(jumps=[written])
    assert caught.value.option == "jumps"


@pytest.mark.parametrize(
    "jump",
    [Jump(host=7), Jump(host="a b"), Jump(host="a", port="22"), Jump(host="a", username=""),
     Jump(host="a", password=7), Jump(host="a", key_filename=7), Jump(host="a", port=0)],
)  # fmt: skip
def test_a_bad_field_of_a_jump(jump):
    with pytest.raises(OptionError) as caught:
        settled(jumps=[jump])
    assert caught.value.option == "jumps"


def test_without_a_file():
    options = settled(jumps=["a", Jump(host="::1", port=2222, username="u")], keepalive=5)
    assert names(options) == [f"{getpass.getuser()}@a:22", "u@::1:2222"]
    assert options.required_features()["jumps"] is Feature.PROXY_JUMP
    assert options.keepalive == 5
    assert {hop.keepalive for hop in options.jumps} == {None}


def test_nothing_of_the_targets_credentials_goes_to_a_hop():
    options = settled(
        password="hunter2", key_filename="/k", auth_handler=lambda *_: [], hostkey_verify=False,
        username="admin", environment={"A": "b"}, subsystems=["x"], jumps=["a"],
        hostkey_b64="AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f",
    )  # fmt: skip
    (hop,) = options.jumps
    assert (hop.password, hop.key_filename, hop.auth_handler) == (None, (), None)
    assert (hop.hostkey_verify, hop.hostkey_b64) == (True, None)
    assert hop.username == getpass.getuser()
    assert dict(hop.environment) == {}


def test_what_is_about_every_host_goes_to_a_hop(home):
    callback = lambda host, fingerprint: False  # noqa: E731
    (home / "kh").touch()
    known = str(home / "kh")
    options = settled(
        [known], allow_agent=False, look_for_keys=False, unknown_host_cb=callback,
        accept_new=True, timeouts=Timeouts(handshake=1), timeout=2,
        algorithms=Algorithms(ciphers=("aes128-ctr",)), jumps=["a"],
    )  # fmt: skip
    (hop,) = options.jumps
    for name in (
        "allow_agent", "look_for_keys", "unknown_host_cb", "accept_new", "known_hosts", "timeouts",
        "algorithms",
    ):  # fmt: skip
        assert getattr(hop, name) == getattr(options, name)
    assert (hop.known_hosts, hop.accept_new) == ((known,), known)


def test_a_hop_has_its_own_login():
    jump = Jump(host="a", username="u", password="hunter2", key_filename=["~/k"])
    (hop,) = settled(jumps=[jump]).jumps
    assert (hop.username, hop.password) == ("u", "hunter2")
    assert hop.key_filename[0].endswith("/k")
    assert "~" not in hop.key_filename[0]
    assert "hunter2" not in repr(jump) + repr(hop)


FILE = """
Host r1
    ProxyJump u@b:2222
    BindAddress 127.0.0.9
    AddressFamily inet6
Host b
    HostName 10.0.0.2
    User nobody
    Port 1
    HostKeyAlias bee
    IdentityFile /b
    UserKnownHostsFile /kb
    ConnectTimeout 3
    SetEnv A=1
    ServerAliveInterval 9
    ProxyJump a
    ProxyCommand none
    BindAddress 127.0.0.8
Host a
    HostName 10.0.0.1
    User alice
    BindAddress 127.0.0.7
    AddressFamily inet
"""


def test_a_chain_of_the_file(config):
    config(FILE)
    options = settled(ssh_config=True)
    assert names(options) == ["alice@10.0.0.1:22", "u@10.0.0.2:2222"]
    first, second = options.jumps
    assert (second.host_key_alias, second.identity_files) == ("bee", ("/b",))
    assert second.timeouts.connect == 3
    assert (second.keepalive, dict(second.environment)) == (None, {})
    assert first.jumps == second.jumps == ()


def test_only_the_first_hop_has_a_socket_of_its_own(config):
    config(FILE)
    options = settled(ssh_config=True)
    own = [(hop.bind_addr, hop.address_family) for hop in (*options.jumps, options)]
    assert own == [("127.0.0.7", socket.AF_INET), (None, None), (None, None)]
    given = settled(ssh_config=True, bind_addr="127.0.0.1")
    assert [hop.bind_addr for hop in (*given.jumps, given)] == ["127.0.0.1", None, None]


def test_jumps_that_are_named_win_and_the_first_ones_own_way_stays(config):
    config(FILE + "Host r2\n  ProxyJump b,c\n")
    assert names(settled(ssh_config=True, jumps=["c"]))[0].endswith("@c:22")
    assert names(settled(ssh_config=True, jumps=["a", "b"])) == [
        "alice@10.0.0.1:22",
        "nobody@10.0.0.2:1",
    ]
    assert [hop.host for hop in settled(host="r2", ssh_config=True).jumps] == [
        "10.0.0.1",
        "10.0.0.2",
        "c",
    ]
    # As in OpenSSH: what leads to b is said by the list that names it.
    assert [hop.host for hop in settled(ssh_config=True, jumps=["c", "b"]).jumps] == [
        "c",
        "10.0.0.2",
    ]


def test_directly_whatever_the_file_says(config):
    config(FILE + "Host r3\n  ProxyCommand nc %h %p\n")
    options = settled(ssh_config=True, jumps=["none"])
    assert (options.jumps, options.bind_addr) == ((), "127.0.0.9")
    assert settled(host="r3", ssh_config=True).proxy_command == "nc r3 830"
    assert settled(host="r3", ssh_config=True, jumps=["none"]).proxy_command is None


def test_options_are_for_the_host_alone(config):
    config("Host a\n  User alice\n")
    options = settled(ssh_config=True, ssh_options=["ProxyJump=a", "User=bob", "HostKeyAlias=x"])
    assert (options.username, options.host_key_alias) == ("bob", "x")
    assert names(options) == ["alice@a:22"]
    assert options.jumps[0].host_key_alias is None


@pytest.mark.parametrize(
    "text",
    [
        "Host r1\n  ProxyJump a\nHost a\n  ProxyJump b\nHost b\n  ProxyJump a\n",
        "Host *\n  ProxyJump a\n",
        "Host r1\n  ProxyJump r1:830\n",
        "Host r1\n  ProxyJump a\nHost a\n  ProxyJump also-a\nHost also-a\n  HostName a\n",
    ],
)
def test_a_loop_is_refused(config, text):
    config(text)
    # ssh itself finds those in which a host names itself.
    with pytest.raises(OptionError, match=r"jumps: a loop, from|jumphost loop via"):
        settled(ssh_config=True)


def test_a_hop_in_the_middle_may_have_any_way_of_its_own(config):
    config("Host *\n  ProxyJump a\n")
    assert [hop.host for hop in settled(ssh_config=True, jumps=["none"]).jumps] == []
    with pytest.raises(OptionError, match="loop"):
        settled(ssh_config=True, jumps=["a"])
    config("Host * !c\n  ProxyJump a\n")
    options = settled(ssh_config=True, jumps=["c", "a"])
    assert [hop.host for hop in options.jumps] == ["c", "a"]


def test_a_proxy_command(config):
    config("Host r1 a\n ProxyCommand nc %h %p\n BindAddress 127.0.0.9\n AddressFamily inet\n")
    options = settled(ssh_config=True)
    assert options.required_features() == {"proxy_command": Feature.PROXY_COMMAND}
    assert (options.bind_addr, options.address_family) == (None, None)
    options = settled(host="r2", ssh_config=True, jumps=["a"])
    assert (options.proxy_command, options.jumps[0].proxy_command) == (None, "nc a 22")
    assert settled(ssh_config=True, jumps=["b"]).proxy_command is None


@pytest.mark.parametrize("jumps", [(), ("a",)])
def test_a_source_address_that_a_proxy_command_cannot_be_given(config, jumps):
    config("ProxyCommand nc %h %p")
    with pytest.raises(OptionError, match="bind_addr: means nothing to the ProxyCommand of"):
        settled(ssh_config=True, bind_addr="127.0.0.1", jumps=jumps)


def test_an_open_socket_is_the_way(config):
    config(FILE + "Host r3\n  ProxyCommand nc %h %p\n")
    ours, theirs = socket.socketpair()
    with ours, theirs:
        with pytest.raises(OptionError, match="jumps: lead nowhere with a socket"):
            settled(sock=ours, jumps=["a"])
        options = settled(sock=ours, ssh_config=True)
        assert (options.jumps, options.bind_addr, options.address_family) == ((), None, None)
        assert settled(host="r3", sock=ours, ssh_config=True).proxy_command is None
        assert settled(sock=ours, ssh_config=True, jumps=["none"]).jumps == ()


def test_an_iterator_of_jumps_is_read_once():
    assert len(settled(jumps=iter(["a", "b"])).jumps) == 2
