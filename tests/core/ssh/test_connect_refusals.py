"""The documented parameters: what is refused, by the parameter's name."""

from __future__ import annotations

import math
import os

import pytest
from settling import settled

import ncwire
from ncwire._ssh.options.parameters import Parameters
from ncwire.errors import DriverError, NcwireError, OptionError

pytestmark = pytest.mark.usefixtures("home")


@pytest.mark.parametrize("name", ["/a\0b", "~a\0b"])
@pytest.mark.parametrize("option", ["known_hosts", "key_filename", "ssh_config"])
def test_a_name_with_a_nul_is_no_file(option, name):
    with pytest.raises(NcwireError) as caught:
        ncwire.connect("127.0.0.1", **{option: name})
    assert "null byte" in str(caught.value)


@pytest.mark.parametrize("path", ["/usr/bin", ""])
@pytest.mark.parametrize("name", ["~no-such-user/config", "~a\0b", "/a\0b"])
def test_an_ssh_config_that_no_file_can_be_is_told(monkeypatch, path, name):
    monkeypatch.setenv("PATH", path)  # with and without the ssh command, where it is installed
    with pytest.raises(OptionError, match="ssh_config: "):
        settled(ssh_config=name)


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
        ("host", "a|id"), ("host", "$(id)"), ("host", "`id`"), ("host", "a;id"), ("host", "a'b"),
        ("host", "a\x9bb"), ("host", "a\u2028b"), ("bind_addr", "$(id)"),
        ("username", ""), ("username", 7), ("username", "a\nb"), ("username", "a\x9bb"),
        ("username", "a\0"), ("username", "a\udcff"),
        ("jumps", ["a|id"]), ("jumps", ["$(id)@b"]), ("jumps", ["ssh://a%0Ab@b"]),
        ("password", b"x"), ("password", 7), ("passphrase", b"x"),
        ("password", "a\udcff"), ("passphrase", "a\udcff"),
        ("key_filename", 7), ("key_filename", [7]), ("key_filename", [b"x"]),
        ("allow_agent", "no"), ("look_for_keys", 1), ("hostkey_verify", None),
        ("hostkey_b64", "rubbish!"), ("hostkey_b64", b"AAAA"),
        ("ssh_config", 7), ("ssh_config", "/no/such/file"),
        ("sock_fd", -1), ("sock_fd", "3"), ("sock_fd", True), ("sock", 3), ("sock", "s"),
        ("bind_addr", 7), ("bind_addr", ""), ("bind_addr", "-x"),
        ("keepalive", -1), ("keepalive", "5"), ("keepalive", True), ("keepalive", math.nan),
        ("keepalive", math.inf), ("timeout", math.inf),
        ("environment", [("A", "b")]), ("environment", {"A": 1}), ("environment", {"": "x"}),
        ("environment", {"A=B": "x"}), ("environment", {"A": "x\0"}), ("environment", {1: "x"}),
        ("subsystems", "netconf"), ("subsystems", ()), ("subsystems", [""]), ("subsystems", [1]),
        ("subsystems", 7),
        ("timeouts", 5), ("algorithms", "aes"),
        ("keepalive_count", 0), ("keepalive_count", -1), ("keepalive_count", 1.5),
        ("keepalive_count", True), ("accept_new", "yes"), ("accept_new", None),
        ("jumps", "bastion"), ("jumps", 7), ("jumps", [7]), ("jumps", ["none", "bastion"]),
        ("ssh_options", "Port=1"), ("ssh_options", ["=1"]), ("ssh_options", ["A=1\nB=2"]),
    ],
)  # fmt: skip
def test_a_bad_value_is_refused_by_the_parameters_name(option, value):
    with pytest.raises(OptionError) as caught:
        settled(**{option: value})
    assert caught.value.option == option
    assert str(caught.value).startswith(f"{option}: ")


class InBytes(os.PathLike):
    def __fspath__(self):
        return b"/x"


WRONG = [7, -1.5, b"x", [7], [b"x"], {7: 8}, object(), True, lambda: None, InBytes(), [InBytes()]]
NO_PATH = [each for each in WRONG if not isinstance(each, bool)]


@pytest.mark.parametrize(
    ("option", "values"),
    [
        *((each, WRONG) for each in ("known_hosts", "key_filename", "capabilities", "limits")),
        *((each, WRONG) for each in ("hub", "profile", "driver", "subsystems", "jumps")),
        ("ssh_config", NO_PATH),
        ("port", [None, *(each for each in WRONG if each != WRONG[0])]),
    ],
)
def test_what_is_of_another_kind_is_refused_by_name_and_before_anything_is_opened(option, values):
    for value in values:
        with pytest.raises(NcwireError) as caught:
            ncwire.connect("r1.invalid", **{"port": 1} | {option: value})
        if option == "driver":
            assert isinstance(caught.value, DriverError)
        else:
            assert caught.value.option == option, value


@pytest.mark.parametrize("name", WRONG)
def test_a_known_hosts_file_to_load_is_one_path(name):
    with pytest.raises(OptionError, match="known_hosts: must be a path"):
        ncwire.SSHSession().load_known_hosts(name)


@pytest.mark.parametrize(
    ("jump", "option"),
    [
        ({"host": 5}, "host"), ({"host": None}, "host"), ({"port": "22"}, "port"),
        ({"username": 5}, "username"), ({"password": b"x"}, "password"),
        ({"key_filename": 5}, "key_filename"), ({"passphrase": 5}, "passphrase"),
    ],
)  # fmt: skip
def test_a_jump_of_another_kind_is_refused_by_the_name_of_its_field(jump, option):
    with pytest.raises(OptionError) as caught:
        settled(jumps=[ncwire.Jump(**{"host": "bastion"} | jump)])
    assert option in str(caught.value)


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
