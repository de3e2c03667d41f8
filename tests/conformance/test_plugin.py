"""The plugin in other people's pytest, and the command."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

PATH = os.pathsep.join(filter(None, sys.path))
MEMORY = "ncwire.testing.memory:MemoryDriver"


def run(folder, *command):
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": PATH},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def run_pytest(folder, *arguments):
    return run(folder, "-m", "pytest", "-p", "ncwire_pytest", "-p", "no:cacheprovider", *arguments)


@pytest.fixture
def project(tmp_path):
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers\n")
    (tmp_path / "test_own.py").write_text("def test_own():\n    pass\n")
    return tmp_path


def test_the_plugin_loads_nothing_of_ncwire_until_it_is_asked(tmp_path):
    code = "import sys, ncwire_pytest; print([m for m in sys.modules if m.startswith('ncwire')])"

    assert run(tmp_path, "-c", code).stdout == "['ncwire_pytest']\n"


def test_an_ordinary_run_is_as_it_was(project):
    (project / "conftest.py").write_text(
        "import sys\n"
        "def pytest_unconfigure():\n"
        "    assert not [m for m in sys.modules if m.startswith('ncwire.')]\n"
    )
    done = run_pytest(project)

    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout
    assert "ncwire conformance" not in done.stdout


def test_the_option_alone_runs_the_kit_and_nothing_else(project):
    done = run_pytest(
        project, f"--ncwire-driver={MEMORY}", "--ncwire-target=plain", "-k", "open or own"
    )

    assert done.returncode == 0, done.stdout
    assert "ncwire conformance: driver memory (memory), written for contract 1.0" in done.stdout
    assert "test_own" not in done.stdout
    assert "open.connects" in done.stdout
    assert "does not apply: the driver speaks no SSH" in done.stdout


OVER_PLAIN = """
from ncwire.testing.memory import MemoryDriver
class Stated(MemoryDriver):
    contract = (1, 0)
    transport = "{}"
"""


def test_what_a_driver_is_connected_to_its_transport_says(project):
    (project / "stated.py").write_text(OVER_PLAIN.format("plain"))
    done = run_pytest(project, "--ncwire-driver=stated:Stated", "-k", "open.connects")

    assert done.returncode == 0, done.stdout
    assert "target plain" in done.stdout


@pytest.mark.exhaustive
def test_a_transport_that_there_is_no_server_for_is_said(project):
    (project / "stated.py").write_text(OVER_PLAIN.format("quic"))
    done = run_pytest(project, "--ncwire-driver=stated:Stated", "-k", "open.connects")

    assert done.returncode == 4
    assert "the kit has no server for its transport 'quic', but for ssh, tls, unix" in done.stdout

    done = run_pytest(
        project, "--ncwire-driver=stated:Stated", "--ncwire-target=plain", "-k", "open.connects"
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.exhaustive
def test_with_files_named_the_option_runs_these(project):
    done = run_pytest(project, f"--ncwire-driver={MEMORY}", "test_own.py")

    assert "1 passed" in done.stdout


def test_a_fixture_with_the_driver_is_all_that_an_author_supplies(project):
    (project / "test_own.py").write_text(
        "import pytest\n"
        "from ncwire.testing.conformance.suites import *\n"
        "from ncwire.testing.memory import MemoryDriver\n"
        "@pytest.fixture\n"
        "def ncwire_driver():\n"
        "    return MemoryDriver\n"
        "@pytest.fixture\n"
        "def ncwire_target():\n"
        "    return 'plain'\n"
    )
    done = run_pytest(project, "--ncwire-report=report.json", "-k", "io_read or keepalive_sent")
    (report,) = json.loads((project / "report.json").read_text())

    assert done.returncode == 0, done.stdout
    assert report["rules"]["io.read-none"] == {"outcome": "passed", "reason": ""}
    assert report["rules"]["keepalive.sent"] == {
        "outcome": "skipped",
        "reason": "undeclared feature: keepalive",
    }
    assert "skipped: keepalive.sent: undeclared feature: keepalive" in done.stdout


@pytest.mark.exhaustive
def test_without_the_server_of_another_make_its_rules_are_skipped(project):
    (project / "without_asyncssh.py").write_text(
        "import sys\nsys.modules['asyncssh'] = None  # which makes importing it fail\n"
    )
    done = run_pytest(
        project,
        *("-p", "without_asyncssh", "--ncwire-driver=paramiko", "--ncwire-report=report.json"),
        *("-k", "makes.password or open.connects"),
    )
    (report,) = json.loads((project / "report.json").read_text())

    assert done.returncode == 0, done.stdout
    assert report["rules"]["open.connects"]["outcome"] == "passed"
    assert report["rules"]["makes.password"] == {
        "outcome": "skipped",
        "reason": "AsyncSSH is not installed; install it with: pip install 'ncwire[conformance]'",
    }


def test_without_a_driver_the_kit_says_what_is_missing(project):
    (project / "test_own.py").write_text("from ncwire.testing.conformance.suites import *\n")
    done = run_pytest(project, "-k", "io_read_none")

    assert done.returncode == 1
    assert "define a fixture `ncwire_driver`" in done.stdout


@pytest.mark.parametrize(
    ("name", "told"),
    [("nonesuch", "no installed package registers it"), ("no.such:Driver", "No module named")],
)
def test_a_driver_that_is_not_there_is_a_usage_error(project, name, told):
    done = run_pytest(project, f"--ncwire-driver={name}")

    assert done.returncode == 4
    assert told in done.stdout


def test_a_driver_that_blocks_for_ever_ends_its_test_and_shows_where(tmp_path):
    (tmp_path / "stuck.py").write_text(
        "import threading\n"
        "from ncwire.testing.memory import MemoryDriver, MemoryChannel\n"
        "class Channel(MemoryChannel):\n"
        "    def read(self, size):\n"
        "        threading.Event().wait()\n"
        "class Stuck(MemoryDriver):\n"
        "    contract = (1, 0)\n"
        "    def connect(self, options, deadline):\n"
        "        return Channel(super().connect(options, deadline).native)\n"
    )
    done = run_pytest(
        tmp_path,
        "--ncwire-driver=stuck:Stuck",
        "--ncwire-target=plain",
        "--ncwire-patience=0.3",
        "-k",
        "io_read_none",
    )

    assert done.returncode == 1
    assert "not done within 1.8 s; it is at" in done.stdout
    assert "threading.Event().wait()" in done.stdout


COMMAND = """
import sys
from types import SimpleNamespace
from ncwire._cli import failures
from ncwire._cli.commands import conform
if {hidden}:
    sys.modules["pytest"] = None
