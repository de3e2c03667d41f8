"""What an inventory may not say: each error with its line, its key and what is allowed."""

from __future__ import annotations

import pytest

from ncwire.errors import InventoryError


def problems(load, text: str) -> list[str]:
    with pytest.raises(InventoryError) as raised:
        load(text)
    return list(raised.value.problems)


def problem(load, text: str) -> str:
    (only,) = problems(load, text)
    return only


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
    for name in ("password", "passphrase"):
        said = problem(load, f'[{place}]\n{name} = "hunter2"')
        assert said.startswith(f"line 2: {place}.{name}: a secret does not belong into this file")
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
