"""The documented parameters: what fills in for what."""

from __future__ import annotations

import dataclasses
import getpass
import os
import socket
from pathlib import Path

import pytest
from settling import settled

from ncwire._algorithms.offer import MODERN
from ncwire._algorithms.policy import AlgorithmPolicy
from ncwire._ssh.options.defaults import DEFAULT_PORT, default_unknown_host_cb
from ncwire.driver import Algorithms, Feature, Timeouts
from ncwire.errors import OptionError

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def config(home):
    def write(text: str) -> None:
        (home / ".ssh/config").write_text(text)

    return write


def test_what_was_not_chosen():
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


def test_files_in_every_documented_form(tmp_path):
    assert settled(key_filename="a").key_filename == ("a",)
    assert settled(key_filename=Path("a")).key_filename == ("a",)
    assert settled(key_filename=["a", Path("b")]).key_filename == ("a", "b")


def test_the_default_callback_asks_nothing_of_a_driver_and_another_does():
    assert settled(unknown_host_cb=default_unknown_host_cb).unknown_host_cb is None
    callback = lambda host, fingerprint: True  # noqa: E731
    assert settled(unknown_host_cb=callback).required_features().keys() == {"unknown_host_cb"}


def test_home_is_expanded_in_every_path(home):
    (home / ".ssh/known_hosts").write_text("")
    options = settled(["~/.ssh/kh"], key_filename=["~/a", "b"])
    assert options.key_filename == (f"{home}/a", "b")
    assert options.known_hosts == (f"{home}/.ssh/kh",)
    assert settled(["~/.ssh/known_hosts"]).known_hosts == (f"{home}/.ssh/known_hosts",)
    with pytest.raises(OptionError, match="key_filename: "):
        settled(key_filename="~nobody-of-that-name/k")


def test_the_users_known_hosts_may_be_missing_and_the_systems_do_not_step_in(home):
    assert settled(["~/.ssh/known_hosts"]).known_hosts == (os.devnull,)


class TestAcceptNew:
    def test_the_key_goes_to_the_first_file(self, home):
        assert settled().accept_new is None
        assert settled(accept_new=True).accept_new == f"{home}/.ssh/known_hosts"
        assert settled(["~/a", "/b"], accept_new=True).accept_new == f"{home}/a"

    def test_the_file_asks_for_it(self, config):
        config("StrictHostKeyChecking accept-new\nUserKnownHostsFile /a /b\nHashKnownHosts yes\n")
        options = settled(ssh_config=True)
        assert (options.accept_new, options.hash_known_hosts) == ("/a", True)
        assert settled(["/x"], ssh_config=True).accept_new == "/x"
        assert settled(ssh_options=["StrictHostKeyChecking=accept-new"]).accept_new is not None

    def test_without_verification_there_is_nothing_to_accept(self, config):
        config("StrictHostKeyChecking accept-new")
        assert settled(ssh_config=True, hostkey_verify=False).accept_new is None
        with pytest.raises(OptionError, match="accept_new: means nothing with hostkey_verify"):
            settled(accept_new=True, hostkey_verify=False)

    def test_the_file_may_be_missing(self, tmp_path):
        (tmp_path / "there").touch()
        new, there = str(tmp_path / "new"), str(tmp_path / "there")
        assert settled([new, there], accept_new=True).known_hosts == (there,)
        assert settled([new, there]).known_hosts == (new, there)

    @pytest.mark.parametrize("word", ["yes", "ask", "no", "off"])
    def test_no_other_word_accepts(self, config, word):
        config(f"StrictHostKeyChecking {word}")
        options = settled(ssh_config=True)
        assert options.accept_new is None
        assert options.hostkey_verify

    @pytest.mark.parametrize("files", ["none", "/dev/null"])
    def test_a_key_that_could_not_be_kept_is_not_accepted(self, config, files):
        config(f"StrictHostKeyChecking accept-new\nUserKnownHostsFile {files}\n")
        with pytest.raises(OptionError, match="no known_hosts file to add"):
            settled(ssh_config=True)


class TestCredentials:
    def test_the_agent(self, config, monkeypatch):
        monkeypatch.setenv("SSH_AUTH_SOCK", "/environment")
        assert settled().identity_agent == "/environment"
        assert settled(ssh_options=["IdentityAgent=/other"]).identity_agent == "/other"
        assert settled(ssh_options=["IdentityAgent=none"]).identity_agent is None
        monkeypatch.delenv("SSH_AUTH_SOCK")
        assert settled().identity_agent is None

    def test_methods_and_certificates(self):
        assert settled().auth_methods == ("publickey", "keyboard-interactive", "password")
        options = settled(
            ssh_options=["PreferredAuthentications=password,publickey", "CertificateFile=/c.pub"]
        )
        assert options.auth_methods == ("password", "publickey")
        assert options.certificate_files == ("/c.pub",)
        assert "certificate_files" in options.required_features()

    def test_no_key_files_means_the_usual_ones_neither(self):
        options = settled(ssh_options=["IdentityFile=none"])
        assert (options.identity_files, options.look_for_keys) == ((), False)


