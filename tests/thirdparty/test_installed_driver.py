"""What any stranger's driver gets, from its wheel on, in a virtual environment of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
PACKAGE = Path(__file__).parent / "ncwire-asyncssh"

pytestmark = [pytest.mark.sshd, pytest.mark.exhaustive, pytest.mark.timeout(600)]


def run(*command: object, **options) -> subprocess.CompletedProcess[str]:
    # With PYTHONPATH, pip would find the repository's own metadata there, and install nothing.
    ours = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    options.setdefault("env", ours)
    return subprocess.run(
        [str(part) for part in command], check=False, capture_output=True, text=True, **options
    )


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with ncwire and the driver, both installed from wheels."""
    folder = tmp_path_factory.mktemp("thirdparty")
    # Copied, so that building leaves nothing in the repository.
    leftovers = shutil.ignore_patterns("build", "*.egg-info", "__pycache__", ".*")
    shutil.copytree(PACKAGE, folder / "package", ignore=leftovers)
    for name in ("core", "drivers"):
        shutil.copytree(REPOSITORY / name, folder / "ncwire" / name, ignore=leftovers)
    for name in ("setup.cfg", "pyproject.toml", "README.rst", "LICENSE"):
        shutil.copy(REPOSITORY / name, folder / "ncwire")
    wheels = folder / "wheels"
    for source in ("ncwire", "package"):
        built = run(
            *(sys.executable, "-m", "pip", "wheel", "--no-deps", "-w", wheels, folder / source)
        )
        assert built.returncode == 0, built.stderr
    made = run(sys.executable, "-m", "venv", folder / "venv")
    assert made.returncode == 0, made.stderr
    python = folder / "venv" / "bin" / "python"
    installed = run(python, "-m", "pip", "install", *sorted(wheels.glob("*.whl")))
    assert installed.returncode == 0, installed.stderr
    return python


@pytest.fixture
def ncwire(python: Path):
    """Run the command of that environment."""

    def ncwire(*arguments: object, **options) -> subprocess.CompletedProcess[str]:
        environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return run(python, "-m", "ncwire", *arguments, env=environment, cwd="/", **options)

    return ncwire


@pytest.fixture
def login(sshd) -> list[object]:
    return [
        *("--driver", "asyncssh", "-F", "none", "-p", sshd.port, "-l", sshd.user),
        *("-i", sshd.client_key, "--known-hosts", sshd.known_hosts, sshd.host),
    ]


def test_it_is_listed_beside_the_others(ncwire):
    listed = ncwire("drivers", "--json")
    drivers = {each["name"]: each for each in json.loads(listed.stdout)}
    assert drivers["asyncssh"]["status"] == "ok"
    assert drivers["asyncssh"]["distribution"] == "ncwire-asyncssh"
    assert drivers["asyncssh"]["library"].startswith("asyncssh ")
    assert drivers["paramiko"]["status"] == "ok"
    # ssh2-python is not installed there: listed all the same, with what mends it.
    assert drivers["libssh2"]["status"] == "unavailable"
    assert "ncwire[libssh2]" in drivers["libssh2"]["remedy"]


def test_it_takes_part_in_the_demo(ncwire):
    demo = ncwire("demo")
    assert demo.returncode == 0, demo.stderr
    assert "edited with driver asyncssh" in demo.stdout


def test_it_takes_part_in_the_benchmark_with_no_code_for_it(ncwire):
    done = ncwire(
        *("bench", "--rounds", "1", "--seconds", "0.01", "--connections", "1"),
        *("--sizes", "0", "1M", "--floor", "--json", "-"),
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    for event in result["measured"]:
        assert {"asyncssh", "paramiko"} <= event["batches"].keys()
    absent = {each["name"]: each["reason"] for each in result["absent"]}
    assert "ncwire[libssh2]" in absent["libssh2"]
    assert "asyncssh" not in absent
    assert "floor/asyncssh" in absent


def test_it_does_the_main_job(ncwire, login):
    hello = ncwire("hello", *login)
    assert hello.returncode == 0, hello.stderr
    assert "session-id" in hello.stdout
    done = ncwire("rpc", *login, "-", input="<echo><x>é</x></echo>")
    assert done.returncode == 0, done.stderr
    assert "<x>é</x>" in done.stdout


def test_an_unknown_host_key_is_refused(ncwire, login, tmp_path):
    empty = tmp_path / "known_hosts"
    empty.touch()
    login[login.index("--known-hosts") + 1] = empty
    refused = ncwire("hello", *login)
    assert refused.returncode in {3, 5}
    assert "host key" in refused.stderr.lower()


def test_without_it_the_others_work_on(python, ncwire, login):
    removed = run(python, "-m", "pip", "uninstall", "-y", "ncwire-asyncssh")
    assert removed.returncode == 0, removed.stderr
    drivers = [each["name"] for each in json.loads(ncwire("drivers", "--json").stdout)]
    assert "asyncssh" not in drivers
    assert {"libssh2", "paramiko"} <= set(drivers)
    gone = ncwire("hello", *login)
    assert gone.returncode == 7
    assert "asyncssh" in gone.stderr
    login[login.index("--driver") + 1] = "paramiko"
    assert ncwire("hello", *login).returncode == 0
