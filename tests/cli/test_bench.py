"""`ncwire bench`: drivers compared, with a server of its own and on a device."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import pty
import re
import signal
import textwrap
import threading
from pathlib import Path

import pytest
from rich.console import Console

from ncwire.bench import embedded, record, subsystem
from ncwire.cli import bench_tables
from ncwire.cli.failures import Exit
from ncwire.testing import EmbeddedServer
from servers import requirement

PASSWORD = "correct horse"  # what the variable SECRET holds, see conftest.py
TINY = ["--rounds", "2", "--seconds", "0.01", "--connections", "2"]
MEASURES = {"connect", "latency", "pipelined", "throughput", "memory"}
MARK = "NCWIRE_BENCH_MARK"

FLAKY = """
from ncwire.errors import SSHError
from ncwire_paramiko import ParamikoDriver

class Flaky(ParamikoDriver):
    name = "flaky"
    contract = (1, 0)
    connects = 0

    def handshake(self, *args, **kwargs):
        Flaky.connects += 1
        if Flaky.connects > 1:
            raise SSHError("the second one\\x1b[31m fails")
        return super().handshake(*args, **kwargs)
"""
MISSING = """
from ncwire.errors import DriverUnavailable
from ncwire_paramiko import ParamikoDriver

class Missing(ParamikoDriver):
    name = "missing"
    contract = (1, 0)

    @classmethod
    def check_available(cls):
        raise DriverUnavailable("missing", "its wire is not installed", "pip install wire")
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a third party's driver: its metadata and one module, in a folder of the path."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def install(name: str, source: str) -> None:
        (tmp_path / f"bench_{name}.py").write_text(textwrap.dedent(source))
        metadata = tmp_path / f"bench_{name}-1.5.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Name: bench-{name}\nVersion: 1.5\n")
        points = f"[ncwire.drivers]\n{name} = bench_{name}:{name.title()}\n"
        (metadata / "entry_points.txt").write_text(points)

    return install


@pytest.fixture
def device(login):
    """The arguments that lead to a device, HOST first."""
    return login


@pytest.fixture
def left_behind(monkeypatch):
    """Return the pids of the processes that what this test starts has started, and still run."""
    mark = f"{MARK}={os.getpid()}-{id(monkeypatch)}".encode()
    name, _, value = mark.decode().partition("=")
    monkeypatch.setenv(name, value)

    def pids() -> list[int]:
        found = []
        for each in Path("/proc").glob("[0-9]*/environ"):
            try:
                marked = mark in each.read_bytes().split(b"\0")
            except OSError:
                continue
            if marked:
                found.append(int(each.parent.name))
        return found

    return pids


def document(out: str) -> dict:
    return json.loads(out)


@pytest.mark.parametrize("server", [pytest.param("sshd", marks=pytest.mark.sshd), "embedded"])
def test_every_driver_is_measured_at_everything(run, server, left_behind):
    if server == "sshd":
        requirement.program("sshd", "openssh-server")

    code, out, err = run(
        "bench", *TINY, "--rounds", "1", "--server", server, "--sizes", "0", "1M", "--json", "-"
    )

    result = document(out)
    assert (code, err) == (0, "")
    assert result["schema"] == record.SCHEMA
    assert result["server"]["kind"] == server
    assert result["complete"]
    assert {each["name"] for each in result["contestants"]} >= {"paramiko"}
    assert {each["measure"] for each in result["measured"]} == MEASURES
    for event in result["measured"]:
        assert event["batches"].keys() == {each["name"] for each in result["contestants"]}
        assert event["ratios"][event["fastest"]]["median"] == 1
        for batches in event["batches"].values():
            assert len(batches) == 1
            assert all(batch[event["leading"]] != 0 for batch in batches)
    assert {"python", "kernel", "cores", "openssh", "libraries"} <= result["machine"].keys()
    assert left_behind() == []


@pytest.mark.sshd
def test_without_a_server_named_it_is_sshd_where_there_is_one(run):
    requirement.program("sshd", "openssh-server")
    code, out, _ = run("bench", *TINY, "--only", "latency", "--sizes", "0")
    assert code == 0
    assert out.startswith("Server: sshd (OpenSSH")


def test_without_sshd_it_is_the_embedded_server_which_says_so(run, monkeypatch, tmp_path):
    # Whoever has no sshd has none beside PATH either: one that cannot start is as good as none.
    sshd = tmp_path / "sshd"
    sshd.write_text("#!/bin/sh\necho no privilege >&2\nexit 1\n")
    sshd.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    code, out, _ = run("bench", *TINY, "--only", "latency", "--sizes", "0")

    assert code == 0
    assert out.startswith("Server: ncwire's embedded server")
    assert "did not start: no privilege" in " ".join(out.split())

    code, _, err = run("bench", *TINY, "--server", "sshd")
    assert code == Exit.CONNECTION
    assert "no privilege" in err


