"""`-O`, `ncwire drivers NAME`, and drivers' own options where devices are shown."""

from __future__ import annotations

import json

import pytest

import optioned_driver
from ncwire._cli.failures import Exit


@pytest.fixture
def told(tmp_path, monkeypatch):
    return optioned_driver.install(tmp_path, monkeypatch)


@pytest.fixture
def optioned(told, login):
    """The arguments that lead to the server by the driver that notes its options."""
    return [*login, "--driver", "optioned"]


@pytest.mark.parametrize("command", [["hello"], ["rpc", "--get"], ["probe"]])
def test_every_command_that_connects_gives_them_to_the_driver(run, optioned, told, command):
    name, *more = command
    values = ["depth=5", "mode=b", "linger=0.5", "quick=yes", "path=run/a=b", "words=x", "words=y"]
    code, _, err = run(name, *optioned, *more, *(f"-O{each}" for each in values))
    assert (code, err) == (0, "")
    assert told[-1] == {
        "depth": 5, "mode": "b", "linger": 0.5, "quick": True,
        "path": "run/a=b", "words": ("x", "y"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("dept=5", "driver 'optioned' has no such option; did you mean depth? it has depth, mode"),
        ("depth=five", "driver_options.depth: 'five' is not a whole number (in -O depth)"),
        ("linger=soon", "driver_options.linger: 'soon' is not a number of seconds, more than 0"),
        ("linger=nan", "driver_options.linger: nan is not a number of seconds"),
        ("quick=1", "driver_options.quick: '1' is not true or false"),
        ("mode=c", "driver_options.mode: 'c' is not one of a, b"),
        ("context=x", "driver_options.context: can be given in Python only"),
        (
            "token=hunter2",
            "driver_options.token: is secret, and others can read this; an inv",
        ),
        ("hunter2", "argument -O: it must be KEY=VALUE, with the name of an option"),
        ("=hunter2", "argument -O: it must be KEY=VALUE, with the name of an option"),
        (f"depth={'9' * 5000}", "driver_options.depth: "),
    ],
)
@pytest.mark.parametrize("command", ["hello", "probe"])
def test_what_is_wrong_is_an_error_of_the_command_line(
    run, optioned, told, command, value, problem
):
    code, out, err = run(command, *optioned, "-O", value)
    assert (code, out) == (Exit.USAGE, "")
    assert problem in err
    assert "hunter2" not in err
    assert told == []


def test_one_that_is_no_list_is_given_once(run, optioned):
    code, _, err = run("hello", *optioned, "-O", "depth=1", "-O", "depth=2")
    assert code == Exit.USAGE
    assert "driver_options.depth: is given twice (in -O depth)" in err


def test_another_driver_that_a_probe_tries_does_not_see_them(run, optioned, told):
    code, out, _ = run("probe", *optioned, "-O", "depth=5")
    assert code == 0
    assert {each["depth"] for each in told} == {5}
    rows = [line for line in out.splitlines() if line.startswith("driver: ")]
    assert any("paramiko" in row and "with what is offered" in row for row in rows)


def test_they_win_over_the_inventory_one_by_one(run, told, login, tmp_path):
    destination, _, port, _, known_hosts, *_ = login
    user, _, host = destination.partition("@")
    path = tmp_path / "ncwire.toml"
    path.write_text(
        f'[devices.r1]\nhost = "{host}"\nport = {port}\nusername = "{user}"\n'
        f'known_hosts = "{known_hosts}"\ndriver = "optioned"\npassword = {{env = "SECRET"}}\n'
        "[devices.r1.driver_options.optioned]\ndepth = 5\nmode = 'b'\n"
    )
    code, _, err = run("hello", "r1", "--inventory", str(path), "-O", "depth=7", "--no-prompt")
    assert (code, err) == (0, "")
    assert told == [{"depth": 7, "mode": "b"}]


@pytest.mark.usefixtures("told")
def test_the_options_of_a_driver_are_a_table_in_80_columns(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    code, out, err = run("drivers", "optioned")
    assert (code, err) == (0, "")
    title, heading, _, *rows = out.splitlines()
    assert title == "optioned: NETCONF over ssh, port 830"
    assert heading.split() == ["name", "kind", "default", "meaning"]
    found = {row.split()[0]: row.split()[1:] for row in rows}
    assert found["depth"] == ["integer", "3", "A", "depth."]
    assert found["mode"] == ["text", '"a"', *["A", "mode.", "One", "of", "a,", "b."]]
    assert found["token"] == ["text,", "secret", "A", "secret."]
    assert all(len(line) <= 80 for line in out.splitlines())


@pytest.mark.usefixtures("told")
def test_the_options_of_a_driver_are_there_for_programs(run):
    code, out, _ = run("drivers", "optioned", "--json")
    assert code == 0
    facts = json.loads(out)
    assert (facts["name"], facts["transport"], facts["port"]) == ("optioned", "ssh", 830)
    assert facts["options"][1] == {
        "name": "mode", "kind": "text", "default": "a", "choices": ["a", "b"],
        "secret": False, "meaning": "A mode.",
    }  # fmt: skip


def test_a_driver_without_options_says_so(run):
    code, out, _ = run("drivers", "paramiko")
    assert code == 0
    assert out.splitlines()[1] == "It has no options of its own."


def test_a_driver_that_there_is_not_is_told(run):
    code, out, err = run("drivers", "paramiki")
    assert (code, out) == (Exit.DRIVER, "")
    assert "did you mean 'paramiko'?" in err


def test_all_drivers_and_one_do_not_go_together(run):
    code, _, err = run("drivers", "paramiko", "--algorithms")
    assert code == Exit.USAGE
    assert "--algorithms: is for all drivers" in err


def test_devices_show_what_is_no_secret(run, told, tmp_path):
    path = tmp_path / "ncwire.toml"
    path.write_text(
        "[devices.r1.driver_options.optioned]\ndepth = 5\ntoken = {env = 'TOKEN'}\n"
        "[devices.r2.driver_options.optioned]\ntoken = 'hunter2'\nwords = ['a', 'b']\n"
        "[devices.r2.driver_options.nowhere]\ncolour = '31337'\n"
    )
    _, out, _ = run("devices", "-v", "--inventory", str(path))
    assert "  driver_options.optioned.depth = 5  (devices.r1, line 2)" in out
    assert "  driver_options.optioned.token = environment variable TOKEN  (devices.r1" in out
    assert "  driver_options.optioned.token = (not shown)  (devices.r2, line 5)" in out
    assert "  driver_options.optioned.words = a, b  (devices.r2, line 6)" in out
    assert "  driver_options.nowhere.colour = (not shown)  (devices.r2, line 8)" in out
    _, as_json, _ = run("devices", "--json", "--inventory", str(path))
    for text in ("hunter2", "31337"):
        assert text not in out + as_json
    code, checked, err = run("check", "--inventory", str(path))
    assert code == Exit.USAGE
    assert "hunter2" not in checked + err
    assert told == []
