"""A stranger's driver, from its wheel to the main job, in a virtual environment of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from servers import requirement

REPOSITORY = Path(__file__).parents[2]
PACKAGE = Path(__file__).parent / "ncwire-openssh"
MEGABYTE = 1024 * 1024

pytestmark = [pytest.mark.sshd, pytest.mark.timeout(600)]


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
    requirement.program("ssh", "openssh-client")
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
    installed = run(python, "-m", "pip", "install", "pytest", *sorted(wheels.glob("*.whl")))
    assert installed.returncode == 0, installed.stderr
    return python


@pytest.fixture
def ncwire(python: Path, sshd):
    """Run the command of that environment."""

    def ncwire(*arguments: object, **options) -> subprocess.CompletedProcess[str]:
        environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return run(python, "-m", "ncwire", *arguments, env=environment, cwd="/", **options)

    return ncwire


@pytest.fixture
def login(sshd) -> list[object]:
    return [
        *("--driver", "openssh", "-F", "none", "-p", sshd.port, "-l", sshd.user),
        *("-i", sshd.client_key, "--known-hosts", sshd.known_hosts, sshd.host),
    ]


def test_it_is_listed_beside_the_others(ncwire):
    listed = ncwire("drivers", "--json")
    drivers = {each["name"]: each for each in json.loads(listed.stdout)}
    assert drivers["openssh"]["status"] == "ok"
    assert drivers["openssh"]["distribution"] == "ncwire-openssh"
    assert drivers["openssh"]["library"].startswith("OpenSSH")
    assert drivers["paramiko"]["status"] == "ok"
    # ssh2-python is not installed there: listed all the same, with what mends it.
    assert drivers["libssh2"]["status"] == "unavailable"
    assert "ncwire[libssh2]" in drivers["libssh2"]["remedy"]


def test_it_takes_part_in_the_demo(ncwire):
    demo = ncwire("demo")
    assert demo.returncode == 0, demo.stderr
    assert "edited with driver openssh" in demo.stdout


def test_it_takes_part_in_the_benchmark_with_no_code_for_it(ncwire):
    done = ncwire(
        *("bench", "--rounds", "1", "--seconds", "0.01", "--connections", "1"),
        *("--sizes", "0", "1M", "--floor", "--json", "-"),
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    for event in result["measured"]:
        assert {"openssh", "paramiko"} <= event["batches"].keys()
    absent = {each["name"]: each["reason"] for each in result["absent"]}
    assert "ncwire[libssh2]" in absent["libssh2"]
    assert absent.keys() == {"libssh2", "floor/libssh2", "floor/openssh"}


def test_it_does_the_main_job(ncwire, login):
    hello = ncwire("hello", *login)
    assert hello.returncode == 0, hello.stderr
    assert "session-id" in hello.stdout
    done = ncwire("rpc", *login, "-", input="<echo><x>é</x></echo>")
    assert done.returncode == 0, done.stderr
    assert "<x>é</x>" in done.stdout


def test_a_rekey_in_a_large_reply_loses_nothing(ncwire, login, make_sshd):
    server = make_sshd(config="RekeyLimit 1M")
    login[login.index("-p") + 1] = server.port
    login[login.index("--known-hosts") + 1] = server.known_hosts
    size = 100 * MEGABYTE
    done = ncwire("rpc", *login, "-", "--timeout", "110", input=f'<get-bytes n="{size}"/>')
    assert done.returncode == 0, done.stderr
    text = done.stdout[done.stdout.index("<data>") + 6 : done.stdout.index("</data>")]
    pattern = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-\n"
    assert text == (pattern * (size // len(pattern) + 1))[:size]


def test_options_of_ssh_that_ncwire_has_no_parameter_for(python, sshd):
    program = """
import sys, ncwire
from ncwire_openssh import with_options
port, user, key, known_hosts = sys.argv[1:]
with ncwire.connect("127.0.0.1", port=int(port), username=user, key_filename=key,
                    known_hosts=known_hosts, driver=with_options(Compression="yes")) as session:
    print(session.rpc("<echo><y/></echo>").raw)
"""
    done = run(python, "-c", program, sshd.port, sshd.user, sshd.client_key, sshd.known_hosts)
    assert done.returncode == 0, done.stderr
    assert "<y/>" in done.stdout


def test_an_unknown_host_key_is_refused(ncwire, login, tmp_path):
    empty = tmp_path / "known_hosts"
    empty.touch()
    login[login.index("--known-hosts") + 1] = empty
    refused = ncwire("hello", *login)
    assert refused.returncode in {3, 5}
    assert "host key" in refused.stderr.lower()


def test_it_keeps_every_rule_that_binds_it(ncwire, tmp_path):
    report = tmp_path / "report.json"
    done = ncwire("conform", "openssh", "--json", report)
    assert done.returncode == 0, done.stdout
    (table,) = json.loads(report.read_text(encoding="utf-8"))
    outcomes = [each["outcome"] for each in table["rules"].values()]
    assert outcomes.count("failed") == 0
    assert outcomes.count("passed") > 50


def test_without_it_the_others_work_on(python, ncwire, login):
    removed = run(python, "-m", "pip", "uninstall", "-y", "ncwire-openssh")
    assert removed.returncode == 0, removed.stderr
    drivers = [each["name"] for each in json.loads(ncwire("drivers", "--json").stdout)]
    assert "openssh" not in drivers
    assert {"libssh2", "paramiko"} <= set(drivers)
    gone = ncwire("hello", *login)
    assert gone.returncode == 7
    assert "openssh" in gone.stderr
