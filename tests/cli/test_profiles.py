"""`ncwire profiles`, and --profile."""

from __future__ import annotations

import json

import pytest

import optioned_driver
from ncwire import profiles


def test_the_list_has_a_line_for_each(run):
    code, out, err = run("profiles")
    assert (code, err) == (0, "")
    lines = {line.split()[0]: line for line in out.splitlines() if line.strip()}
    for name in profiles.built_in():
        assert profiles.get(name).description in lines[name]


def test_the_list_is_there_for_programs(run):
    code, out, _ = run("profiles", "--json")
    listed = {each["name"]: each for each in json.loads(out)}
    assert code == 0
    assert listed["junos"] == {
        "name": "junos",
        "distribution": "ncwire",
        "status": "ok",
        "description": "Juniper Junos",
        "reason": "",
    }


def test_one_is_shown_with_where_each_value_comes_from(run, tmp_path):
    path = tmp_path / "lab.toml"
    path.write_text('extends = "csr"\nport = 22\n[rpc.namespaces]\na = "urn:example:\\u001b"\n')
    code, out, err = run("profiles", str(path))
    assert (code, out) == (2, "")
    path.write_text('extends = "csr"\nport = 22\n[rpc.namespaces]\na = "urn:example:a"\n')
    code, out, err = run("profiles", str(path))
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "lab"
    assert lines[lines.index("port = 22") + 1] == f"    by lab, in {path}"
    assert 'rpc.namespaces = {"a": "urn:example:a"}' in lines
    declared = lines[lines.index("rpc.declaration = true") + 1]
    assert declared.startswith("    by csr, in ncwire's csr.toml; source: https://")
    assert not any(line.startswith("timeouts.hello") for line in lines)

    _, out, _ = run("profiles", str(path), "--all")
    lines = out.splitlines()
    assert lines[lines.index("timeouts.hello = 30.0") + 1] == "    ncwire's default"
    assert {key for key in profiles.OPTIONS if key != "description"} <= {
        line.split(" = ")[0] for line in lines
    }


def test_one_is_shown_for_programs(run):
    code, out, _ = run("profiles", "nexus", "--json")
    shown = json.loads(out)
    assert code == 0
    assert shown["options"]["subsystems"]["value"] == ["netconf", "xmlagent"]
    assert shown["options"]["rpc.namespaces"]["value"]["nxos"] == "http://www.cisco.com/nxos:1.0"
    assert "nexus.py" in shown["options"]["capabilities"]["source"]


@pytest.mark.parametrize("command", [["profiles", "juno"], ["hello", "r1", "--profile", "juno"]])
def test_one_that_there_is_not_is_answered_with_those_there_are(run, command):
    code, out, err = run(*command)
    assert (code, out) == (2, "")
    assert "did you mean 'junos'?" in err


def test_hello_and_rpc_go_by_a_profile(run, login):
    code, out, err = run("hello", *login, "--profile", "huawei", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["driver"] == "paramiko (the default)"
    code, out, err = run("rpc", *login, "--profile", "hpcomware", "--get-config", "running")
    assert (code, err) == (0, "")
    assert "<rpc-reply " in out


def test_the_profiles_driver_is_taken(run, login, tmp_path):
    path = tmp_path / "lab.toml"
    path.write_text('driver = ["nonesuch", "libssh2"]\n')
    code, out, _ = run("hello", *login, "--profile", str(path))
    assert code == 0
    assert "driver: libssh2 (profile 'lab'); passed over: nonesuch (" in out


def test_drivers_own_options_are_shown_but_what_may_be_a_secret(run, tmp_path, monkeypatch):
    optioned_driver.install(tmp_path, monkeypatch)
    path = tmp_path / "lab.toml"
    path.write_text(
        "[driver_options.optioned]\ndepth = 5\ntoken = 'hunter2'\n"
        "[driver_options.nowhere]\nx = 31337\n"
    )
    _, out, err = run("profiles", str(path))
    lines = out.splitlines()
    assert lines[lines.index("driver_options.optioned.depth = 5") + 1].startswith("    by lab")
    assert 'driver_options.optioned.token = "(not shown)"' in lines
    _, as_json, _ = run("profiles", str(path), "--json")
    assert json.loads(as_json)["options"]["driver_options.optioned.depth"]["value"] == 5
    for text in ("hunter2", "31337"):
        assert text not in out + err + as_json
