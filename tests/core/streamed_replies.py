"""The peer's side of a streamed reply, and a peer that notes when it is stopped."""

from __future__ import annotations

import re
import threading

from ncwire import Session

BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"
CLIENT = ["urn:ietf:params:netconf:base:1.0"]
NOTIFICATION = (
    '<notification xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0">{}</notification>'
)
LARGE = "<e>0123456789é</e>\n" * 400_000
STALL = 0.3
"""How long the peer's send may find no room before the peer takes itself for stopped."""


def opened(peer, **options) -> Session:
    session = Session(CLIENT, **options)
    peer.hello()
    session.open(peer.channel)
    peer.receive()
    return session


def asked(peer) -> str:
    """Return the message-id of the next rpc that the peer receives."""
    return re.search(r'message-id="([^"]*)"', peer.receive())[1]


def document(message_id: str, body: str = LARGE) -> str:
    return f'<rpc-reply xmlns="{BASE}" message-id="{message_id}">{body}</rpc-reply>'


def numbered(pieces) -> str:
    """Return the document, with the number of the rpc for a message-id."""
    return re.sub('message-id="[a-z]{5}', 'message-id="', b"".join(pieces).decode())


class Stalling:
    """Sends a reply, and notes when the reader's window has been used up for so many seconds."""

    def __init__(self, peer, more: str = "", seconds: float = STALL) -> None:
        self._seconds = seconds
        self.stalled = threading.Event()
        self.sent = 0
        self.size = 0
        self._peer = peer
        self._more = more
        peer.script(self._play)

    def _play(self) -> None:
        view = memoryview((document(asked(self._peer)) + "]]>]]>" + self._more).encode())
        self.size = len(view)
        self._peer.sock.settimeout(self._seconds)
        while view:
            try:
                sent = self._peer.sock.send(view)
            except TimeoutError:
                self.stalled.set()
                continue
            except OSError:  # the session is over
                return
            self.sent += sent
            view = view[sent:]
        self._peer.sock.settimeout(20)
