"""What tests over TLS and Unix sockets share: certificates, servers, and that nothing is left."""

from __future__ import annotations

import gc

import pytest
from tls_peers import PATIENCE, VERSIONS, Certificates

from ncwire.testing.conformance.resources import Resources, left_since


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    return Certificates.make(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(params=VERSIONS)
def version(request):
    return request.param


@pytest.fixture
def nothing_left():
    """No fd, thread or child of the test is left after it."""
    gc.collect()
    before = Resources.now()
    yield
    gc.collect()
    left = left_since(before, PATIENCE)
    assert not left, left
