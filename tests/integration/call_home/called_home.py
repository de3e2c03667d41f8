"""A call to a listener of the one driver's."""

from __future__ import annotations

import socket

from ncwire.callhome import Device

PATIENCE = 60


def dial(listener, host="127.0.0.1"):
    return socket.create_connection((host, listener.port), PATIENCE)


def called(listener, server):
    """Have an embedded server call."""
    sock = dial(listener)
    sock.settimeout(None)
    server.serve(sock)


def device_of(server, name="r1", **more):
    return Device(
        name=name,
        **{
            "host_keys": server.host_key, "username": server.username,
            "password": server.password, "allow_agent": False, "look_for_keys": False,
        } | more,
    )  # fmt: skip