@pytest.mark.sshd
def test_where_sshd_runs_but_lets_nobody_in_it_is_the_embedded_server(run, monkeypatch, tmp_path):
    real = requirement.program("sshd", "openssh-server")
    sshd = tmp_path / "sshd"
    sshd.write_text(f'#!/bin/sh\nexec {real} "$@" -o "DenyUsers *"\n')
    sshd.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    code, out, _ = run("bench", *TINY, "--only", "latency", "--sizes", "0")

    assert code == 0
    assert out.startswith("Server: ncwire's embedded server")
    assert "does not let this user in" in " ".join(out.split())


def test_the_table_has_the_figures_and_what_they_were_measured_on(run):
    code, out, err = run(
        "bench", *TINY, "--rounds", "1", "--server", "embedded", "--sizes", "0", "10k", "1M"
    )

    assert (code, err) == (0, "")
    for title in MEASURES:
        assert re.search(rf"^{title}: ", out, re.MULTILINE)
    assert re.search(r"empty reply +\w+ +[\d ]+", out)
    assert "10 kB" in out
    assert "1 MB" in out
    assert re.search(r"paramiko: ncwire \S+, paramiko \d", out)
    assert "\x1b" not in out


def test_a_narrow_terminal_has_fewer_columns_and_whole_figures():
    rounds = [dict.fromkeys(("p50", "p95", "p99", "wall", "cpu"), 0.0123456)] * 3
    names = ("floor/libssh2", "floor/paramiko")
    made = record.Record(
        made="now",
        server={"kind": "sshd", "about": "sshd"},
        settings={"rounds": 3.0, "seconds": 1.0},
        machine={"libraries": {}, "python": "", "openssh": "", "kernel": "", "cores": 2},
        contestants=[record.Contestant(name, record.DRIVER) for name in names],
        measured=[record.Measured("latency", 10_000, dict.fromkeys(names, rounds))],
    )
    shown = {}
    for width in (120, 100, 80):
        out = io.StringIO()
        bench_tables.show(made, made, Console(file=out, width=width))
        shown[width] = out.getvalue()
        assert max(map(len, shown[width].splitlines())) <= width
        assert "…" not in shown[width]
        assert len(re.findall(r"\b12346\b", shown[width])) >= 4
        assert shown[width].count("+0 %") == 2
    assert "rpc/s" in shown[120]
    assert "rpc/s" not in shown[80]


@pytest.mark.sshd
def test_the_floor_has_the_bare_libraries_and_ssh(run):
    requirement.program("sshd", "openssh-server")
    requirement.program("ssh", "openssh-client")
    code, out, _ = run(
        "bench", *TINY, "--floor", "--drivers", "paramiko", "--only", "latency,pipelined",
        "--sizes", "0", "--json", "-",
    )  # fmt: skip

    result = document(out)
    assert code == 0
    kinds = {each["name"]: each["kind"] for each in result["contestants"]}
    assert kinds == {"paramiko": "driver", "floor/paramiko": "floor", "ssh -s": "program"}
    assert {"name": "floor/libssh2", "reason": "the driver libssh2 takes no part"} in (
        result["absent"]
    )
    by_measure = {each["measure"]: each for each in result["measured"]}
    assert by_measure["latency"]["batches"].keys() == kinds.keys()
    assert by_measure["pipelined"]["batches"].keys() == {"paramiko"}


def test_a_driver_that_fails_on_the_way_is_told_and_the_others_go_on(run, install):
    install("flaky", FLAKY)
    code, out, err = run(
        "bench", *TINY, "--server", "embedded", "--drivers", "flaky", "paramiko",
        "--only", "latency,memory", "--sizes", "0", "10",
    )  # fmt: skip

    assert code == Exit.DRIVER
    assert "flaky failed: SSHError: the second one\\x1b[31m fails" in " ".join(out.split())
    assert "flaky failed" in err
    assert len(re.findall(r"^(?:\S.*)? flaky +\d", out, re.MULTILINE)) == 2  # both of latency
    assert re.search(r"^paramiko +\d+ +\d+ +1\.00", out, re.MULTILINE)  # memory, alone
    assert "flaky: bench-flaky 1.5, paramiko" in out


def test_a_driver_that_is_not_available_is_listed_with_the_reason(run, install):
    install("missing", MISSING)
    arguments = [*TINY, "--server", "embedded", "--only", "latency", "--sizes", "0"]

    code, out, _ = run("bench", *arguments)
    assert code == 0
    assert "missing takes no part: its wire is not installed; pip install wire" in out

    code, out, err = run("bench", *arguments, "--drivers", "missing")
    assert (code, out) == (Exit.DRIVER, "")
    assert "its wire is not installed" in err


def test_a_driver_that_nobody_knows_is_refused(run):
    code, out, err = run("bench", "--drivers", "nonesuch")
    assert (code, out) == (Exit.DRIVER, "")
    assert "nonesuch" in err


