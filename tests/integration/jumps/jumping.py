"""Connections through jump hosts, and that nothing is left of them."""

from __future__ import annotations

import threading

from ncwire._plugins import registry
from ncwire._ssh.connecting import connecting
from ncwire.driver import ConnectOptions, Deadline
from ncwire.testing.conformance.resources import Resources, left_since

PATIENCE = 20.0


def options(server, **more) -> ConnectOptions:
    settings = {
        "host": server.host,
        "port": server.port,
        "username": server.user,
        "key_filename": (str(server.client_key),),
        "allow_agent": False,
        "look_for_keys": False,
        "known_hosts": (str(server.known_hosts),),
    }
    return ConnectOptions(**settings | more)


def through(hosts, changes=None, **more) -> ConnectOptions:
    """Options for the last host by way of the others; `changes` are a hop's, by its index."""
    *hops, device = hosts
    jumps = [options(hop, **(changes or {}).get(i, {})) for i, hop in enumerate(hops)]
    return options(device, jumps=tuple(jumps), **more)


def begin(driver, settings, seconds=60.0):
    deadline = Deadline.after(seconds, "connect")
    return connecting(registry.choose(driver)(), settings, deadline)


def nothing_left(before: Resources) -> bool:
    """Fail unless all goes that was not there before; on a busy machine that takes its time."""
    for each in threading.enumerate():
        if each.name.startswith("ncwire-relay"):
            each.join(PATIENCE)
            assert not each.is_alive()
    left = left_since(before, PATIENCE)
    assert not left, left
    return True


def known_hosts(path, server, key) -> str:
    kind, blob, *_ = key.with_name(key.name + ".pub").read_text().split()
    path.write_text(f"[{server.host}]:{server.port} {kind} {blob}\n")
    return str(path)
