"""The documented parameters: what is refused, and what fills in for what."""

from __future__ import annotations

import getpass
import math
import os
import socket
from pathlib import Path

import pytest

from ncwire.driver import Algorithms, Timeouts
from ncwire.errors import OptionError
from ncwire.ssh.config import SSHConfig
from ncwire.ssh.hostkeys import default_unknown_host_cb
from ncwire.ssh.options import DEFAULT_PORT, Parameters, settle

pytestmark = pytest.mark.usefixtures("home")


def settled(known_hosts=(), **given):
    given.setdefault("host", "r1")
    return settle(Parameters(**given), known_hosts)


def test_what_nobody_chose():
    options = settled()
    assert (options.host, options.port) == ("r1", 830)
    assert options.username == getpass.getuser()
    assert options.password is None
    assert options.key_filename == ()
    assert (options.allow_agent, options.look_for_keys, options.hostkey_verify) == (
        True,
        True,
        True,
    )
    assert options.unknown_host_cb is None
    assert options.keepalive is None
    assert dict(options.environment) == {}
    assert options.subsystems == ("netconf",)
    assert options.timeouts == Timeouts()
    assert options.required_features() == {}


def test_the_agent_is_the_environments_unless_ssh_config_names_one(monkeypatch):
    assert settled().identity_agent is None
    monkeypatch.setenv("SSH_AUTH_SOCK", "")
    assert settled().identity_agent is None
    monkeypatch.setenv("SSH_AUTH_SOCK", "/run/agent")
    assert settled().identity_agent == "/run/agent"


@pytest.mark.parametrize(
    ("said", "agent"), [(None, "/run/agent"), ("none", None), ("/run/other", "/run/other")]
)
def test_ssh_config_names_the_agent(monkeypatch, said, agent):
    monkeypatch.setenv("SSH_AUTH_SOCK", "/run/agent")
    resolved = SSHConfig(hostname="r1", identity_agent=said)
    monkeypatch.setattr("ncwire.ssh.config.resolve", lambda *_, **__: resolved)
    assert settled(ssh_options=["IdentityAgent=any"]).identity_agent == agent


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("host", None), ("host", ""), ("host", "-oProxyCommand=x"), ("host", "a b"),
        ("host", "user@r1"), ("host", "[::1]"), ("host", "r1\n"), ("host", b"r1"), ("host", 7),
        ("port", 0), ("port", 65536), ("port", -1), ("port", "830"), ("port", True),
        ("port", 8.5),
        ("timeout", 0), ("timeout", -1), ("timeout", "5"), ("timeout", True),
        ("timeout", math.nan),
        ("unknown_host_cb", True), ("auth_handler", "x"),
        ("username", ""), ("username", 7), ("password", b"x"), ("password", 7),
        ("key_filename", 7), ("key_filename", [7]), ("key_filename", [b"x"]),
        ("allow_agent", "no"), ("look_for_keys", 1), ("hostkey_verify", None),
        ("hostkey_b64", "rubbish!"), ("hostkey_b64", b"AAAA"),
        ("ssh_config", 7), ("ssh_config", "/no/such/file"),
        ("sock_fd", -1), ("sock_fd", "3"), ("sock_fd", True), ("sock", 3), ("sock", "s"),
        ("bind_addr", 7), ("bind_addr", ""), ("bind_addr", "-x"),
        ("keepalive", -1), ("keepalive", "5"), ("keepalive", True), ("keepalive", math.nan),
        ("environment", [("A", "b")]), ("environment", {"A": 1}), ("environment", {"": "x"}),
        ("environment", {"A=B": "x"}), ("environment", {"A": "x\0"}), ("environment", {1: "x"}),
        ("subsystems", "netconf"), ("subsystems", ()), ("subsystems", [""]), ("subsystems", [1]),
        ("subsystems", 7),
        ("timeouts", 5), ("algorithms", "aes"),
        ("ssh_options", "Port=1"), ("ssh_options", ["=1"]), ("ssh_options", ["A=1\nB=2"]),
    ],
)  # fmt: skip
def test_a_bad_value_is_refused_by_the_parameters_name(option, value):
    with pytest.raises(OptionError) as caught:
        settled(**{option: value})
    assert caught.value.option == option
    assert str(caught.value).startswith(f"{option}: ")


@pytest.mark.parametrize("secret", [b"hunter2", ["hunter2"]])
def test_no_secret_is_shown(secret):
    with pytest.raises(OptionError) as caught:
        settled(password=secret)
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in repr(Parameters(host="r1", password="hunter2"))
    assert "hunter2" not in repr(settled(password="hunter2"))
    with pytest.raises(OptionError) as caught:
        settled(environment={"TOKEN": "hunter2\0"})
    assert "hunter2" not in str(caught.value)


def test_files_in_every_documented_form(tmp_path):
    assert settled(key_filename="a").key_filename == ("a",)
    assert settled(key_filename=Path("a")).key_filename == ("a",)
    assert settled(key_filename=["a", Path("b")]).key_filename == ("a", "b")


def test_the_default_callback_asks_nothing_of_a_driver_and_another_does():
    assert settled(unknown_host_cb=default_unknown_host_cb).unknown_host_cb is None
    callback = lambda host, fingerprint: True  # noqa: E731
    assert settled(unknown_host_cb=callback).required_features().keys() == {"unknown_host_cb"}


