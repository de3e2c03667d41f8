"""A loop, which must leave nothing, and a lease of it."""

from __future__ import annotations

import pytest
from loops import NAME, all_ended, fds

from ncwire.driver import LoopThread


@pytest.fixture
def loop():
    before = fds()
    yield LoopThread(NAME)
    all_ended(before)


@pytest.fixture
def lease(loop):
    lease = loop.lease()
    yield lease
    lease.release()
