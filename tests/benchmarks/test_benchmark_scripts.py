"""Each benchmark still runs; that its figures are right, nothing as short as this can tell."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from servers import requirement

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
TINY = ["--rounds", "2", "--seconds", "0.01"]


def run(script: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, BENCHMARKS / script, *arguments],
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | {"COLUMNS": "200"},
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def openssh():
    requirement.program("sshd", "openssh-server")
    requirement.program("ssh", "openssh-client")


@pytest.mark.sshd
@pytest.mark.parametrize(
    ("command", "sizes", "drivers"),
    [
        pytest.param(
            "latency", ["0", "10k"], ["libssh2", "paramiko"], marks=pytest.mark.exhaustive
        ),
        pytest.param("throughput", ["1M", "2M"], ["paramiko"], marks=pytest.mark.exhaustive),
        pytest.param("layers", ["0", "1M"], ["libssh2"], marks=pytest.mark.exhaustive),
        pytest.param("floors", ["0"], ["libssh2"], marks=pytest.mark.exhaustive),
    ],
)
def test_compare(openssh, tmp_path, command, sizes, drivers):
    file = tmp_path / "results.json"
    options = ["--sizes", *sizes, "--drivers", *drivers, "--json", str(file)]
    out = run("compare.py", command, *TINY, *options)
    results = json.loads(file.read_text())
    names = {name for event in results["measured"] for name in event["batches"]}
    assert {f"floor/{driver}" for driver in drivers} < names
    for event in results["measured"]:
        for name, batches in event["batches"].items():
            assert name in out
            assert len(batches) == 2
            assert all(batch["count"] > 0 and batch["p50"] > 0 for batch in batches)


@pytest.mark.sshd
@pytest.mark.exhaustive
def test_sessions(openssh, tmp_path):
    file = tmp_path / "results.json"
    run(
        "sessions.py", "--sessions", "4", "--rounds", "1", "--seconds", "0.2",
        "--streamed", "1000000", "--json", str(file),
    )  # fmt: skip
    figures = json.loads(file.read_text())["figures"]
    assert {"floor/libssh2", "threads/libssh2"} <= figures.keys()
    for each in figures.values():
        assert each["busy, count"][0] > 4
        assert each["streaming, count"][0] > 4


@pytest.mark.sshd
def test_a_contestant_that_fails_is_named_with_its_error(openssh):
    done = subprocess.run(
        [sys.executable, BENCHMARKS / "compare.py", "latency", *TINY, "--drivers", "nonesuch"],
        check=False,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 1
    assert "ncwire/nonesuch: Traceback" in done.stderr
    assert "DriverNotFoundError" in done.stderr


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("script", "arguments"),
    [
        ("framing_linear.py", ["--rounds", "1", "--sizes", "1"]),
        ("rpc_latency.py", ["--rounds", "20"]),
        ("import_time.py", ["--rounds", "1"]),
        ("connect_cycles.py", ["--cycles", "3"]),
    ],
)
def test_script(script, arguments):
    assert run(script, *arguments)


@pytest.mark.sshd
@pytest.mark.exhaustive
def test_managers_of_ncclient(openssh):
    out = run("ncclient_gets.py", "--gets", "4", "--turns", "2", "--driver", "libssh2")
    assert [line.split()[0] for line in out.splitlines()[1:]] == ["ncclient", "libssh2"]
    out = run("ncclient_managers.py", "--managers", "3", "--seconds", "0.2", "--driver", "libssh2")
    names = [line[:16].strip() for line in out.splitlines()[1:]]
    assert names == ["ncclient", "libssh2", "hub libssh2"]


@pytest.mark.exhaustive
def test_restarts():
    requirement.program("sshd", "openssh-server")
    requirement.program("netconfd", "netconfd")
    out = run("restarts.py", "--restarts", "1", "--seconds", "6", "--hub")
    assert "left when all is closed: 0 threads, 0 fds" in out


@pytest.mark.exhaustive
def test_observers():
    out = run("observers.py", *TINY, "--sizes", "0", "--beside", sys.executable)
    for name in ("no observer", "no observer elsewhere", "counting", "a trace", "the log"):
        assert name in out


@pytest.mark.exhaustive
def test_aio():
    drivers = ["--drivers", "unix"]
    assert "unix" in run("aio.py", "latency", *TINY, *drivers)
    assert "10 sessions at once" in run("aio.py", "holds", "--share", "0.01", *drivers)
