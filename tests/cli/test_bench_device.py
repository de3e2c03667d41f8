"""`ncwire bench` on a device: what it is asked, one session at a time, and nothing changed."""

from __future__ import annotations

import threading

import pytest
from benching import TINY, document

import optioned_driver
from ncwire._cli.failures import Exit
from ncwire.bench import embedded, record, subsystem
from ncwire.testing import EmbeddedServer

PASSWORD = "correct horse"  # what the variable SECRET holds, see conftest.py


@pytest.fixture
def device(login):
    """The arguments that lead to a device, HOST first."""
    return login


def test_a_device_is_read_one_session_at_a_time(run, device, server, tmp_path):
    kept = tmp_path / "r1.json"
    code, out, err = run("bench", *device, *TINY, "--save", str(kept))

    result = record.load(kept)
    assert code == 0
    assert {event.measure for event in result.measured} == {"connect", "latency"}
    assert result.server["operation"].startswith("<get-config>")
    assert f"2 times from each driver ({', '.join(result.drivers())})" in err
    assert "up to 2 connections" in err
    assert "nothing is changed" in err
    assert f"Server: {server.username}@{server.host}, port {server.port}" in out
    assert "correct horse" not in kept.read_text() + out + err
    assert server.sessions == 0


@pytest.mark.exhaustive
def test_a_device_never_has_two_sessions(run, tmp_path):
    count = Counted()
    with EmbeddedServer(script=count.serve, password=PASSWORD) as server:
        server.write_known_hosts(tmp_path / "known_hosts")
        code, _, _ = run(
            "bench", f"{server.username}@{server.host}", "-p", str(server.port), "--no-prompt",
            "--known-hosts", str(tmp_path / "known_hosts"), "--password-env", "SECRET", *TINY,
        )  # fmt: skip
    assert code == 0
    assert count.all > 2
    assert count.most == 1


class Counted:
    """Counts sessions from their start to the client's <close-session>, whose answer it awaits."""

    def __init__(self) -> None:
        self.all = self.now = self.most = 0
        self._lock = threading.Lock()

    def serve(self, stream) -> None:
        with self._lock:
            self.all += 1
            self.now += 1
            self.most = max(self.most, self.now)
        embedded.serve(_Overheard(stream, self))

    def farewell(self) -> None:
        with self._lock:
            self.now -= 1


class _Overheard:
    def __init__(self, stream, count: Counted) -> None:
        self._stream = stream
        self._count = count
        self.send, self.close = stream.send, stream.close

    def recv(self, size: int) -> bytes:
        data = self._stream.recv(size)
        if subsystem.CLOSE in data:
            self._count.farewell()
        return data


@pytest.mark.exhaustive
def test_a_device_of_the_inventory_has_its_profile_and_its_password(
    run, server, known_hosts, tmp_path
):
    inventory = tmp_path / "ncwire.toml"
    inventory.write_text(f"""
[profiles.own]
description = "of a test"
base = ["1.0"]

[devices.r1]
host = "{server.host}"
port = {server.port}
username = "{server.username}"
password = {{ env = "SECRET" }}
known_hosts = "{known_hosts}"
profile = "own"
""")
    code, out, err = run(
        "bench", "r1", "--inventory", str(inventory), "--no-prompt", *TINY, "--rounds", "1",
        "--json", "-",
    )  # fmt: skip
    assert code == 0, err
    result = document(out)
    assert result["server"]["about"].startswith("r1, port")
    for event in result["measured"]:
        assert event["batches"].keys() == {each["name"] for each in result["contestants"]}
    assert PASSWORD not in out + err


@pytest.mark.exhaustive
def test_each_driver_has_the_options_that_it_has(run, device, tmp_path, monkeypatch):
    # In its own process it has no entry point, and no turn: it is what was tried first that tells.
    told = optioned_driver.install(tmp_path, monkeypatch)
    code, _, err = run("bench", *device, *TINY, "--drivers", "optioned", "-O", "depth=13")
    assert (code, told) == (Exit.USAGE, [{"depth": 13, "mode": "a"}])
    assert "13 does not go with this" in err

    code, _, err = run("bench", *device, *TINY, "-O", "colour=red")
    assert code == Exit.USAGE
    assert "driver_options.colour: none of the drivers has such an option: libssh2, " in err


@pytest.mark.exhaustive
def test_the_driver_may_be_named_by_a_url(run, login):
    destination, _, port, *more = login
    where = f"netconf+paramiko://{destination}:{port}"
    code, out, err = run(
        "bench", where, *more, *TINY, "--only", "latency", "--rounds", "1", "--json", "-"
    )
    assert code == 0, err
    assert [each["name"] for each in document(out)["contestants"]] == ["paramiko"]
    code, _, err = run("bench", where, *more, *TINY, "--drivers", "libssh2")
    assert code == Exit.USAGE
    assert "--drivers: the URL names the driver already" in err


def test_a_device_may_be_asked_for_its_configuration(run, device):
    code, out, _ = run(
        "bench", *device, *TINY, "--get-config", "running", "--only", "latency,pipelined",
        "--drivers", "paramiko", "--json", "-",
    )  # fmt: skip
    assert code == 0
    result = document(out)
    assert result["server"]["operation"] == (
        "<get-config><source><running/></source></get-config>"
    )
    assert [each["measure"] for each in result["measured"]] == ["latency", "pipelined"]


@pytest.mark.parametrize(
    "operation",
    [
        "<edit-config/>",
        "<commit/>",
        '<x:lock xmlns:x="urn:ietf:params:xml:ns:netconf:base:1.0"/>',
        "<!-- <get/> --><kill-session/>",
        "<getaway/>",
    ],
)
def test_a_device_is_never_sent_what_could_change_it(run, device, tmp_path, operation):
    file = tmp_path / "operation.xml"
    file.write_text(operation)
    code, out, err = run("bench", *device, *TINY, "--rpc", str(file))
    assert (code, out) == (Exit.USAGE, "")
    assert "is not sent" in err


@pytest.mark.parametrize("text", ["<get", "", "<get/><commit/>", "<!DOCTYPE a><get/>"])
def test_an_operation_that_is_no_xml_is_told(run, device, tmp_path, text):
    file = tmp_path / "operation.xml"
    file.write_text(text)
    code, _, err = run("bench", *device, *TINY, "--rpc", str(file))
    assert code == Exit.USAGE
    assert err.startswith(f"ncwire: {file}: ")


def test_an_rpc_that_the_device_refuses_is_not_measured(run, device, tmp_path):
    file = tmp_path / "operation.xml"
    file.write_text('<?xml version="1.0"?><get-nothing/>')
    code, out, err = run("bench", *device, *TINY, "--rpc", str(file))
    assert code == Exit.RPC_ERROR
    assert "operation-not-supported" in out
    assert "refuses the rpc" in err


def test_a_device_that_does_not_answer_is_told_as_ever(run, known_hosts):
    with EmbeddedServer.spawn() as server:
        port = server.port
    code, out, err = run(
        "bench", "127.0.0.1", "-p", str(port), "--known-hosts", known_hosts, "--no-prompt"
    )
    assert (code, out) == (Exit.CONNECTION, "")
    assert "connect" in err
