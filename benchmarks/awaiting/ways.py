"""How each driver reaches a server of ours, and the event loops to do it in."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

import ncwire
from ncwire._plugins import registry

if TYPE_CHECKING:
    from collections.abc import Callable

    from ncwire.bench.servers import Server

TIMEOUTS = ncwire.Timeouts(overall=300, hello=300, rpc=600)
CAPABILITIES = ["urn:ietf:params:netconf:base:1.1"]


def drivers() -> dict[str, str]:
    """Return the drivers that can be used here, with their transports."""
    return {
        status.name: status.transport
        for status in registry.survey()
        if status.status == "ok" and status.transport in ("ssh", "tls", "unix")
    }


def way(server: Server, driver: str, transport: str) -> dict[str, Any]:
    """Return the parameters of `connect` by which a driver reaches the server."""
    common = {"driver": driver, "capabilities": CAPABILITIES, "timeouts": TIMEOUTS}
    if transport != "ssh":
        return {"host": None, **server.ways[transport], **common}
    target = server.target
    return {
        "host": target.host,
        "port": target.port,
        "username": target.user,
        "key_filename": target.key,
        "known_hosts": target.known_hosts,
        "allow_agent": False,
        "look_for_keys": False,
        **common,
    }


def loops() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Return what makes each kind of event loop that is installed."""
    found: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
        "asyncio": asyncio.SelectorEventLoop
    }
    with suppress(ImportError):
        found["uvloop"] = import_module("uvloop").new_event_loop
    return found
