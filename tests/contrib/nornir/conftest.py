"""The servers that nornir's hosts are, and programs that are closed at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytest.importorskip("nornir", reason="needs nornir: pip install 'ncwire[nornir]'")

from nornir_hosts import host_for, nornir_of

from ncwire.testing import EmbeddedServer


@pytest.fixture
def server() -> Iterator[EmbeddedServer]:
    with EmbeddedServer(datastore="<top xmlns='urn:t'><motd>before</motd></top>") as server:
        yield server


@pytest.fixture
def program() -> Iterator[Callable[..., Any]]:
    """Make a program of these hosts; what is open at the end is closed."""
    made = []

    def program(*hosts: Any, **others: Any) -> Any:
        made.append(nornir_of(*hosts, **others))
        return made[-1]

    yield program
    for each in made:
        each.close_connections(on_good=True, on_failed=True)


@pytest.fixture
def nr(server, program) -> Any:
    """A program of one host."""
    return program(host_for(server))
