"""Sessions over real servers, once for each driver, with the same assertions."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import installed_ssh
import ncwire
from ncwire._plugins import registry
from thoroughness import each_driver_in_turn

if TYPE_CHECKING:
    from ncwire.driver import Feature

Connect = Callable[..., ncwire.SSHSession]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    each_driver_in_turn(items, Path(__file__).parent, installed_ssh.QUICK)


@pytest.fixture(params=installed_ssh.EACH)
def driver(request: pytest.FixtureRequest) -> str:
    """The name of an installed driver that can be used."""
    return request.param


@pytest.fixture
def needs(driver: str) -> Callable[[Feature], None]:
    """Skip the test where the driver does not declare a feature."""

    def needs(feature: Feature) -> None:
        if feature not in registry.load(driver).features:
            pytest.skip(f"driver {driver!r} does not declare {feature.value}")

    return needs


@pytest.fixture
def collected() -> Iterator[None]:
    """Collect what a test drops here, and not in the middle of another. To be asked for first.

    A socket of which an interrupt comes before it is known to anything is closed when it is
    collected, and Python warns of that (socket.py, socketpair).
    """
    yield
    gc.collect()


@pytest.fixture
def connect(driver: str) -> Iterator[Connect]:
    """Connect to a server of the fixtures with its own key and known_hosts; closed afterwards."""
    sessions: list[ncwire.SSHSession] = []

    def connect(server, **parameters) -> ncwire.SSHSession:
        session = ncwire.SSHSession(driver=driver, profile=parameters.pop("profile", None))
        sessions.append(session)
        if parameters.get("hostkey_verify", True):
            session.load_known_hosts(parameters.pop("known_hosts", server.known_hosts))
        settings = {
            "username": server.user,
            "key_filename": str(server.client_key),
            "allow_agent": False,
            "look_for_keys": False,
        }
        session.connect(server.host, server.port, **(settings | parameters))
        return session

    yield connect
    for session in sessions:
        session.close()
