"""What all tests share: real servers, see servers/, and threads that meet."""

from __future__ import annotations

import faulthandler
import gc
import os
import subprocess
import sys

import hypothesis
import pytest

# No time decides a test: on a busy machine an example of a millisecond takes half a second.
hypothesis.settings.register_profile("ncwire", deadline=None)
hypothesis.settings.load_profile("ncwire")

_LONG = {"conformance", "thirdparty"}

_STDERR = pytest.StashKey[int]()
_LONGER = 60.0
"""Seconds that pytest-timeout has to end a test that is over its own."""

pytest_plugins = ["servers.fixtures", "makes.printed"]


@pytest.fixture
def many_switches():
    """Threads take turns so often that they meet anywhere."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.fixture
def no_gc_callbacks():
    """Have nothing called at garbage collections: what a signal handler raises in that is lost.

    CPython prints what a callback of `gc.callbacks` raises, and drops it. Hypothesis has one, once
    any test of its kind has run in the process.
    """
    callbacks = gc.callbacks[:]
    gc.callbacks.clear()
    yield
    gc.callbacks[:] = callbacks


@pytest.fixture
def run_program():
    """Run a program of its own, which must end well and say nothing on stderr; return its output.

    With `stderr` return what it says there. Its warnings are errors, but for Python's own that
    fork and threads do not go together.
    """

    def run(program, *arguments, seconds=60, warnings="error", stderr=False):
        done = subprocess.run(
            [
                *(sys.executable, "-W", warnings, "-W", "ignore::DeprecationWarning"),
                *("-c", program, *arguments),
            ],
            timeout=seconds,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, stderr or done.stderr) == (0, stderr or "")
        return done.stderr if stderr else done.stdout

    return run


def pytest_configure(config):
    """Keep the stderr that pytest does not capture, for who hangs."""
    with config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        config.stash[_STDERR] = os.dup(2)


def pytest_unconfigure(config):
    faulthandler.cancel_dump_traceback_later()
    os.close(config.stash[_STDERR])


def pytest_timeout_set_timer(item, settings):
    """Have a test that pytest-timeout does not get out of end with its process, and say where.

    The signal's handler waits for ever for a main thread that is in a library; and what it raises
    in a finalizer, or in an event loop's callback, goes no further. xdist then names the test as
    failed, and goes on with another worker.
    """
    _end_later(item, settings.timeout + _LONGER)


@pytest.hookimpl(trylast=True)
def pytest_exception_interact(node):
    """Watch again, over the clean-up: pytest stops that when a test fails."""
    if isinstance(node, pytest.Item):  # after a failed collection nothing would end the watch
        _end_later(node, _LONGER)


def pytest_runtest_logfinish():
    faulthandler.cancel_dump_traceback_later()


def _end_later(item, seconds):
    faulthandler.dump_traceback_later(seconds, exit=True, file=item.config.stash[_STDERR])


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    """Have each worker begin with another folder, and find there what others have compiled.

    In a fresh clone pytest compiles every test file. Together the workers would compile the same
    one at the same time, which took 13 s of each.
    """
    report = yield
    worker = getattr(collector.config, "workerinput", None)
    if worker is not None and isinstance(collector, pytest.Directory):
        number = int(worker["workerid"].removeprefix("gw"))
        first = len(report.result) * number // worker["workercount"]
        report.result = report.result[first:] + report.result[:first]
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """Put the tests into the order that all workers share: whole kits first, which are long."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: (_LONG.isdisjoint(item.path.parts), item.path.parts))


def pytest_collection_finish():
    """Leave what was collected out of garbage collections, for which tests ask by the hundred.

    With thousands of tests to go through, a full one took 0.15 s; now it takes 0.2 ms.
    """
    gc.collect()
    gc.freeze()
