"""Listeners over TLS, and devices that call them."""

from __future__ import annotations

import pytest
from called_home import PATIENCE

from servers.certificates import Authority
from servers.tls_callers import TLSCallers


@pytest.fixture
def driver():
    return "tls"


@pytest.fixture
def callers(tmp_path):
    callers = TLSCallers(tmp_path)
    yield callers
    callers.close()


@pytest.fixture(params=["TLSv1.2", "TLSv1.3"])
def version(request):
    return request.param


@pytest.fixture
def stranger(tmp_path):
    """A certificate of an authority that nobody knows."""
    folder = tmp_path / "strangers"
    folder.mkdir()
    return Authority(folder, "strangers").issue("stranger", hosts=("r1.example",))


@pytest.fixture
def refusal(opened):
    """Return the next refusal."""
    return lambda: opened.refused.get(timeout=PATIENCE)
