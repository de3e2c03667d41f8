"""A client's protocol, with what a server sends it."""

from __future__ import annotations

from ncwire._protocol.capabilities import (
    BASE_1_0,
    BASE_1_1,
    default_client_capabilities,
)
from ncwire._protocol.client import HelloReceived, MessageReceived, Protocol
from ncwire._protocol.framing import Limits, frame_chunked
from ncwire._protocol.messages import BASE_NS

EOM = b"]]>]]>"
BOTH = (BASE_1_0, BASE_1_1)


def server_hello(*capabilities: str) -> bytes:
    listed = "".join(f"<capability>{uri}</capability>" for uri in capabilities)
    return (
        f'<hello xmlns="{BASE_NS}"><capabilities>{listed}</capabilities>'
        "<session-id>4</session-id></hello>"
    ).encode()


def opened(*capabilities: str, limits: Limits | None = None) -> Protocol:
    protocol = Protocol(default_client_capabilities(), limits or Limits())
    protocol.receive(server_hello(*capabilities) + EOM)
    assert isinstance(protocol.next_event(), HelloReceived)
    return protocol


def chunked(*documents: str) -> bytes:
    return b"".join(b"".join(frame_chunked(each.encode(), 3)) for each in documents)


def drain(protocol: Protocol) -> list[HelloReceived | MessageReceived]:
    events = []
    while (event := protocol.next_event()) is not None:
        events.append(event)
    return events