arguments = SimpleNamespace(
    driver={driver!r}, target="plain", expression={expression!r}, verbose=False, json=None,
    explain=None, count={count}, badge=None, report=None, driver_option=(),
)
sys.exit(failures.presented(lambda: conform.run(arguments), debug=False))
"""


def command(hidden=False, expression="read", driver=MEMORY, count=1):
    return COMMAND.format(driver=driver, hidden=hidden, expression=expression, count=count)


def test_the_command_takes_the_ids_that_it_prints(tmp_path):
    done = run(tmp_path, "-c", command(expression="io.read-none"))

    assert done.returncode == 0, done.stdout
    assert "io.read-none  passed" in done.stdout
    assert "1 passed" in done.stdout


def test_the_command_says_that_nothing_matches(tmp_path):
    done = run(tmp_path, "-c", command(expression="io.read-nothing"))

    assert done.returncode == 2
    assert "-k: no rule's test matches 'io.read-nothing'" in done.stdout


@pytest.mark.exhaustive
def test_the_command_runs_the_kit(tmp_path):
    done = run(tmp_path, "-c", command())

    assert done.returncode == 0, done.stdout
    assert done.stdout.startswith("ncwire: testing ncwire.testing.memory:MemoryDriver;")
    assert "io.read-none" in done.stdout


@pytest.mark.exhaustive
def test_the_command_tells_in_how_many_runs_a_rule_was_broken(tmp_path):
    (tmp_path / "fickle.py").write_text(
        "import itertools\n"
        "from ncwire.testing.memory import MemoryDriver, MemoryChannel\n"
        "connections = itertools.count(1)\n"
        "class Channel(MemoryChannel):\n"
        "    def __init__(self, sock):\n"
        "        super().__init__(sock)\n"
        "        self.greedy = next(connections) == 2\n"
        "    def read(self, size):\n"
        "        return super().read(size + self.greedy)\n"
        "class Fickle(MemoryDriver):\n"
        "    contract = (1, 0)\n"
        "    def connect(self, options, deadline):\n"
        "        return Channel(super().connect(options, deadline).native)\n"
    )
    done = run(tmp_path, "-c", command(driver="fickle:Fickle", expression="io.read-size", count=3))

    assert done.returncode == 7
    assert "io.read-size  failed: in 1 of 3 runs, the last time: " in done.stdout
    assert "1 failed, 2 passed" in done.stdout


def test_the_command_without_pytest_tells_what_to_install(tmp_path):
    done = run(tmp_path, "-c", command(hidden=True))

    assert done.returncode == 7
    assert "pip install 'ncwire[conformance]'" in done.stdout
