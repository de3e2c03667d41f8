"""Host and user names that a shell would take for more than names come near none.

With OpenSSH's client, which resolves the configuration, and without it.
"""

from __future__ import annotations

import pytest

from ncwire._ssh.config import resolve
from ncwire._ssh.options.parameters import Jump, Parameters
from ncwire._ssh.options.resolve import settle
from ncwire.errors import OptionError

COMMAND = "ProxyCommand relay --as %r %h %n %p"
HOSTS = [
    "a|id", "$(id)", "`id`", "a;id", "a&id", "a>b", "a<b", "a'b", 'a"b', "a{b,c}", "(id)", "a b",
    "a\nb", "-oProxyCommand=id", "$HOME", "a\\b", "a\x1bb", "a\u2028b",
]  # fmt: skip
USERS = [
    "a|id", "$(id)", "`id`", "a;id", "a&id", "a>b", "a<b", "a'b", 'a"b', "{a}", "(id)", "a -b",
    "a\nProxyCommand id", "-x", "\\-x", "a \\-x", "$HOME", "a$IFS-oX", "a\\", "a\x1bb", "a\tb",
]  # fmt: skip
GOOD_USERS = [
    "bob", "DOMAIN\\bob", "r1$", "bob@example.net", "bob:r1%x", "a b", "Zoë", "b-c",
]  # fmt: skip


@pytest.fixture(params=["with ssh", "without ssh"])
def _ssh(request, monkeypatch, tmp_path):
    if request.param == "without ssh":
        monkeypatch.setenv("PATH", str(tmp_path))


@pytest.fixture
def config(tmp_path):
    def write(text: str) -> str:
        path = tmp_path / "config"
        path.write_text(text)
        return str(path)

    return write


pytestmark = pytest.mark.usefixtures("_ssh", "home")


@pytest.mark.parametrize("host", HOSTS)
def test_a_host(host, config):
    with pytest.raises(OptionError) as caught:
        resolve(host, config(COMMAND))
    assert caught.value.option == "host"


@pytest.mark.parametrize("user", USERS)
def test_a_user(user, config):
    with pytest.raises(OptionError) as caught:
        resolve("r1", config(COMMAND), username=user)
    assert caught.value.option == "username"
    with pytest.raises(OptionError):
        settle(Parameters(host="r1", username=user, ssh_config=config(COMMAND)))


@pytest.mark.parametrize("user", GOOD_USERS)
def test_a_user_that_ssh_takes(user, config):
    said = resolve("r1", config(COMMAND), username=user)
    assert said.proxy_command == f"relay --as {user} r1 r1 830"


def test_without_a_configuration_no_shell_is_near():
    assert settle(Parameters(host="r1", username="a|b")).username == "a|b"


@pytest.mark.parametrize(
    "jump",
    [
        "a|id",
        "$(id)@bastion",
        "ssh://%24%28id%29@bastion",
        Jump(host="bastion", username="a;b"),
    ],
)
def test_a_jump_host(jump, config):
    for file in (None, config("Host bastion\n  ProxyCommand relay %r@%h\n")):
        with pytest.raises(OptionError) as caught:
            settle(Parameters(host="r1", jumps=[jump], ssh_config=file))
        assert caught.value.option == "jumps"


@pytest.mark.parametrize("line", ["User a|id", "HostName $(id)", "HostName %h;id"])
def test_what_a_file_says_does_not_come_into_a_command_either(line, config):
    with pytest.raises(OptionError, match=r"ProxyCommand for r1 cannot be run: %[hr]: "):
        resolve("r1", config(f"{line}\n{COMMAND}\n"))


def test_a_name_that_is_not_in_the_command(config):
    said = resolve("r1", config("User a|b\nProxyCommand relay %%r %n\n"))
    assert said.proxy_command == "relay %r r1"


def test_a_jump_of_the_configuration(config):
    path = config("ProxyJump %r@bastion\nUser a|id\n")
    with pytest.raises(OptionError, match="jumps: bastion: username: "):
        settle(Parameters(host="r1", ssh_config=path))
