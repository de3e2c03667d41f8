"""The drop-in, put in place for a test and taken back, and the servers that it is tried at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from drop_in_arguments import NOTHING_ELSE, arguments_for

import installed_ssh

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from servers.netconfd import Netconfd

from ncclient import manager

from ncwire.contrib import ncclient as drop_in_for_ncclient
from ncwire.testing import EmbeddedServer


@pytest.fixture(params=installed_ssh.EACH)
def driver(request: pytest.FixtureRequest) -> str:
    """The name of an installed driver that can be used."""
    return request.param


@pytest.fixture
def installed(driver: str) -> Iterator[str]:
    """The drop-in is in place, with this driver."""
    drop_in_for_ncclient.install(driver=driver)
    yield driver
    drop_in_for_ncclient.uninstall()


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedServer]:
    with EmbeddedServer() as server:
        yield server


@pytest.fixture
def connect(server: EmbeddedServer) -> Iterator[Callable[..., Any]]:
    """Connect by ncclient's own function; what is open at the end is closed."""
    managers = []

    def connect(to: Any = None, **others: Any) -> Any:
        managers.append(manager.connect(**arguments_for(to or server, **others)))
        return managers[-1]

    yield connect
    for each in managers:
        each._session.close()


@pytest.fixture
def to_netconfd(netconfd: Netconfd) -> Callable[..., Any]:
    """Connect to netconfd by ncclient's own function."""

    def connect(**others: Any) -> Any:
        return manager.connect(
            host=netconfd.host,
            port=netconfd.port,
            username=netconfd.user,
            key_filename=str(netconfd.client_key),
            **NOTHING_ELSE,
            **others,
        )

    return connect
