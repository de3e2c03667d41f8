"""A server on a Unix socket, and an observer that notes all that it hears."""

from __future__ import annotations

import functools

import pytest
from marked import DATASTORE
from noting import Noting
from watched_peer import WatchedPeer

import ncwire
from ncwire.testing import EmbeddedServer, EmbeddedUnixServer


@pytest.fixture
def noting() -> Noting:
    return Noting()


@pytest.fixture
def server():
    with EmbeddedUnixServer(datastore=DATASTORE) as found:
        yield found


@pytest.fixture
def connect(server):
    return functools.partial(
        ncwire.connect, None, driver="unix", driver_options={"path": server.path}
    )


@pytest.fixture
def peer():
    found = WatchedPeer()
    yield found
    found.close()


@pytest.fixture
def connect_over_ssh(tmp_path):
    with EmbeddedServer(datastore=DATASTORE) as ssh:
        known_hosts = tmp_path / "known_hosts"
        ssh.write_known_hosts(known_hosts)
        yield functools.partial(
            ncwire.connect,
            ssh.host,
            port=ssh.port,
            username=ssh.username,
            password=ssh.password,
            known_hosts=known_hosts,
            allow_agent=False,
            look_for_keys=False,
        )
