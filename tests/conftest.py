"""What all tests share: real servers, see servers/, and threads that meet."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest_plugins = ["servers.fixtures", "makes.printed"]


@pytest.fixture
def many_switches():
    """Threads take turns so often that they meet anywhere."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


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
