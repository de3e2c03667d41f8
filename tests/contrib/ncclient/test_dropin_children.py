"""Programs that cannot be touched: `python -m ncwire.contrib.ncclient`, and their children."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from drop_in_arguments import arguments_for

from ncwire.contrib.ncclient.child import FOLDER, VARIABLE

PROGRAM = """
import json, subprocess, sys
arguments = json.loads(sys.argv[1])
if len(sys.argv) > 2:  # the work is done by an interpreter of its own, as in Ansible
    sys.exit(subprocess.run([sys.executable, __file__, sys.argv[1]]).returncode)
from ncclient import manager
with manager.connect(**arguments) as found:
    assert found.get_config("running").ok
    print(type(found._session.transport).__module__, found._session.transport.remote_version)
"""


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    return path


def run(*command, **variables):
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, **variables},
    )


def drop_in(*command, **variables):
    return run(sys.executable, "-m", "ncwire.contrib.ncclient", *command, **variables)


@pytest.mark.parametrize("more", [(), ("child",)])
def test_a_program_is_carried_and_so_are_its_children(driver, server, program, more):
    arguments = json.dumps(arguments_for(server))
    done = drop_in("--driver", driver, str(program), arguments, *more)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("ncwire.contrib.ncclient.transport")


def test_a_profile_is_passed_on(server, program):
    arguments = json.dumps(arguments_for(server))
    assert drop_in("--profile", "junos", str(program), arguments).returncode == 0


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--driver", "libssh2x", "did you mean 'libssh2'"),
        ("--driver", "unix", "carries NETCONF over unix"),
        ("--profile", "jnuos", "did you mean 'junos'"),
    ],
)
def test_what_is_wrong_is_told_before_the_program_starts(tmp_path, option, value, said):
    path = tmp_path / "prints.py"
    path.write_text("print('started')")
    wrong = drop_in(option, value, str(path))
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert said in wrong.stderr
    assert "Traceback" not in wrong.stderr


def test_the_sitecustomize_that_there_was_is_imported_too(server, program, tmp_path):
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text("print('a site of its own')\n")
    arguments = json.dumps(arguments_for(server))
    done = drop_in(str(program), arguments, PYTHONPATH=str(folder))
    assert done.returncode == 0, done.stderr
    # Of the interpreter that starts it, and its own.
    assert done.stdout.count("a site of its own") == 2
    assert "ncwire.contrib.ncclient.transport" in done.stdout


def test_a_program_that_first_looks_whether_ncclient_is_there(tmp_path):
    path = tmp_path / "looks.py"
    path.write_text(
        "import importlib.util\n"
        "assert importlib.util.find_spec('ncclient') is not None\n"
        "from ncclient.transport.ssh import SSHSession\n"
        "print(SSHSession.connect.__globals__['__name__'])\n"
    )
    done = drop_in(str(path))
    assert (done.stdout.strip(), done.stderr) == ("ncwire.contrib.ncclient.methods", "")


def test_a_program_without_ncclient_pays_nothing(tmp_path):
    path = tmp_path / "other.py"
    path.write_text("import sys; print([n for n in sys.modules if n.startswith('nc')])")
    done = drop_in(str(path))
    assert (done.returncode, done.stdout.strip()) == (0, "[]")


def test_its_exit_status_is_the_programs(tmp_path):
    path = tmp_path / "exits.py"
    path.write_text("raise SystemExit(7)")
    assert drop_in(str(path)).returncode == 7


def test_a_command_is_looked_up():
    done = drop_in("python3" if os.name == "posix" else "python", "-c", "print('found')")
    assert done.stdout == "found\n"


def test_no_such_program():
    done = drop_in("no-such-program")
    assert done.returncode == 127
    assert "no-such-program" in done.stderr


def test_what_cannot_be_installed_is_told_and_the_program_goes_on(server, program):
    variables = {"PYTHONPATH": str(FOLDER), VARIABLE: '{"nonsense": 1}'}
    done = run(sys.executable, str(program), json.dumps(arguments_for(server)), **variables)
    assert done.returncode == 0
    assert done.stdout.startswith("paramiko.transport")
    assert "ncwire.contrib.ncclient: not installed" in done.stderr


def test_without_ncclient_it_says_what_to_install(run_program):
    program = """
import sys
sys.modules["ncclient"] = None
from ncwire.contrib import ncclient
try:
    ncclient.install
except ImportError as error:
    assert "pip install 'ncwire[ncclient]'" in str(error), error
else:
    raise AssertionError
"""
    run_program(program)
