"""Programs of nornir, made in memory, and the hosts of their inventories."""

from __future__ import annotations

from typing import Any

from nornir.core import Nornir
from nornir.core.configuration import Config
from nornir.core.inventory import ConnectionOptions, Defaults, Groups, Host, Hosts, Inventory
from nornir.core.plugins.connections import ConnectionPluginRegister
from nornir.core.state import GlobalState
from nornir.plugins.runners import ThreadedRunner

STRICT = {"allow_agent": False, "look_for_keys": False}


def host_for(server: Any, name: str = "r1", connection: str = "ncwire", **extras: Any) -> Host:
    """Return a host whose `hostname`, `port` and login are those of an embedded server."""
    pinned = {"hostkey_b64": server.host_key.base64} if connection == "ncwire" else {}
    return host(
        name,
        hostname=server.host,
        port=server.port,
        username=server.username,
        password=server.password,
        connection=connection,
        extras=STRICT | pinned | extras,
    )


def host(
    name: str,
    *,
    hostname: str | None,
    port: int | None = None,
    username: str | None = None,
    password: str | None = None,
    platform: str | None = None,
    connection: str = "ncwire",
    extras: dict[str, Any] | None = None,
) -> Host:
    options = ConnectionOptions(extras=extras)
    return Host(
        name,
        hostname=hostname,
        port=port,
        username=username,
        password=password,
        platform=platform,
        connection_options={connection: options},
    )


def nornir_of(*hosts: Host, dry_run: bool = False, workers: int = 20, **ssh: Any) -> Nornir:
    """Return what InitNornir would, for these hosts."""
    ConnectionPluginRegister.auto_register()
    for each in hosts:
        each.defaults = Defaults()
    return Nornir(
        inventory=Inventory(Hosts({each.name: each for each in hosts}), Groups(), Defaults()),
        config=Config.from_dict(ssh={"config_file": "/nonexistent"} | ssh),
        data=GlobalState(dry_run=dry_run),
        runner=ThreadedRunner(num_workers=workers),
    )


def only(results: Any, name: str = "r1") -> Any:
    """Return the one result of a host."""
    (found,) = results[name]
    return found
