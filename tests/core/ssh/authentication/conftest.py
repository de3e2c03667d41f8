"""Key files, and the public keys that are in them."""

from __future__ import annotations

import pytest


@pytest.fixture
def files(key_factory):
    return [str(key_factory.file("ed25519", n=n)) for n in range(10)]


@pytest.fixture
def blobs(key_factory, files):
    return [key_factory.public("ed25519", n=n).blob for n in range(10)]
