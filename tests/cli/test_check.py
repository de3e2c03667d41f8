"""`ncwire check` and `ncwire devices`, and the other commands with a device of the inventory."""

from __future__ import annotations

import gc
import importlib
import json
import sys
from typing import TYPE_CHECKING

import pytest

from metadata import write_metadata
from ncwire._cli.failures import Exit
from ncwire._plugins import registry
from servers.fleet import CHANGED, DOWN, PASSWORD, THIRD_PARTY, WRONG_PASSWORD, Fleet

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def third_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The driver of a stranger's distribution, as if it were installed."""
    site = tmp_path / "site"
    point = "ncwire_asyncssh:AsyncSSHDriver"
    write_metadata(site, "ncwire-asyncssh", "0.1", "ncwire.drivers", asyncssh=point)
    for path in (site, THIRD_PARTY):
        monkeypatch.syspath_prepend(str(path))
    importlib.invalidate_caches()
    yield "asyncssh"
    registry.load.cache_clear()
    for name in [name for name in sys.modules if name.startswith("ncwire_asyncssh")]:
        del sys.modules[name]


@pytest.fixture
def write(tmp_path: Path):
    """Write an inventory; returns the options that name it."""

    def write(text: str) -> list[str]:
        path = tmp_path / "ncwire.toml"
        path.write_text(text)
        path.chmod(0o644)
        return ["--inventory", str(path)]

    return write


@pytest.fixture
def one_device(write, server, known_hosts) -> list[str]:
    return write(
        f"""
        [defaults]
        username = "{server.username}"
        password = {{env = "SECRET"}}
        known_hosts = "{known_hosts}"
        [devices.r1]
        host = "{server.host}"
        port = {server.port}
        """
    )


# --- thirty devices ----------------------------------------------------------------------------


def test_thirty_devices_are_checked_at_once_and_each_failure_is_one_line(
    run, tmp_path, third_driver, monkeypatch
):
    monkeypatch.setenv("FLEET_PASSWORD", PASSWORD)
    with Fleet(tmp_path, ["paramiko", "libssh2", third_driver]) as fleet:
        code, out, err = run("check", "--connect", "--inventory", str(fleet.inventory))
    # What was dropped unclosed is to fail this test, and not one that comes later.
    gc.collect()

    lines = dict(line.split(": ", 1) for line in out.splitlines())
    assert list(lines) == fleet.devices
    failed = {name: said for name, said in lines.items() if not said.startswith("ok: ")}
    assert set(failed) == {DOWN, CHANGED, WRONG_PASSWORD}, failed
    assert failed[DOWN].startswith("failed: connect: TCP connect to 127.0.0.1: ")
    assert "Connection refused" in failed[DOWN]
    assert failed[CHANGED].startswith("failed: host key of ")
    assert " has changed: it presents ssh-ed25519 SHA256:" in failed[CHANGED]
    assert failed[WRONG_PASSWORD].startswith("failed: authentication: admin@127.0.0.1: ")
    assert "not it" not in out + err
    assert PASSWORD not in out + err
    assert code == Exit.CONNECTION  # of r28, the first
    assert f"ncwire: {fleet.inventory}: 27 of 30 devices answer" in err
    by_driver = [said.rpartition("by ")[2] for said in lines.values() if said not in failed]
    assert {"paramiko", "ssh2-python", "asyncssh"} <= set(by_driver)


def test_devices_that_wait_for_each_other_say_nothing_to_one_alone(run, tmp_path, monkeypatch):
    monkeypatch.setenv("FLEET_PASSWORD", PASSWORD)
    with Fleet(tmp_path, ["paramiko"], patience=0.2) as fleet:
        code, out, _ = run(
            *("check", "--connect", "--at-once", "1", "--inventory", str(fleet.inventory), "r1")
        )
    assert code == Exit.SESSION
    assert out.startswith("r1: failed: hello: ")


# --- check -------------------------------------------------------------------------------------


def test_an_inventory_that_is_right(run, one_device):
    code, out, err = run("check", *one_device)

    assert (code, out) == (0, "")
    assert err.endswith("1 of 1 devices are well described\n")


def test_all_that_is_wrong_is_told_at_once_with_its_line(run, write):
    code, out, err = run(
        "check", *write('[defaults]\nuser = "a"\npassword = "hunter2"\n[devices.r1]\nprot = 1\n')
    )

    assert (code, out) == (Exit.USAGE, "")
    assert "3 errors" in err
    assert "  line 2: defaults.user: the key is username" in err
    assert "  line 3: defaults.password: a secret does not belong into this file" in err
    assert "  line 5: devices.r1.prot: 'prot' is no key here; did you mean port?" in err
    assert "hunter2" not in err


def test_what_can_be_known_without_the_device_is_checked(run, write):
    code, out, _ = run(
        "check",
        *write(
            """
            [devices.r1]
            driver = "parmiko"
            [devices.r2]
            key_filename = "nowhere"
            [devices.r3]
            known_hosts = "nowhere"
            [devices.r4]
            """
        ),
    )

    assert code == Exit.DRIVER
    r1, r2, r3 = out.splitlines()
    assert r1.startswith("r1: failed: driver 'parmiko': no installed package")
    assert "did you mean 'paramiko'" in r1
    assert r2.startswith("r2: failed: private key ")
    assert r2.endswith("nowhere: there is no such file")
    assert r3.startswith("r3: failed: known_hosts: ")


