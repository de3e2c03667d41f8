"""Connections through jump hosts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attempts import options_for

if TYPE_CHECKING:
    from ncwire.driver import ConnectOptions


def through(hosts, changes=None, **more) -> ConnectOptions:
    """Options for the last host by way of the others; `changes` are a hop's, by its index."""
    *hops, device = hosts
    jumps = [options_for(hop, **(changes or {}).get(i, {})) for i, hop in enumerate(hops)]
    return options_for(device, jumps=tuple(jumps), **more)


def known_hosts(path, server, key) -> str:
    kind, blob, *_ = key.with_name(key.name + ".pub").read_text().split()
    path.write_text(f"[{server.host}]:{server.port} {kind} {blob}\n")
    return str(path)
