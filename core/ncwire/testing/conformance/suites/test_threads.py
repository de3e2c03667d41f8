"""Threads, processes, and what was not closed."""

# ruff: noqa: D103, S101 - each test's rule says what it is for

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from ncwire.testing.conformance.marking import rule
from ncwire.testing.conformance.suites.test_io import noise
from ncwire.testing.conformance.task import Task

if TYPE_CHECKING:
    from ncwire.driver import ConnectOptions
    from ncwire.testing.conformance.rig import Rig


@rule("threads.other-threads")
def test_threads_other_threads(ncwire_rig: Rig) -> None:
    line, end = ncwire_rig.open()
    data = noise(10_000)
    for _ in range(10):
        Task(lambda: line.send(data), "writing in a thread").result(ncwire_rig.patience)
        end.send(ncwire_rig.until(line, end.receiving(len(data))))
        reading = Task(lambda: line.receive(len(data)), "reading in another")
        assert reading.result(ncwire_rig.patience) == data
    Task(line.channel.close, "closing in a third").result(ncwire_rig.patience)


@rule("threads.garbage")
def test_threads_garbage(ncwire_rig: Rig) -> None:
    host = ncwire_rig.host()
    child = run_child(ncwire_rig, ncwire_rig.options(host), "drop")
    assert child.result(_LONG * ncwire_rig.patience) == "dropped\n"


@rule("threads.garbage-frees")
def test_threads_garbage_frees(ncwire_rig: Rig) -> None:
    host = ncwire_rig.host()
    child = run_child(ncwire_rig, ncwire_rig.options(host), "lose")
    assert child.result(_LONG * ncwire_rig.patience) == "nothing left\n"


@rule("threads.exit")
def test_threads_exit(ncwire_rig: Rig) -> None:
    host = ncwire_rig.host()
    child = run_child(ncwire_rig, ncwire_rig.options(host), "exit")
    assert child.result(_LONG * ncwire_rig.patience) == "connected\n"


@rule("threads.fork")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_threads_fork(ncwire_rig: Rig) -> None:
    host = ncwire_rig.host()
    child = run_child(ncwire_rig, ncwire_rig.options(host), "fork")
    end = host.end(_LONG * ncwire_rig.patience)
    end.send(end.receiving(10).result(_LONG * ncwire_rig.patience))
    assert child.result(_LONG * ncwire_rig.patience) == "still here\n"


@rule("threads.independent")
def test_threads_independent(ncwire_rig: Rig) -> None:
    one, end_of_one = ncwire_rig.open()
    two, _ = ncwire_rig.open()
    two.channel.abort()
    one.send(b"question")
    end_of_one.send(ncwire_rig.until(one, end_of_one.receiving(8)))
    assert one.receive(8) == b"question"


_LONG = 4
"""How many times its patience a process may take, which does several things."""


def run_child(rig: Rig, options: ConnectOptions, action: str, **details: Any) -> Task[str]:
    """Start a process that connects and does something; the result is what it prints.

    It has its modules when this returns.
    """
    order = {
        "driver": [rig.driver.__module__, rig.driver.__qualname__],
        "options": {
            name: getattr(options, name)
            for name in ("host", "port", "username", "password", "key_filename", "known_hosts")
        }
        | {"driver_options": dict(options.driver_options)},
        "seconds": rig.patience,
        "action": action,
        **details,
    }
    # It is to run this very kit and driver, wherever they were imported from.
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-W", "ignore::DeprecationWarning"]
    process = subprocess.Popen(  # noqa: S603 - our own module, by this interpreter
        [*command, "-m", "ncwire.testing.conformance.child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        bufsize=0,  # so that `communicate` finds all that is not read as a line here
    )
    if process.stdin is None or process.stdout is None:
        raise AssertionError("both are pipes")
    rig.later("the process", process.kill)
    process.stdin.write(f"{json.dumps(order)}\n".encode())
    Task(process.stdout.readline, "a process that starts").result(rig.time_to_start())

    def run() -> str:
        out, errors = process.communicate()
        assert not errors, errors.decode(errors="replace")
        assert process.returncode == 0
        return out.decode()

    return Task(run, f"the process that is to {action}")