def test_the_outcomes_as_json(run, one_device):
    code, out, _ = run("check", "--connect", "--json", *one_device)

    (device,) = json.loads(out)["devices"]
    assert code == 0
    assert device["name"] == "r1"
    assert device["ok"] is True
    assert device["framing"] == "chunked"


def test_a_terminal_gets_a_table(run, one_device, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    code, out, _ = run("check", "--connect", *one_device)

    assert code == 0
    assert "\x1b[" in out
    assert "r1: ok" not in out


def test_a_device_that_there_is_not(run, one_device):
    code, _, err = run("check", "r2", *one_device)

    assert code == Exit.USAGE
    assert "'r2' is no device; there are r1" in err


def test_without_an_inventory_it_is_said_where_one_is_looked_for(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, err = run("check")

    assert code == Exit.USAGE
    assert "there is none; it is looked for as $NCWIRE_CONFIG, or else ncwire.toml" in err


# --- devices -----------------------------------------------------------------------------------


def test_the_devices_are_listed(run, one_device, server):
    code, out, err = run("devices", *one_device)

    assert (code, err) == (0, "")
    assert out == f"r1  {server.host}  {server.port}  {server.username}  -  -  -\n"


def test_verbose_tells_each_value_with_its_origin_and_the_driver_with_the_reason(
    run, write, monkeypatch
):
    monkeypatch.delenv("NCWIRE_DRIVER", raising=False)
    code, out, _ = run(
        *("devices", "-v"),
        *write(
            """
            [groups.lab]
            password = {command = ["pass", "show", "lab"]}
            driver = ["nowhere", "paramiko"]
            [devices.r1]
            groups = "lab"
            [devices.r2]
            """
        ),
    )

    assert code == 0
    lines = [line.strip() for line in out.splitlines()]
    assert "password = command pass  (groups.lab, line 3)" in lines
    assert "host = r1  (the device's name, line 5)" in lines
    assert (
        "driver taken = paramiko  (groups.lab, line 4; nowhere passed over: no installed "
        "package registers it)" in lines
    )
    assert "driver taken = paramiko  (the default)" in lines


def test_the_devices_as_json(run, one_device):
    code, out, _ = run("devices", "--json", *one_device)

    (device,) = json.loads(out)["devices"]
    assert code == 0
    assert device["settings"]["password"]["value"] == "environment variable SECRET"
    assert device["driver"]["name"]


# --- the other commands ------------------------------------------------------------------------


@pytest.mark.parametrize("command", [["hello"], ["probe"], ["rpc", "--get"]], ids=lambda c: c[0])
def test_a_command_takes_a_name_of_the_inventory(run, one_device, command):
    code, out, err = run(*command, "r1", *one_device, "--no-prompt")

    assert (code, err) == (0, "")
    assert out


def test_options_win_over_the_inventory(run, one_device, monkeypatch):
    monkeypatch.setenv("OTHER", "wrong")
    for options in (["-l", "nobody"], ["--password-env", "OTHER"]):
        code, _, err = run("hello", "r1", *one_device, "--no-prompt", *options)
        assert code == Exit.AUTHENTICATION, err
    assert run("hello", "nobody@r1", *one_device, "--no-prompt")[0] == Exit.AUTHENTICATION
    assert run("hello", "r1", *one_device, "--no-prompt", "-p", "1")[0] == Exit.CONNECTION


def test_a_host_that_is_not_in_the_inventory_is_a_host(run, one_device, login):
    assert run("hello", *login, *one_device)[0] == 0


def test_a_secret_that_cannot_be_had_is_told(run, one_device, monkeypatch):
    monkeypatch.delenv("SECRET")
    code, out, err = run("hello", "r1", *one_device, "--no-prompt")

    assert (code, out) == (Exit.AUTHENTICATION, "")
    assert err == "ncwire: secret: environment variable SECRET: there is no such variable\n"


def test_what_needs_no_secret_is_probed_without(run, one_device, monkeypatch):
    monkeypatch.delenv("SECRET")
    code, out, err = run("probe", "r1", *one_device, "--no-prompt", "--no-login")

    assert (code, err) == (0, "")
    assert "host key: ssh-ed25519  known" in out


@pytest.mark.parametrize("place", ["environment", "folder", "user", "xdg"])
def test_the_inventory_is_found_in_its_places(run, one_device, home, tmp_path, monkeypatch, place):
    text = (tmp_path / "ncwire.toml").read_text()
    folders = {
        "environment": tmp_path / "elsewhere",
        "folder": tmp_path / "work",
        "user": home / ".config" / "ncwire",
        "xdg": tmp_path / "xdg" / "ncwire",
    }
    for each in folders.values():
        each.mkdir(parents=True)
    path = folders[place] / "ncwire.toml"
    path.write_text(text)
    path.chmod(0o644)
    monkeypatch.chdir(folders["folder"])
    if place == "environment":
        monkeypatch.setenv("NCWIRE_CONFIG", str(path))
    if place == "xdg":
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))

    code, out, err = run("devices")

    assert (code, err) == (0, "")
    assert out.startswith("r1  ")
