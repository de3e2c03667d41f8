"""A library and a channel over it, which is freed afterwards."""

from __future__ import annotations

import pytest
from scripted_channel import Library, Scripted


@pytest.fixture
def library():
    return Library()


@pytest.fixture
def channel(library):
    channel = Scripted(library, most=100)
    yield channel
    channel.abort()
