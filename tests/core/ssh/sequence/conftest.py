"""A host that is connected to, and the options for it."""

from __future__ import annotations

import socket

import pytest

from ncwire.driver import ConnectOptions


@pytest.fixture
def listener():
    """The port that is connected to; what is said there is the scripted driver's affair."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def options(listener):
    """Make options for a connection to the listener."""

    def make(**more) -> ConnectOptions:
        base = {
            "host": "127.0.0.1", "port": listener.getsockname()[1], "username": "admin",
            "password": "right", "allow_agent": False, "look_for_keys": False,
            "hostkey_verify": False,
        }  # fmt: skip
        return ConnectOptions(**base | more)

    return make