class TestAlgorithms:
    def test_the_arguments_kinds_win_and_the_files_others_stay(self):
        asked = ["Ciphers=aes128-ctr", "MACs=hmac-sha2-256"]
        assert settled(ssh_options=asked).algorithms == Algorithms(
            ciphers=("aes128-ctr",), macs=("hmac-sha2-256",)
        )
        given = Algorithms(ciphers=("aes256-ctr",))
        assert settled(ssh_options=asked, algorithms=given).algorithms == Algorithms(
            ciphers=("aes256-ctr",), macs=("hmac-sha2-256",)
        )

    def test_compression_is_a_feature_of_its_own(self):
        options = settled(ssh_options=["Compression=yes"])
        assert options.required_features() == {"algorithms.compression": Feature.COMPRESSION}
        assert settled(algorithms=Algorithms(compression=("none",))).required_features() == {}


class TestKeepaliveCount:
    def test_the_argument_the_file_and_openssh_s_default(self):
        assert settled().keepalive_count == 3
        asked = ["ServerAliveCountMax=7", "ServerAliveInterval=5"]
        assert settled(ssh_options=asked).keepalive_count == 7
        assert settled(ssh_options=asked, keepalive_count=1).keepalive_count == 1

    def test_a_file_that_says_none(self):
        with pytest.raises(OptionError, match="ServerAliveCountMax 0 for r1"):
            settled(ssh_options=["ServerAliveCountMax=0"])


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


def test_timeout_fills_the_steps_that_timeouts_leaves_out():
    assert settled(timeout=3).timeouts == Timeouts().settled(3)
    assert settled(timeout=3, timeouts=Timeouts(auth=60)).timeouts == Timeouts(auth=60).settled(3)
    assert settled(timeout=500).timeouts.overall >= 500
    assert settled(timeouts=Timeouts(connect=1, overall=9)).timeouts.overall == 9


def test_keepalive_zero_is_off():
    assert settled(keepalive=0).keepalive is None
    assert settled(keepalive=2.5).keepalive == 2.5


def test_exact_algorithms_pass_through():
    asked = Algorithms(kex=("curve25519-sha256",))
    assert settled(algorithms=asked).algorithms == asked


def test_a_policy_is_settled_into_exact_lists():
    asked = AlgorithmPolicy(allow=Algorithms(ciphers=("3des-cbc",)))
    assert settled(algorithms=asked).algorithms == Algorithms(
        ciphers=(*MODERN.ciphers, "3des-cbc")
    )


@pytest.mark.parametrize(
    ("asked", "needed"),
    [
        (Algorithms(), set()),
        (Algorithms(macs=("hmac-sha1",)), {"algorithms"}),
        (Algorithms(compression=("none",)), set()),
        (Algorithms(compression=("zlib@openssh.com",)), {"algorithms.compression"}),
    ],
)
def test_only_what_is_restricted_needs_a_feature(asked, needed):
    assert set(settled(algorithms=asked).required_features()) == needed


def test_default_known_hosts_are_those_that_there_are(home):
    user = [name for name in settled().known_hosts if name.startswith(str(home))]
    assert user == []
    (home / ".ssh/known_hosts").write_text("")
    assert settled().known_hosts[0] == f"{home}/.ssh/known_hosts"


def test_loaded_known_hosts_are_all_that_count(home):
    (home / ".ssh/known_hosts").write_text("")
    assert settled(["/x"]).known_hosts == ("/x",)


def test_the_default_port_is_830_and_says_so():
    assert DEFAULT_PORT == 830
    assert repr(DEFAULT_PORT) == "830"
    assert type(settled().port) is int


class TestWithConfig:
    @pytest.fixture(autouse=True)
    def config(self, home):
        (home / ".ssh/config").write_text(
            "Host r1\n HostName 10.0.0.1\n Port 22\n User bob\n IdentityFile /k\n"
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
        assert options.identity_files == ("/k",)
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
        (home / ".ssh/config").unlink()
        assert settled(ssh_config=True).port == 830

    def test_it_needs_a_host(self, config):
        ours, theirs = socket.socketpair()
        with ours, theirs, pytest.raises(OptionError, match="ssh_config: needs a host"):
            settled(host=None, sock=ours, ssh_config=True)

    def test_a_bind_address_of_the_file_means_nothing_to_an_open_socket(self, config):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            assert settled(sock=ours, ssh_config=True).bind_addr is None


def test_the_route_needs_features_also_of_each_hop():
    hop = settled(host="bastion", auth_handler=lambda *_: ())
    options = dataclasses.replace(
        settled(), jumps=(hop,), proxy_command="x", address_family=socket.AF_INET
    )
    assert options.required_features() == {
        "jumps": Feature.PROXY_JUMP,
        "proxy_command": Feature.PROXY_COMMAND,
        "address_family": Feature.ADDRESS_FAMILY,
        "auth_handler of jump host bastion": Feature.KEYBOARD_INTERACTIVE,
    }
    assert "s3cret" not in repr(dataclasses.replace(hop, proxy_command="x -p s3cret"))
