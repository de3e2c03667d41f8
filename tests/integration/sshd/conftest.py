"""That a test leaves nothing behind."""

from __future__ import annotations

import pytest
from leaving import leaving_nothing


@pytest.fixture
def leaves_nothing():
    """The test leaves no thread and no fd behind; for tests that start no server."""
    with leaving_nothing():
        yield
