"""What a profile's TOML may say, what is made of it, and how what is wrong is told."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import pytest
from profile_texts import EVERYTHING, parse

from ncwire import profiles
from ncwire._protocol.dialect import Dialect
from ncwire.driver import Feature
from ncwire.errors import OptionError, ProfileError, ProfileNotFoundError
from ncwire.profiles import OPTIONS, DeviceProfile


def refused(text: str) -> ProfileError:
    with pytest.raises(ProfileError) as caught:
        parse(text)
    assert "lab.toml" in str(caught.value)
    return caught.value


def test_every_option_can_be_given_and_stands_where_its_path_says():
    profile = parse(EVERYTHING)
    given = profile.values()
    assert set(given) == set(OPTIONS)
    for setting in profile.settings():
        assert setting.given is not None
        assert setting.value == setting.given.value, setting.key
        assert (setting.given.profile, setting.given.file) == ("lab", "lab.toml")
    assert profile.driver == ("libssh2", "paramiko")
    assert profile.requires.features == (Feature.KEEPALIVE, Feature.HOST_CERTIFICATE)
    assert profile.timeouts.overall == 60.5
    assert profile.limits.chunk_header == 8
    assert profile.algorithms.forbid.kex == ("ecdh-sha2-nistp521",)
    assert profile.dialect.rpc_namespaces == (("a", "urn:example:a"),)
    assert list(profile.client_capabilities()) == [*profile.capabilities, "urn:example:b"]


def test_what_is_not_given_is_ncwires_own():
    profile = parse("")
    assert profile == dataclasses.replace(DeviceProfile(name="lab"), file="lab.toml")
    assert profile.dialect == Dialect()
    assert all(setting.given is None for setting in profile.settings())


def test_a_citation_stands_with_each_value_that_it_covers():
    given = parse(EVERYTHING).values()
    assert given["pause"].source == "seen"
    assert given["rpc.prefix"].source == "read"
    assert given["rpc.declaration"].source == ""
    assert {given[f"algorithms.allow.{kind}"].source for kind in ("kex", "macs")} == {"told"}


def test_base_leaves_out_the_other_versions_however_they_are_spelt():
    legacy = "urn:ietf:params:xml:ns:netconf:base:1.0"
    text = f'base = ["1.1"]\ncapabilities = ["{legacy}", "urn:ietf:params:netconf:base:1.1"]'
    assert list(parse(text).client_capabilities()) == ["urn:ietf:params:netconf:base:1.1"]


# --- what is wrong -----------------------------------------------------------------------------


WRONG = [
    ("port = 0", "port", ["0", "1 to 65535"]),
    ("port = true", "port", ["True", "1 to 65535"]),
    ('port = "830"', "port", ["'830'"]),
    ("prot = 1", "prot", ["did you mean port?", "allowed: extends, description"]),
    ("[rpc]\nprefx = 'a'", "rpc.prefx", ["mean rpc.prefix?", "in rpc: prefix, declaration"]),
    ("declaration = true", "declaration", ["did you mean rpc.declaration?"]),
    ("rpc = 3", "rpc", ["3 is not a table, [rpc]"]),
    ("'rpc.prefix' = 'a'", "'rpc.prefix'", ["no such option"]),
    ("'' = 'a'", "''", ["no such option"]),
    ("driver = []", "driver", ["[]", "a list of different ones"]),
    ("driver = ['a', 'a']", "driver", ["['a', 'a']"]),
    ("subsystems = []", "subsystems", ["no command"]),
    ("subsystems = ['']", "subsystems", ["a list of different names"]),
    ("subsystems = 'netconf'", "subsystems", ["'netconf'"]),
    ('command = "a\\nb"', "command", ["a command in a line"]),
    ("auth_methods = ['hostbased']", "auth_methods", ["publickey, keyboard-interactive"]),
    ("auth_methods = []", "auth_methods", ["publickey, keyboard-interactive"]),
    ("keepalive = -1", "keepalive", ["-1"]),
    ("keepalive = nan", "keepalive", ["nan"]),
    ("keepalive_count = 0", "keepalive_count", ["0"]),
    ("[received]\nencoding = 'utf-16'", "received.encoding", ["in which ASCII is ASCII"]),
    ("pause = 61", "pause", ["from 0 to 60"]),
    ("base = ['2.0']", "base", ["1.0, 1.1"]),
    ("base = ['1.1']\ncapabilities = ['urn:ietf:params:netconf:base:1.0']", "base", ["1.1"]),
    ("capabilities = ['a b']", "capabilities", ["URIs"]),
    ("[hello]\nprefix = 'a:b'", "hello.prefix", ["'a:b'"]),
    ("[hello]\nprefix = 'xmlns'", "hello.prefix", ["'xmlns'"]),
    ("[rpc.namespaces]\na = 'x\"y'", "rpc.namespaces", ["prefixes and URIs"]),
    ("[rpc.namespaces]\na = 3", "rpc.namespaces", ["prefixes and URIs"]),
    ("[rpc]\nnamespaces = [1]", "rpc.namespaces", ["prefixes and URIs"]),
    ("[rpc]\nprefix = 'a'\n[rpc.namespaces]\na = 'urn:x'", "rpc.namespaces", ["rpc.prefix"]),
    ("[timeouts]\nhello = 0", "timeouts.hello", ["more than 0"]),
    ("[timeouts]\nhelo = 1", "timeouts.helo", ["timeouts.hello?", "in timeouts: connect"]),
    ("[limits]\nchunk_header = 3", "limits.chunk_header", ["4 or more"]),
    ("[requires]\nfeatures = ['speed']", "requires.features", ["'speed'", "host-certificate"]),
    ("[algorithms.allow]\nkex = ['group14']", "algorithms.allow.kex", ["'group14'"]),
    ("[algorithms]\nallow = 1", "algorithms.allow", ["[algorithms.allow]"]),
    ("extends = 'juno'", "extends", ["'junos'?", "known: alu, "]),
    ("extends = 3", "extends", ["3 is not the name"]),
    ("extends = '../../etc/passwd'", "extends", ["is not the name"]),
    ("[sources]\nport = 'a'", "sources", ["'port'"]),
    ("port = 1\n[sources]\nport = 1", "sources.port", ["1"]),
    ("sources = 1", "sources", ["[sources]"]),
    ("port = ", "", ["not TOML", "Invalid value"]),
    ("port = " + "9" * 5000, "", ["not TOML"]),
    ("port = " + "[" * 5000, "", ["nested too deep"]),
]


@pytest.mark.parametrize(("text", "key", "told"), WRONG, ids=lambda value: str(value)[:30])
def test_what_is_wrong_is_named_with_the_value_and_what_is_allowed(text, key, told):
    error = refused(text)
    assert error.key == key
    assert isinstance(error, OptionError)
    for part in (key, *told):
        assert part in str(error)


@pytest.mark.parametrize(
    "key", ["hostkey_verify", "unknown_host_cb", "accept_new", "known_hosts", "hostkey_b64"]
)
@pytest.mark.parametrize("table", ["", "[rpc]\n", "[algorithms.allow]\n"])
def test_a_profile_says_nothing_about_host_keys(key, table):
    error = refused(f"{table}{key} = false")
    assert "a profile says nothing about host keys" in str(error)
    assert not any("host" in option.path and "verif" in option.path for option in OPTIONS.values())


@pytest.mark.parametrize("key", ["password", "username", "key_filename", "passphrase"])
def test_a_profile_holds_no_credentials_and_the_error_shows_none(key):
    error = refused(f"{key} = 'hunter2'")
    assert "a profile holds no credentials" in str(error)
    assert "hunter2" not in str(error)


def test_a_file_that_cannot_be_read_is_told_of_by_its_path(tmp_path):
    missing = tmp_path / "lab.toml"
    with pytest.raises(ProfileError, match=rf"{missing}: cannot be read: No such file"):
        profiles.load(missing)
    missing.write_bytes(b"port = 22 # \xff")
    with pytest.raises(ProfileError, match="not UTF-8 at its byte 12"):
        profiles.load(missing)
    with pytest.raises(ProfileError, match="cannot be read: Is a directory"):
        profiles.load(tmp_path)


def test_a_profile_that_is_made_in_python_is_checked_alike():
    profile = DeviceProfile(name="lab", driver=["libssh2"], port=22)  # type: ignore[arg-type]
    assert profile.driver == ("libssh2",)
    assert {key: each.value for key, each in profile.values().items()} == {
        "driver": ("libssh2",),
        "port": 22,
    }
    with pytest.raises(ProfileError, match=r"\(Python\): port: 99999 is not"):
        DeviceProfile(name="lab", port=99999)
    with pytest.raises(ProfileError, match="timeouts: must be Timeouts"):
        DeviceProfile(name="lab", timeouts=3)  # type: ignore[arg-type]


# --- extends -----------------------------------------------------------------------------------


def test_a_value_comes_from_the_nearest_profile_that_gives_it_and_says_so(tmp_path):
    path = tmp_path / "lab.toml"
    path.write_text('extends = "csr"\nport = 22\n')
    profile = profiles.load(path)
    where = {key: (each.profile, each.file) for key, each in profile.values().items()}
    assert where["port"] == ("lab", str(path))
    assert where["rpc.declaration"] == ("csr", "ncwire's csr.toml")
    assert where["notes"] == ("iosxe", "ncwire's iosxe.toml")
    assert profile.values()["rpc.declaration"].source
    assert "description" not in where
    assert profile.dialect.rpc_declaration


def test_profiles_of_ones_own_can_extend_each_other_and_ncwires():
    own = {
        name: profiles.read_table(table, "ncwire.toml", name)
        for name, table in {
            "a": {"extends": "b", "port": 1},
            "b": {"extends": "junos", "port": 2, "pause": 1},
        }.items()
    }
    profile = profiles.get("a", own)
    assert (profile.port, profile.pause, profile.command) == (
        1,
        1.0,
        "xml-mode netconf need-trailer",
    )


def test_a_circle_is_named():
    own = {
        name: profiles.read_table({"extends": parent}, "ncwire.toml", name)
        for name, parent in {"a": "b", "b": "c", "c": "b"}.items()
    }
    with pytest.raises(ProfileError, match="a circle: b extends c extends b"):
        profiles.get("a", own)
    with pytest.raises(ProfileError, match="a circle: lab extends lab"):
        parse("extends = 'lab'")


def test_a_table_can_be_laid_over_a_profile():
    junos = profiles.get("junos")
    device = profiles.overlaid(junos, {"port": 22}, "ncwire.toml", "device r1")
    assert (device.port, device.command) == (22, junos.command)
    assert device.values()["port"].profile == "device r1"
    with pytest.raises(ProfileError, match=r"'device r1' in ncwire.toml: port: 0"):
        profiles.overlaid(junos, {"port": 0}, "ncwire.toml", "device r1")
    made = profiles.overlaid(DeviceProfile(name="made", pause=1), {}, "x.toml", "y")
    assert made.pause == 1


# --- by name -----------------------------------------------------------------------------------


FAMILIES = [
    *("default", "junos", "iosxr", "iosxe", "csr", "nexus", "huawei", "huaweiyang", "sros"),
    *("alu", "h3c", "hpcomware", "ciena", "ericsson", "netopeer2", "netconfd", "ruggedcom"),
    *("clixon", "huawei-legacy", "sros-private"),
]


def test_the_families_are_built_in():
    assert sorted(FAMILIES) == profiles.built_in()


@pytest.mark.parametrize("name", FAMILIES)
def test_each_built_in_profile_is_sound_described_and_cited(name):
    profile = profiles.get(name)
    assert profile.name == name
    assert profile.description
    for key, each in profile.values().items():
        if key != "description":
            assert each.source, f"{each.profile}: {key} has no source"


def test_another_name_is_answered_with_those_there_are():
    with pytest.raises(ProfileNotFoundError, match="did you mean 'junos'"):
        profiles.get("Junos".lower()[:4])
    with pytest.raises(ProfileError, match="is no name"):
        profiles.get("../junos")


def test_importing_ncwire_reads_no_profile():
    script = (
        "import sys; before = set(sys.modules); import ncwire; "
        "new = set(sys.modules) - before; "
        "print([name for name in new if 'profiles' in name or name == 'tomllib'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