def test_a_socket_of_the_callers():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert settled(host=None, sock=ours).sock is ours
        for more in ({"sock_fd": ours.fileno()}, {"bind_addr": "127.0.0.1"}):
            with pytest.raises(OptionError, match=next(iter(more))):
                settled(sock=ours, **more)
    with socket.socket() as unconnected, pytest.raises(OptionError, match=r"sock: .*connected"):
        settled(sock=unconnected)


def test_an_fd_of_the_callers_stays_the_callers_when_something_else_is_wrong():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        with pytest.raises(OptionError, match="subsystems"):
            settled(sock_fd=ours.fileno(), subsystems=())
        os.fstat(ours.fileno())
        fd = os.dup(ours.fileno())
        with settled(host=None, sock_fd=fd).sock as sock:
            assert sock.fileno() == fd


def test_timeout_is_the_tcp_connects_and_is_not_cut_short():
    assert settled(timeout=3).timeouts == Timeouts(connect=3.0)
    long = settled(timeout=500).timeouts
    assert long.connect == 500.0
    assert long.overall >= 500
    given = Timeouts(connect=1, overall=9)
    assert settled(timeout=3, timeouts=given).timeouts == Timeouts(connect=3.0, overall=9)
    assert settled(timeouts=given).timeouts == given


def test_keepalive_zero_is_off():
    assert settled(keepalive=0).keepalive is None
    assert settled(keepalive=2.5).keepalive == 2.5


def test_algorithms_pass_through():
    asked = Algorithms(kex=("x",))
    assert settled(algorithms=asked).algorithms is asked


def test_default_known_hosts_are_those_that_there_are(home):
    user = [name for name in settled().known_hosts if name.startswith("~")]
    assert user == []
    (home / ".ssh/known_hosts").write_text("")
    assert settled().known_hosts[0] == "~/.ssh/known_hosts"


def test_loaded_known_hosts_are_all_that_count(home):
    (home / ".ssh/known_hosts").write_text("")
    assert settled(["/x"]).known_hosts == ("/x",)


def test_the_default_port_is_830_and_says_so():
    assert DEFAULT_PORT == 830
    assert repr(DEFAULT_PORT) == "830"
    assert type(settled().port) is int


class TestWithConfig:
    @pytest.fixture
    def config(self, home):
        (home / ".ssh/config").write_text(
            "Host r1\n HostName 10.0.0.1\n Port 22\n User bob\n IdentityFile ~/.ssh/k\n"
            " ConnectTimeout 4\n ServerAliveInterval 9\n BindAddress 127.0.0.9\n SetEnv A=1 B=2\n"
            " HostKeyAlias lab\n IdentitiesOnly yes\n GlobalKnownHostsFile none\n"
            # Absolute: to ssh "~" is what the password database says, whatever HOME is.
            f" UserKnownHostsFile {home}/.ssh/kh {home}/.ssh/none\n"
        )
        (home / ".ssh/kh").write_text("")
        return home / ".ssh/config"

    @pytest.mark.parametrize("as_path", [True, False])
    def test_the_file_fills_in(self, config, as_path, home):
        options = settled(ssh_config=config if as_path else True)
        assert (options.host, options.port, options.username) == ("10.0.0.1", 22, "bob")
        assert options.identity_files == (f"{home}/.ssh/k",)
        assert options.identities_only
        assert options.key_filename == ()
        assert (options.timeouts.connect, options.keepalive) == (4.0, 9.0)
        assert options.bind_addr == "127.0.0.9"
        assert dict(options.environment) == {"A": "1", "B": "2"}
        assert options.host_key_alias == "lab"
        assert [Path(name).name for name in options.known_hosts] == ["kh"]

    def test_arguments_win(self, config):
        options = settled(
            ssh_config=True,
            port=830,
            username="eve",
            key_filename="mine",
            timeout=1,
            keepalive=0,
            bind_addr="127.0.0.1",
            environment={"B": "3"},
            known_hosts=["/x"],
        )
        assert (options.port, options.username, options.key_filename) == (830, "eve", ("mine",))
        assert options.identity_files == ()
        assert (options.timeouts.connect, options.keepalive) == (1.0, None)
        assert options.bind_addr == "127.0.0.1"
        assert dict(options.environment) == {"A": "1", "B": "3"}
        assert options.known_hosts == ("/x",)

    def test_options_win_over_the_file(self, config):
        options = settled(ssh_config=True, ssh_options=["Port=2222"])
        assert (options.port, options.username) == (2222, "bob")
        assert settled(ssh_options=["Port=2222"]).username == getpass.getuser()

    @pytest.mark.parametrize("value", [None, False])
    def test_it_is_off_unless_asked_for(self, config, value):
        assert settled(ssh_config=value).host == "r1"

    def test_a_user_without_a_configuration_has_an_empty_one(self, home):
        assert settled(ssh_config=True).port == 830

    def test_it_needs_a_host(self, config):
        ours, theirs = socket.socketpair()
        with ours, theirs, pytest.raises(OptionError, match="ssh_config: needs a host"):
            settled(host=None, sock=ours, ssh_config=True)

    def test_a_bind_address_of_the_file_means_nothing_to_an_open_socket(self, config):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            assert settled(sock=ours, ssh_config=True).bind_addr is None
