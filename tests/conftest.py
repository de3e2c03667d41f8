"""What all tests share: real servers, see servers/, and threads that meet."""

from __future__ import annotations

import sys

import pytest

pytest_plugins = ["servers.fixtures"]


@pytest.fixture
def many_switches():
    """Threads take turns so often that they meet anywhere."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)
