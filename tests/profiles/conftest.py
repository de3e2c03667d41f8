"""Scripted peers, each on a server of its own, and the session that leads to one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import ncwire
from ncwire.testing import EmbeddedServer
from peers import FAMILIES, PeerOf

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="session")
def peer() -> Iterator[Callable[[str], tuple[EmbeddedServer, PeerOf]]]:
    """Return the server of a family, and the script that plays it."""
    running: dict[str, tuple[EmbeddedServer, PeerOf]] = {}

    def peer(name: str) -> tuple[EmbeddedServer, PeerOf]:
        if name not in running:
            family = FAMILIES[name]
            playing = PeerOf(family)
            server = EmbeddedServer(
                subsystems=family.subsystems, commands=family.commands, script=playing
            )
            running[name] = server, playing
        return running[name]

    yield peer
    for server, _ in running.values():
        server.close()


@pytest.fixture
def connect() -> Iterator[Callable[..., ncwire.SSHSession]]:
    """Connect to a server; whatever is left open is closed after the test."""
    sessions: list[ncwire.SSHSession] = []

    def connect(server: EmbeddedServer, **given: object) -> ncwire.SSHSession:
        parameters = {
            "port": server.port,
            "username": server.username,
            "password": server.password,
            "hostkey_b64": server.host_key.base64,
            "allow_agent": False,
            "look_for_keys": False,
            **given,
        }
        session = ncwire.connect(server.host, **parameters)
        sessions.append(session)
        return session

    yield connect
    for session in sessions:
        session.close()
