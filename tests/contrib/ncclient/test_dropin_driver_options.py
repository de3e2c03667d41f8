"""Options of a driver's own through the drop-in: by each of its functions, and the environment."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
from drop_in_arguments import arguments_for
from ncclient import manager
from ncclient.transport import errors as theirs

import optioned_driver
from ncwire.contrib import ncclient as drop_in
from ncwire.contrib.ncclient.choice import Choice
from ncwire.errors import OptionError
from ncwire.testing import EmbeddedTLSServer, EmbeddedUnixServer

TESTS = Path(optioned_driver.__file__).parent


@pytest.fixture
def told(tmp_path, monkeypatch):
    """What a driver with options is told; "optioned" is its name."""
    return optioned_driver.install(tmp_path, monkeypatch)


@pytest.fixture
def taken_back():
    yield
    drop_in.uninstall()


def test_all_sessions_get_those_of_install(told, server, taken_back):
    drop_in.install("optioned", driver_options={"depth": 5, "words": ["a"]})
    for _ in range(2):
        with manager.connect(**arguments_for(server)) as found:
            assert found.get_config("running").ok
    assert told == [{"depth": 5, "mode": "a", "words": ("a",)}] * 2


@pytest.mark.parametrize("connect", [drop_in.connect, drop_in.connect_ssh, drop_in.connect_libssh])
def test_a_single_session_has_its_own(told, server, connect):
    arguments = arguments_for(server, driver="optioned", driver_options={"depth": 7})
    with connect(**arguments) as found:
        assert found.get_config("running").ok
    assert told == [{"depth": 7, "mode": "a"}]


def test_single_sessions_over_tls_and_unix_sockets():
    with EmbeddedTLSServer() as server:
        given = {"timeout": 20, "host": server.host, "port": server.port}
        own = {**server.driver_options, "minimum_version": "TLSv1.3"}
        named = {name: own.pop(name) for name in ("certfile", "keyfile") if name in own}
        tls = {**given, **named, "protocol": ssl.PROTOCOL_TLS_CLIENT}
        with drop_in.connect_tls(**tls, driver_options=own) as found:
            assert found.get_config("running").ok
    with EmbeddedUnixServer() as server:
        own = {"peer_uid": str(os.getuid())}
        with drop_in.connect_uds(path=str(server.path), driver_options=own) as found:
            assert found.get_config("running").ok


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"dpeth": 5}, "did you mean depth"),
        ({"depth": "deep"}, "driver_options.depth"),
        ("depth=5", "driver_options: must be"),
    ],
)
def test_what_is_wrong_is_the_usual_error(told, server, wrong, said):
    with pytest.raises(OptionError, match=said):
        drop_in.install("optioned", driver_options=wrong)
    with pytest.raises(theirs.SSHError, match=said) as raised:
        drop_in.connect(**arguments_for(server, driver="optioned", driver_options=wrong))
    assert isinstance(raised.value, OptionError)
    assert told == []


def test_a_secret_is_shown_nowhere():
    assert "s3cret" not in repr(Choice("paramiko", driver_options={"token": "s3cret"}))


PROGRAM = """
import json, sys
from ncclient import manager
with manager.connect(**json.loads(sys.argv[1])) as found:
    assert found.get_config("running").ok
import optioned_driver
print(optioned_driver.OptionedDriver.told)
"""


def run(tmp_path, *command):
    path = os.pathsep.join([str(tmp_path), str(TESTS)])
    return subprocess.run(
        [sys.executable, "-m", "ncwire.contrib.ncclient", "--driver", "optioned", *command],
        capture_output=True, text=True, check=False, timeout=60,
        env={**os.environ, "PYTHONPATH": path}, cwd=tmp_path,
    )  # fmt: skip


def test_a_program_that_cannot_be_touched(told, server, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    options = ("-O", "depth=4", "-O", "words=a", "-O", "words=b", "-O", "path=key")
    done = run(tmp_path, *options, str(program), json.dumps(arguments_for(server)))
    assert (done.returncode, done.stderr) == (0, "")
    expected = {"depth": 4, "mode": "a", "path": str(tmp_path / "key"), "words": ("a", "b")}
    assert done.stdout == f"{[expected]}\n"


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("dpeth=4", "did you mean depth? it has depth"),
        ("depth=deep", "driver_options.depth"),
        ("token=s3cret", "is secret, and others can read this"),
        ("s3cret", "it must be KEY=VALUE"),
    ],
)
def test_what_is_wrong_is_told_before_the_program_starts(told, tmp_path, option, said):
    program = tmp_path / "prints.py"
    program.write_text("print('started')")
    wrong = run(tmp_path, "-O", option, str(program))
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert said in wrong.stderr
    assert "s3cret" not in wrong.stderr
    assert "Traceback" not in wrong.stderr