def test_a_run_is_kept_and_compared(run, tmp_path):
    kept = tmp_path / "before.json"
    arguments = [*TINY, "--only", "latency", "--sizes", "0"]
    code, out, _ = run("bench", *arguments, "--server", "embedded", "--save", str(kept))
    assert code == 0
    assert "change" not in out
    assert record.load(kept).complete

    # Ten times as long then as it can be now.
    before = json.loads(kept.read_text())
    for batches in before["measured"][0]["batches"].values():
        for batch in batches:
            batch["p50"] = 1000.0
    before["machine"]["libraries"]["paramiko"] = "0.1"
    kept.write_text(json.dumps(before))
    # The server is the one of the run that it is compared with.
    code, out, _ = run("bench", *arguments, "--compare", str(kept))
    assert code == 0
    assert "ncwire's embedded server" in out
    assert re.search(r"paramiko .* -100 % \*$", out, re.MULTILINE)
    assert "not the same: paramiko: 0.1 then" in out

    before["server"]["kind"] = "sshd"
    kept.write_text(json.dumps(before))
    code, out, err = run("bench", *TINY, "--compare", str(kept), "--server", "embedded")
    assert (code, out) == (Exit.USAGE, "")
    assert err.startswith("ncwire: --compare: that run was against another server")


@pytest.mark.parametrize("name", ["bench.svg", "bench.png"])
def test_a_plot_is_drawn(run, tmp_path, name):
    if importlib.util.find_spec("matplotlib") is None:
        requirement.missing("matplotlib is not installed: pip install 'ncwire[plot]'")
    code, _, err = run(
        "bench", *TINY, "--server", "embedded", "--only", "latency", "--plot", str(tmp_path / name)
    )
    assert (code, err) == (0, "")
    assert (tmp_path / name).stat().st_size > 1000


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--plot", "bench.pdf"], "ends in .png or .svg"),
        (["--save", "no/such/folder/x.json"], "there is no such folder"),
        (["--json", "."], "this is a folder"),
        (["--compare", "none.json"], "No such file"),
        (["--only", "beauty"], "'beauty' is none of connect"),
        (["--sizes", "much"], "'much' is no size"),
        (["--sizes", "-1"], "'-1' is no size"),
        (["--sizes", "nan"], "'nan' is no size"),
        (["--rounds", "0"], "no whole number of 1 or more"),
        (["--only", "throughput", "--sizes", "0"], "nothing to measure"),
        (["--get-config", "running"], "--get-config: is for a device"),
        (["-p", "22"], "-p: is for a device"),
        (["r1", "--floor"], "--floor: is for a server that bench starts"),
        (["r1", "--sizes", "0"], "--sizes: is for a server that bench starts"),
        (["r1", "--server", "sshd"], "--server: is for a server that bench starts"),
    ],
)
def test_what_cannot_be_done_is_told_before_anything_is_measured(
    run, monkeypatch, tmp_path, arguments, told
):
    monkeypatch.chdir(tmp_path)
    code, out, err = run("bench", *arguments)
    assert (code, out) == (Exit.USAGE, "")
    assert told in err


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


def test_what_lies_in_the_working_folder_is_not_imported(run, monkeypatch, tmp_path):
    (tmp_path / "json.py").write_text("raise SystemExit('imported')")
    monkeypatch.chdir(tmp_path)
    code, _, err = run("bench", *TINY, "--server", "embedded", "--only", "connect")
    assert (code, err) == (0, "")


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
    assert "this is no XML" in err


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


@pytest.mark.parametrize("server", [pytest.param("sshd", marks=pytest.mark.sshd), "embedded"])
def test_ctrl_c_shows_what_was_measured_and_leaves_nothing_behind(start, server, left_behind):
    if server == "sshd":
        requirement.program("sshd", "openssh-server")
    terminal, stderr = pty.openpty()
    process = start(
        [
            "bench", "--rounds", "10000", "--seconds", "0.05", "--only", "latency",
            "--sizes", "0", "--server", server, "--floor",
        ],
        stderr=stderr,
        start_new_session=True,
    )  # fmt: skip
    os.close(stderr)
    shown = b""
    while not re.search(rb"[1-9]\d*/\d{5}", shown):  # the bar counts turns
        shown += os.read(terminal, 4096)
    # As a terminal does: to all of its group.
    os.killpg(process.pid, signal.SIGINT)
    while more := _read(terminal):
        shown += more
    out, _ = process.communicate(timeout=60)
    os.close(terminal)

    assert process.returncode == Exit.INTERRUPTED
    assert b"latency: " in out
    assert b"Broken off" in out
    assert b"ncwire: interrupted" in shown
    assert b"Traceback" not in out + shown
    assert left_behind() == []


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # EIO: nobody has the other end any more
        return b""


def test_ctrl_c_before_anything_was_measured_shows_no_table(start, left_behind):
    process = start(
        ["bench", "--seconds", "600", "--only", "latency", "--server", "embedded"],
        start_new_session=True,
    )
    while not any(_is_worker(pid) for pid in left_behind()):
        assert process.poll() is None
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)

    assert process.returncode == Exit.INTERRUPTED
    assert (out, err) == (b"", b"ncwire: interrupted\n")
    assert left_behind() == []


def _is_worker(pid: int) -> bool:
    try:
        return b"ncwire.bench.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
