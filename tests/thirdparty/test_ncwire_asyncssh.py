"""A stranger's driver over an asyncio library: AsyncSSH, by ncwire's helpers for such."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import ncwire
from ncwire.testing import EmbeddedServer
from waiting import eventually

PACKAGE = Path(__file__).parent / "ncwire-asyncssh"
LOOP = "ncwire-asyncssh"
GET = "<get-config><source><running/></source></get-config>"
TEXT = "x" * 3_000_000
QUICK = "errors.data or threads.garbage or threads.fork or close.does or auth.interactive-raises"


@pytest.fixture
def driver(monkeypatch):
    monkeypatch.syspath_prepend(str(PACKAGE))
    from ncwire_asyncssh import AsyncSSHDriver  # noqa: PLC0415 - it is installed nowhere

    return AsyncSSHDriver


@pytest.fixture
def server():
    with EmbeddedServer(datastore=f"<note xmlns='urn:example:note'>{TEXT}</note>") as server:
        yield server


def connect(server, driver):
    return ncwire.connect(
        "127.0.0.1",
        port=server.port,
        username=server.username,
        password=server.password,
        hostkey_b64=server.host_key.base64,
        allow_agent=False,
        look_for_keys=False,
        driver=driver,
    )


def conform(tmp_path, *arguments):
    report = tmp_path / "report.json"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "ncwire", "conform", "ncwire_asyncssh:AsyncSSHDriver"),
            *("--json", str(report), *arguments),
        ],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(PACKAGE), *filter(None, sys.path)])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (table,) = json.loads(report.read_text(encoding="utf-8"))
    return [each["outcome"] for each in table["rules"].values()]


def loops():
    return [each for each in threading.enumerate() if each.name == LOOP]


def test_all_sessions_share_a_loop_which_ends_with_the_last(server, driver):
    sessions = [connect(server, driver) for _ in range(3)]
    (loop,) = loops()
    for session in sessions:
        assert TEXT in session.rpc(GET).raw
    for session in sessions:
        assert loops() == [loop]
        session.close()
    eventually(lambda: not loops())


def test_many_rpcs_in_flight_and_large_replies(server, driver):
    with connect(server, driver) as session:
        futures = [session.submit("<unknown/>") for _ in range(200)]
        large = [session.submit(GET) for _ in range(5)]
        assert all("rpc-error" in future.result(20).raw for future in futures)
        assert all(TEXT in future.result(20).raw for future in large)


@pytest.mark.timeout(300)
@pytest.mark.exhaustive
def test_it_keeps_rules_of_each_kind(driver, tmp_path):
    outcomes = conform(tmp_path, "-k", QUICK)
    assert outcomes.count("failed") == 0
    assert outcomes.count("passed") == 6


@pytest.mark.exhaustive
@pytest.mark.timeout(600)
def test_it_keeps_every_rule_that_binds_it(driver, tmp_path):
    outcomes = conform(tmp_path)
    assert outcomes.count("failed") == 0
    assert outcomes.count("passed") > 120
