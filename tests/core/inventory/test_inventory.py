"""The inventory: what its file may say, and what a device of it comes to."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ncwire
from ncwire import AlgorithmPolicy, Algorithms, Inventory, Jump, Timeouts
from ncwire.errors import InventoryError, OptionError, SecretError
from ncwire.inventory import Device, places
from ncwire.inventory.keys import KEYS, REFUSED
from ncwire.inventory.parsing import parse
from ncwire.ssh.parameters import Parameters
from ncwire.testing import EmbeddedServer

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def load(tmp_path: Path):
    """Load an inventory of this text."""

    def load(text: str) -> Inventory:
        path = tmp_path / "ncwire.toml"
        path.write_text(text)
        path.chmod(0o644)
        return Inventory.load(path)

    return load


def problems(load, text: str) -> list[str]:
    with pytest.raises(InventoryError) as raised:
        load(text)
    return list(raised.value.problems)


def problem(load, text: str) -> str:
    (only,) = problems(load, text)
    return only


EVERYTHING = """
[devices.r1]
host = "192.0.2.1"
port = 22
username = "admin"
password = {env = "R1"}
key_filename = ["id", "/etc/id"]
allow_agent = false
look_for_keys = false
known_hosts = "known"
hostkey_b64 = "AAAAC3NzaC1lZDI1NTE5AAAAIK0kXZ8qdaJU2C/SSeu7fS5vA657XlvNFpbfstFd0KCf"
ssh_config = false
ssh_options = ["Compression=yes"]
jumps = ["bastion", {host = "b2", port = 2222, username = "x", key_filename = "jump"}]
bind_addr = "192.0.2.7"
driver = "paramiko"
subsystems = ["netconf", "xmlagent"]
algorithms = {allow = {ciphers = ["aes128-cbc"]}, prefer = {ciphers = ["aes256-ctr"]}}
timeout = 3
timeouts = {hello = 7.5}
keepalive = 10
keepalive_count = 2
environment = {LANG = "C"}
"""


def test_everything_comes_out_as_connect_takes_it(load, tmp_path, monkeypatch):
    monkeypatch.setenv("R1", "secret")
    device = load(EVERYTHING).device("r1")

    assert device.parameters() == {
        "host": "192.0.2.1",
        "port": 22,
        "username": "admin",
        "password": "secret",
        "key_filename": (str(tmp_path / "id"), "/etc/id"),
        "allow_agent": False,
        "look_for_keys": False,
        "known_hosts": (str(tmp_path / "known"),),
        "hostkey_b64": "AAAAC3NzaC1lZDI1NTE5AAAAIK0kXZ8qdaJU2C/SSeu7fS5vA657XlvNFpbfstFd0KCf",
        "ssh_config": False,
        "ssh_options": ("Compression=yes",),
        "jumps": [
            "bastion",
            Jump(host="b2", port=2222, username="x", key_filename=(str(tmp_path / "jump"),)),
        ],
        "bind_addr": "192.0.2.7",
        "driver": "paramiko",
        "subsystems": ("netconf", "xmlagent"),
        "algorithms": AlgorithmPolicy(
            allow=Algorithms(ciphers=("aes128-cbc",)), prefer=Algorithms(ciphers=("aes256-ctr",))
        ),
        "timeout": 3.0,
        "timeouts": Timeouts(hello=7.5),
        "keepalive": 10.0,
        "keepalive_count": 2,
        "environment": {"LANG": "C"},
    }
    assert set(device.settings) == set(KEYS) - {"profile"}


def test_each_key_is_a_parameter_of_connect():
    parameters = {field.name for field in dataclasses.fields(Parameters)}
    assert set(KEYS) <= parameters | {"driver", "known_hosts"}
    assert not set(KEYS) & set(REFUSED)


def test_a_device_wins_over_its_groups_the_first_group_over_the_next_and_all_over_the_defaults(
    load,
):
    device = load(
        """
        [defaults]
        port = 1
        username = "defaults"
        timeout = 1
        keepalive = 1
        [groups.first]
        username = "first"
        timeout = 2
        [groups.second]
        username = "second"
        timeout = 3
        keepalive = 3
        [devices.r1]
        username = "device"
        groups = ["first", "second"]
        """
    ).device("r1")

    origins = {name: setting.origin for name, setting in device.settings.items()}
    assert origins == {
        "host": "the device's name, line 14",
        "port": "defaults, line 3",
        "username": "devices.r1, line 15",
        "timeout": "groups.first, line 9",
        "keepalive": "groups.second, line 13",
    }
    assert device.get("timeout") == 2


def test_the_name_is_the_host_where_there_is_none(load):
    assert load('[devices."r1.example.net"]').device("r1.example.net").get("host") == (
        "r1.example.net"
    )


def test_ssh_config_counts_unless_the_device_says_otherwise(load):
    inventory = load("[devices.r1]\n[devices.r2]\nssh_config = false")
    assert inventory.device("r1").parameters()["ssh_config"] is True
    assert inventory.device("r2").parameters()["ssh_config"] is False


def test_overrides_win_and_a_password_that_is_overridden_is_not_read(load):
    device = load('[devices.r1]\npassword = {env = "NOT_SET"}').device("r1")
    given = device.parameters(password="other", port=7)
    assert (given["password"], given["port"]) == ("other", 7)
    with pytest.raises(SecretError):
        device.parameters()


def test_the_password_of_a_jump_is_read_when_it_is_needed(load, monkeypatch):
    device = load('[devices.r1]\njumps = [{host = "b", password = {env = "JUMP"}}]').device("r1")
    with pytest.raises(SecretError, match="JUMP"):
        device.parameters()
    monkeypatch.setenv("JUMP", "secret")
    assert device.parameters()["jumps"] == [Jump(host="b", password="secret")]
    assert "secret" not in repr(device)


def test_of_several_drivers_the_first_that_can_be_used_is_taken(load):
    device = load('[devices.r1]\ndriver = ["nowhere", "libssh2", "paramiko"]').device("r1")
    choice = device.driver()
    assert choice.name == device.parameters()["driver"] == "libssh2"
    assert choice.by == "devices.r1, line 2"
    assert [name for name, _ in choice.passed_over] == ["nowhere"]


def test_connect_returns_a_session(load, monkeypatch, tmp_path):
    monkeypatch.setenv("R1", "pw")
    with EmbeddedServer(password="pw") as server:
        server.write_known_hosts(tmp_path / "known_hosts")
        inventory = load(
            f"""
            [devices.r1]
            host = "{server.host}"
            port = {server.port}
            username = "{server.username}"
            password = {{env = "R1"}}
            known_hosts = "known_hosts"
            """
        )
        with inventory.connect("r1", ssh_config=None) as session:
            assert session.rpc("<get/>").raw
        with pytest.raises(ncwire.AuthenticationError):
            inventory.connect("r1", username="nobody", ssh_config=None, allow_agent=False)


# --- profiles ----------------------------------------------------------------------------------


def test_a_device_has_a_profile_of_ncwires_of_the_file_or_of_another_file(load, tmp_path):
    (tmp_path / "other.toml").write_text('extends = "junos"\nport = 3')
    inventory = load(
        """
        [profiles.mine]
        extends = "base"
        port = 2
        [profiles.base]
        extends = "junos"
        keepalive = 7
        [groups.lab]
        profile = "mine"
        [devices.r1]
        groups = "lab"
        [devices.r2]
        profile = "junos"
        [devices.r3]
        profile = "./other.toml"
        """
    )
    mine, junos, other = (inventory.device(name).get("profile") for name in ("r1", "r2", "r3"))
    assert (mine.name, mine.port, mine.keepalive) == ("mine", 2, 7.0)
    assert junos == ncwire.profiles.get("junos")
    assert (other.name, other.port, other.command) == ("other", 3, junos.command)
    assert inventory.device("r1").parameters()["profile"] is mine
    assert inventory.device("r1").settings["profile"].text == "mine"


def test_the_drivers_of_a_profile_yield_to_the_devices(load, monkeypatch):
    monkeypatch.delenv("NCWIRE_DRIVER", raising=False)
    inventory = load(
        """
        [profiles.mine]
        driver = ["nowhere", "libssh2"]
        [defaults]
        profile = "mine"
        [devices.r1]
        [devices.r2]
        driver = "paramiko"
        """
    )
    first = inventory.device("r1").driver()
    assert (first.name, first.by) == ("libssh2", "profile 'mine'")
    assert inventory.device("r2").driver().name == "paramiko"


PROFILE_ERRORS = {
    "[profiles.mine]\nprot = 1": "line 2: profiles.mine.prot: no such option; ",
    "[profiles.mine]\nport = 0": "line 2: profiles.mine.port: 0 is not a whole number",
    "[profiles.mine]\nhostkey_verify = false": "line 2: profiles.mine.hostkey_verify: a profile ",
    "[profiles.mine]\npassword = 'hunter2'": "line 2: profiles.mine.password: a profile holds no",
    "[profiles.mine]\nextends = 'junso'": "line 2: profiles.mine.extends: there is none of that ",
    "[profiles.mine]\nextends = 'mine'": "line 2: profiles.mine.extends: a circle: ",
    "[profiles.'A b']": "line 1: profiles.'A b': 'A b' is no name",
    "[profiles]\nmine = 1": "line 2: profiles.mine: must be a table, not a whole number",
    "[devices.r1]\nprofile = 'junso'": "line 2: devices.r1.profile: there is none of that name; ",
    "[devices.r1]\nprofile = 'x.toml'": "line 2: devices.r1.profile: profile 'x' in ",
}


@pytest.mark.parametrize("text", PROFILE_ERRORS)
def test_an_error_in_a_profile_has_its_place_too(load, text):
    said = problem(load, text)
    assert said.startswith(PROFILE_ERRORS[text])
    assert "hunter2" not in said


def test_what_is_wrong_with_a_profile_is_told_once(load):
    text = "[profiles.mine]\nport = 0\n[devices.r1]\nprofile = 'mine'"
    assert problem(load, text).startswith("line 2: profiles.mine.port: ")


# --- errors ------------------------------------------------------------------------------------

ONE_ERROR = {
    "device = 1": "line 1: device: 'device' is no key here; did you mean devices?",
    "[devices.r1]\nprot = 1": "line 2: devices.r1.prot: 'prot' is no key here; did you mean port?",
    "[devices.r1]\nport = 0": "line 2: devices.r1.port: 0 is not between 1 and 65535",
    "[devices.r1]\nport = true": "line 2: devices.r1.port: must be a whole number, not true or",
    "[devices.r1]\nport = 22.5": "line 2: devices.r1.port: must be a whole number, not a number",
    "[devices.r1]\nhost = 'a b'": "line 2: devices.r1.host: 'a b' is no host name or IP address",
    "[devices.'a b']": "line 1: devices.'a b'.host: 'a b' is no host name or IP address",
    "[devices.'']": "line 1: devices: there is one without a name",
    "[devices]\nr1 = 5": "line 2: devices.r1: must be a table, not a whole number",
    "devices = []": "line 1: devices: must be a table, not an array",
    "[groups.a]\nhost = 'x'": "line 2: groups.a.host: 'host' is no key here; ",
    "[defaults]\ngroups = 'x'": "line 2: defaults.groups: 'groups' is no key here; ",
    "[devices.r1]\ngroups = 'a'": "line 2: devices.r1.groups: there is no group 'a'; there are: n",
    "[devices.r1]\ngroups = 5": "line 2: devices.r1.groups: must be a string, or an array of str",
    "[devices.r1]\nhostkey_verify = false": "line 2: devices.r1.hostkey_verify: host keys are alw",
    "[devices.r1]\naccept_new = true": "line 2: devices.r1.accept_new: an inventory accepts no u",
    "[devices.r1]\nhostkey_b64 = 'x'": "line 2: devices.r1.hostkey_b64: not the base64 of an SSH",
    "[devices.r1]\ntimeout = -1": "line 2: devices.r1.timeout: -1.0 is no positive number",
    "[devices.r1]\ntimeout = nan": "line 2: devices.r1.timeout: nan is no positive number",
    "[devices.r1.timeouts]\nhallo = 1": "line 1: devices.r1.timeouts: 'hallo' is no key here; did",
    "[devices.r1]\nkeepalive_count = 0": "line 2: devices.r1.keepalive_count: 0 is less than 1",
    "[devices.r1]\nsubsystems = []": "line 2: devices.r1.subsystems: is empty",
    "[devices.r1]\nssh_options = 'x'": "line 2: devices.r1.ssh_options: 'x' is not of the form",
    "[devices.r1]\njumps = [1]": "line 2: devices.r1.jumps: must be a table or a string, ",
    "[devices.r1]\njumps = ['none', 'b']": "line 2: devices.r1.jumps: 'none' cannot be given",
    "[devices.r1]\njumps = {port = 1}": "line 2: devices.r1.jumps: host is missing",
    "[devices.r1]\nenvironment = {'a=b' = 'c'}": "line 2: devices.r1.environment: 'a=b' cannot be",
    "[devices.r1.algorithms.allow]\nciphers = ['3des']": "line 1: devices.r1.algorithms: allow.ci",
    "[devices.r1]\nalgorithms = {alow = {}}": "line 2: devices.r1.algorithms: 'alow' is no key he",
    "[devices.r1]\nusername = 1979-05-27": "line 2: devices.r1.username: must be a string, not a ",
    '[devices.r1]\nx = "hunter2': "is not valid TOML: ",
    f"[devices.r1]\nport = {'9' * 5000}": "is not valid TOML: Exceeds the limit",
    "[devices.r1]\nport = " + "[" * 5000: "is ",
    "[devices.r1]\n[devices.r1]": "is not valid TOML: ",
}


@pytest.mark.parametrize("text", ONE_ERROR)
def test_an_error_names_line_key_and_what_is_allowed(load, text):
    assert problem(load, text).startswith(ONE_ERROR[text])


def test_all_errors_are_told_at_once_in_the_order_of_the_lines(load):
    found = problems(
        load, "[devices.r2]\nport = 0\n[devices.r1]\nprot = 1\n[defaults]\nport = 'x'"
    )
    assert [each.partition(": ")[0] for each in found] == ["line 2", "line 4", "line 6"]


@pytest.mark.parametrize("place", ["defaults", "groups.a", "devices.r1"])
def test_a_plain_password_is_refused_and_not_repeated(load, place):
    said = problem(load, f'[{place}]\npassword = "hunter2"')
    assert said.startswith(f"line 2: {place}.password: a secret does not belong into this file")
    assert '{env = "VARIABLE"}' in said
    assert "hunter2" not in said


REFERENCES = {
    "{}": "say where the secret is, in one way",
    '{env = "A", file = "b"}': "say where the secret is, in one way",
    '{env = ""}': "is empty",
    '{env = "A=B"}': "env: no variable can have that name",
    '{env = "A", timeout = 3}': "'timeout' is no key here",
    '{command = "pass show"}': "command: give an array",
    "{command = []}": "command: is empty",
    "{command = [1]}": "command: its arguments must be strings",
    '{command = ["a"], timeout = 0}': "timeout: is no positive number of seconds",
    '{keyring = "netconf"}': "keyring: username is missing",
    "5": "must be a table that says where the secret is",
}


@pytest.mark.parametrize("given", REFERENCES)
def test_a_reference_that_is_none_is_told(load, given):
    said = problem(load, f"[devices.r1]\npassword = {given}")
    assert said.startswith("line 2: devices.r1.password: ")
    assert REFERENCES[given] in said


def test_a_device_that_is_not_there(load):
    inventory = load("[devices.router1]\n[devices.router2]")
    with pytest.raises(InventoryError, match=r"'routr1' is no device; did you mean router1"):
        inventory.device("routr1")


# --- the file ----------------------------------------------------------------------------------


def test_a_file_that_others_may_write_is_not_trusted(tmp_path):
    path = tmp_path / "ncwire.toml"
    path.write_text("[devices.r1]")
    for mode in (0o664, 0o646):
        path.chmod(mode)
        with pytest.raises(InventoryError, match=r"other users may write it: .* chmod go-w"):
            Inventory.load(path)
    path.chmod(0o644)
    assert Inventory.load(path).devices


def test_a_file_that_is_not_there_or_not_utf_8(tmp_path):
    with pytest.raises(InventoryError, match="cannot be read: No such file"):
        Inventory.load(tmp_path / "nowhere")
    with pytest.raises(InventoryError, match="cannot be read: Is a directory"):
        Inventory.load(tmp_path)
    path = tmp_path / "ncwire.toml"
    path.write_bytes(b"[devices.r1]\n# \xff\n")
    path.chmod(0o644)
    with pytest.raises(InventoryError, match="line 2: is not UTF-8"):
        Inventory.load(path)


def test_a_named_file_that_is_missing_is_not_passed_over(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ncwire.toml").write_text("")
    monkeypatch.setenv(places.ENVIRONMENT, str(tmp_path / "missing.toml"))
    with pytest.raises(InventoryError, match="which NCWIRE_CONFIG names"):
        Inventory.load()


def test_paths_stay_right_when_the_working_folder_changes(tmp_path, monkeypatch):
    folder = tmp_path / "conf"
    folder.mkdir()
    path = folder / "ncwire.toml"
    path.write_text('[devices.r1]\nkey_filename = "id"')
    path.chmod(0o644)
    monkeypatch.chdir(tmp_path)
    device = Inventory.load("conf/ncwire.toml").device("r1")
    assert device.get("key_filename") == (str(folder / "id"),)


# --- anything at all ---------------------------------------------------------------------------

_NAMES = st.sampled_from(
    ["defaults", "groups", "devices", "junos", "r1", "", "a.b", "hostkey_verify", "é", *KEYS]
) | st.text(max_size=5)
_VALUES = st.recursive(
    st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["none", "netconf", "~nobody/x", "a@b:22", "aes128-cbc", "\0"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            _NAMES
            | st.sampled_from(
                ["env", "file", "command", "keyring", "timeout", "allow", "ciphers", "hello"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)
_TABLES = st.dictionaries(_NAMES, _VALUES, max_size=4)


def toml(value: object) -> str:
    """Return a value in TOML's inline form."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(k)} = {toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, str):
        return '"' + "".join(f"\\U{ord(character):08x}" for character in value) + '"'
    return str(value).lower() if isinstance(value, bool) else repr(value)


