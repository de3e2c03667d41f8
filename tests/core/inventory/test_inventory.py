"""The inventory: its file, and what a device of it comes to."""

from __future__ import annotations

import dataclasses

import pytest

import ncwire
from ncwire import AlgorithmPolicy, Algorithms, Inventory, Jump, Timeouts
from ncwire._ssh.options.parameters import Parameters
from ncwire.errors import InventoryError, SecretError
from ncwire.inventory import location
from ncwire.inventory.schema import KEYS, REFUSED
from ncwire.testing import EmbeddedServer

EVERYTHING = """
[devices.r1]
host = "192.0.2.1"
port = 22
username = "admin"
password = {env = "R1"}
passphrase = {env = "R1_KEY"}
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
    monkeypatch.setenv("R1_KEY", "opens it")
    device = load(EVERYTHING).device("r1")

    assert device.parameters() == {
        "host": "192.0.2.1",
        "port": 22,
        "username": "admin",
        "password": "secret",
        "passphrase": "opens it",
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
    assert set(device.settings) == set(KEYS) - {"profile", "driver_options"}


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


def test_a_passphrase_beside_a_password(load, monkeypatch):
    device = load(
        """
        [devices.r1]
        password = {env = "PASSWORD"}
        passphrase = {env = "PASSPHRASE"}
        jumps = [{host = "b", passphrase = {env = "JUMP"}}]
        [devices.r2]
        """
    ).devices
    for name in ("PASSWORD", "PASSPHRASE", "JUMP"):
        monkeypatch.setenv(name, f"secret {name}")
    given = device["r1"].parameters()
    assert (given["password"], given["passphrase"]) == ("secret PASSWORD", "secret PASSPHRASE")
    assert given["jumps"] == [Jump(host="b", passphrase="secret JUMP")]
    assert device["r1"].passphrase() == "secret PASSPHRASE"
    assert device["r2"].passphrase() is None
    monkeypatch.delenv("PASSPHRASE")
    assert device["r1"].parameters(passphrase="other")["passphrase"] == "other"
    device["r2"].verify()


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
    monkeypatch.setenv(location.ENVIRONMENT, str(tmp_path / "missing.toml"))
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
