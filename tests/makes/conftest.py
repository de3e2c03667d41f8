"""A peer of each make, once for each driver."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import installed_ssh
import ncwire
from makes.peers import MAKERS, Peer
from makes.rows import MAKES
from ncwire._plugins import registry
from ncwire.driver import Feature
from servers.account import Account, temporary_account
from servers.fixtures import serve
from thoroughness import each_driver_in_turn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from servers.keyring import KeyRing

    Connect = Callable[..., ncwire.SSHSession]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    each_driver_in_turn(items, Path(__file__).parent, installed_ssh.QUICK)


@pytest.fixture(params=installed_ssh.EACH)
def driver(request: pytest.FixtureRequest) -> str:
    """The name of an installed driver that can be used."""
    return request.param


@pytest.fixture
def driver_of_prompts(driver: str) -> None:
    """The driver puts prompts to `auth_handler`."""
    if Feature.KEYBOARD_INTERACTIVE not in registry.load(driver).features:
        pytest.skip(f"driver {driver!r} does not declare keyboard-interactive")


@pytest.fixture(scope="session", params=MAKES)
def make(request: pytest.FixtureRequest) -> str:
    """The name of a make."""
    return request.param


@pytest.fixture(scope="session")
def resident() -> Iterator[Account]:
    """An account with a home, where dropbear looks for keys."""
    with tempfile.TemporaryDirectory(prefix="ncwire-home-") as home:
        Path(home).chmod(0o755)
        with temporary_account("ncwm", home) as account:
            yield account


class Surroundings:
    """What servers are made with, each made when it is asked for: not every make needs root."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._fixture = request.getfixturevalue

    @property
    def keys(self) -> KeyRing:
        return self._fixture("key_ring")

    @property
    def account(self) -> Account:
        return self._fixture("resident")


@pytest.fixture(scope="session")
def running(make: str, request: pytest.FixtureRequest) -> Iterator[Peer]:
    """A running server of the make."""
    peer = MAKERS[make](Surroundings(request))
    ended = serve(peer.server, request.config)
    next(ended)
    yield peer
    next(ended, None)


@pytest.fixture
def peer(make: str, request: pytest.FixtureRequest) -> Peer:
    """The same; where the check cannot be made with this make, the test is skipped instead."""
    check = request.node.originalname.removeprefix("test_")
    reason = MAKES[make].not_applicable.get(check)
    if reason is not None:
        pytest.skip(f"not applicable: {reason}")
    return request.getfixturevalue("running")


@pytest.fixture
def connect(running: Peer, driver: str) -> Iterator[Connect]:
    """Connect to the peer, by key unless credentials are given; closed afterwards."""
    sessions: list[ncwire.SSHSession] = []

    def connect(**parameters: object) -> ncwire.SSHSession:
        session = ncwire.SSHSession(driver=driver, profile=running.profile)
        sessions.append(session)
        session.load_known_hosts(parameters.pop("known_hosts", running.server.known_hosts))
        alone = {"allow_agent": False, "look_for_keys": False, "username": running.server.user}
        if not parameters.keys() & {"password", "auth_handler", "allow_agent"}:
            alone["key_filename"] = str(running.server.client_key)
        session.connect(
            **{"host": running.server.host, "port": running.server.port} | alone | parameters
        )
        return session

    yield connect
    for session in sessions:
        session.close()
