"""Tunnels of a route, and bytes that are sent through them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncwire.driver import ConnectOptions

if TYPE_CHECKING:
    import socket

HOP = ConnectOptions(host="bastion", username="admin")
DATA = bytes(range(256)) * 20_000  # 5 MB: more than any buffer on the way holds


def through(route, channel, options=HOP) -> socket.socket:
    return route.through_tunnel(channel, "bastion:22", "r1:830", options)


def received(sock, size=None) -> bytes:
    data = bytearray()
    while (size is None or len(data) < size) and (part := sock.recv(1 << 16)):
        data += part
    return bytes(data)


def fill(sock) -> int:
    """Send until nothing more is taken, for a while; return how much that was."""
    sock.settimeout(0.3)
    sent = 0
    try:
        while sent < len(DATA):
            sent += sock.send(DATA[sent : sent + 65536])
    except TimeoutError:
        pass
    sock.settimeout(10)
    return sent
