"""`ncwire bench` where a driver fails, an argument cannot be, or the user breaks it off."""

from __future__ import annotations

import os
import pty
import re
import signal
import textwrap
from pathlib import Path

import pytest
from benching import TINY

from metadata import write_metadata
from ncwire._cli.failures import Exit
from servers import requirement

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
        points = {name: f"bench_{name}:{name.title()}"}
        write_metadata(tmp_path, f"bench-{name}", "1.5", "ncwire.drivers", **points)

    return install


@pytest.mark.exhaustive
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


@pytest.mark.exhaustive
def test_a_driver_that_is_not_available_is_listed_with_the_reason(run, install):
    install("missing", MISSING)
    arguments = [*TINY, "--server", "embedded", "--only", "latency", "--sizes", "0"]

    code, out, _ = run("bench", *arguments)
    assert code == 0
    assert "missing takes no part: its wire is not installed; pip install wire" in out

    code, out, err = run("bench", *arguments, "--drivers", "missing")
    assert (code, out) == (Exit.DRIVER, "")
    assert "its wire is not installed" in err


def test_a_driver_that_is_not_known_is_refused(run):
    code, out, err = run("bench", "--drivers", "nonesuch")
    assert (code, out) == (Exit.DRIVER, "")
    assert "nonesuch" in err


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


@pytest.mark.parametrize(
    "server", [pytest.param("sshd", marks=[pytest.mark.sshd, pytest.mark.exhaustive]), "embedded"]
)
def test_ctrl_c_shows_what_was_measured_and_leaves_nothing_behind(start, server, left_behind):
    if server == "sshd":
        requirement.program("sshd", "openssh-server")
    terminal, stderr = pty.openpty()
    process = start(
        [
            "bench", "--rounds", "10000", "--seconds", "0.05", "--only", "latency",
            "--sizes", "0", "--server", server, "--drivers", "paramiko", "--floor",
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
    except OSError:  # EIO: no process has the other end any more
        return b""


@pytest.mark.exhaustive
def test_ctrl_c_before_anything_was_measured_shows_no_table(start, left_behind):
    arguments = ["--seconds", "600", "--only", "latency", "--server", "embedded"]
    process = start(["bench", *arguments, "--drivers", "paramiko"], start_new_session=True)
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
