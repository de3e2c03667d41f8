"""The soak runs, and tells what must not be: with a driver that loses replies, or leaves fds."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ncwire import errors
from soak import judge
from soaking.state import State
from soaking.watch import Watch

SOAK = Path(__file__).parents[2] / "benchmarks" / "soak.py"


@pytest.mark.exhaustive
@pytest.mark.parametrize("driver", ["libssh2", "paramiko"])
def test_a_short_soak_finds_nothing(driver):
    done = subprocess.run(
        [
            *(sys.executable, SOAK, "--driver", driver, "--server", "embedded", "--seed", "1"),
            *("--seconds", "5", "--threads", "2", "--sessions", "3"),
            *("--without", "signals", "forks"),
        ],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"COLUMNS": "200"},
        timeout=110,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "seed 1, 5 s, against the embedded server" in done.stdout
    assert "nothing that must not be" in done.stdout


@pytest.fixture
def watch():
    with Watch(patience=60.0) as watch:
        yield watch


FLAT = State(resident=50_000, fds=6, threads=3, children=1)


@pytest.mark.parametrize(
    ("last", "words"),
    [
        (FLAT._replace(fds=7), "1 more fds"),
        (FLAT._replace(threads=5), "2 more threads"),
        (FLAT._replace(children=2), "1 more children"),
        (FLAT._replace(resident=90_000), "memory grew"),
    ],
)
def test_what_is_left_is_a_violation(watch, last, words):
    judge(watch, [FLAT, FLAT, last, last])
    assert words in watch.violations[0]


def test_what_is_flat_is_none(watch):
    judge(watch, [FLAT, FLAT, FLAT._replace(fds=7), FLAT])
    assert watch.violations == []


def test_what_a_thread_dies_of_and_what_is_logged_as_an_error_are_violations(watch):
    def die() -> None:
        raise KeyError("mark")

    thread = threading.Thread(target=die)
    thread.start()
    thread.join()
    assert "a thread died of KeyError" in watch.violations[0]


def test_how_far_a_call_goes_over_its_limit_is_told(watch):
    with pytest.raises(errors.RPCTimeoutError), watch.call("rpc", limit=-1.0):
        raise errors.RPCTimeoutError("1", 1.0)
    assert watch.over["rpc"] >= 1.0