def parsed(text: str, folder: Path) -> tuple[dict[str, Device], tuple[str, ...]]:
    """Return the devices of a text, and what is wrong with it."""
    try:
        devices, _ = parse(text, folder / "ncwire.toml")
    except InventoryError as error:
        return {}, error.problems
    return devices, ()


def only_clear_errors(text: str, folder: Path) -> None:
    devices, problems = parsed(text, folder)
    assert all(problems)
    for device in devices.values():
        assert device.settings["host"].origin
        assert all(isinstance(setting.text, str) for setting in device.settings.values())


@given(st.text())
def test_any_text_is_an_inventory_or_a_clear_error(tmp_path_factory, text):
    only_clear_errors(text, tmp_path_factory.getbasetemp())


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "defaults": _TABLES | _VALUES,
            "groups": st.dictionaries(_NAMES, _TABLES, max_size=2) | _VALUES,
            "devices": st.dictionaries(_NAMES, _TABLES, max_size=3) | _VALUES,
            "profiles": st.dictionaries(_NAMES, _TABLES, max_size=2) | _VALUES,
            "surplus": _VALUES,
        },
    )
)
def test_any_tables_are_an_inventory_or_a_clear_error(tmp_path_factory, tables):
    text = "\n".join(f"{name} = {toml(value)}" for name, value in tables.items())
    only_clear_errors(text, tmp_path_factory.getbasetemp())


@given(st.sampled_from(sorted(KEYS)), _VALUES)
def test_any_value_of_any_key_is_taken_or_refused_in_one_error(tmp_path_factory, key, value):
    text = f"[devices.r1]\n{key} = {toml(value)}\n"
    devices, problems = parsed(text, tmp_path_factory.getbasetemp())
    if not devices:
        (said,) = problems
        assert said.startswith(f"line 2: devices.r1.{key}: ") or "not valid TOML" in said
        return
    given = devices["r1"].parameters(password=None, jumps=(), driver=None)
    for name in ("driver", "known_hosts", "profile"):
        given.pop(name, None)
    try:
        Parameters(**given)
    except OptionError:  # what depends on the machine, such as a file
        return
