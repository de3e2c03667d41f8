"""A scripted NETCONF peer at the other end of a memory channel, framing by hand."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from ncwire import Hub, Limits, Session, Timeouts
from ncwire.testing.memory import MemoryChannel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"
EOM = b"]]>]]>"
CLIENT = ["urn:ietf:params:netconf:base:1.0"]


class Peer:
    """The server's side, in the test's own thread or in a script's."""

    def __init__(self) -> None:
        self.channel, self.sock = MemoryChannel.pair()
        self.sock.settimeout(20)
        self._received = bytearray()
        self._scripts: list[threading.Thread] = []

    def hello(self, *versions: str, session_id: str | None = "7") -> None:
        capabilities = "".join(
            f"<capability>urn:ietf:params:netconf:base:{version}</capability>"
            for version in versions or ("1.0",)
        )
        identity = "" if session_id is None else f"<session-id>{session_id}</session-id>"
        self.send(
            f'<hello xmlns="{BASE}"><capabilities>{capabilities}</capabilities>{identity}</hello>'
        )

    def send(self, document: str) -> None:
        self.sock.sendall(document.encode() + EOM)

    def reply(self, message_id: str | None, body: str = "<ok/>") -> None:
        attribute = "" if message_id is None else f' message-id="{message_id}"'
        self.send(f'<rpc-reply xmlns="{BASE}"{attribute}>{body}</rpc-reply>')

    def receive(self) -> str:
        """Return the next message, "" at the stream's end."""
        searched = 0
        while (end := self._received.find(EOM, searched)) < 0:
            searched = max(0, len(self._received) - len(EOM))
            part = self.sock.recv(1 << 20)
            if not part:
                return ""
            self._received += part
        message = self._received[:end].decode()
        del self._received[: end + len(EOM)]
        return message

    def hang_up(self) -> None:
        """End the stream from the server's side."""
        self.sock.shutdown(socket.SHUT_RDWR)

    def script(self, play: Callable[[], object]) -> None:
        """Play a part of the server's in a thread of its own."""
        thread = threading.Thread(target=play, daemon=True)
        self._scripts.append(thread)
        thread.start()

    def played(self) -> None:
        """Return when every script has come to its end."""
        for thread in self._scripts:
            thread.join(20)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.hang_up()
        self.channel.abort()
        self.played()  # before the socket is closed, from which a script may read still
        self.sock.close()


@pytest.fixture
def peer() -> Iterator[Peer]:
    peer = Peer()
    yield peer
    peer.close()


@pytest.fixture
def session(peer: Peer) -> Iterator[Session]:
    """Return an open session with the peer."""
    session = Session(CLIENT)
    peer.hello()
    session.open(peer.channel)
    peer.receive()
    yield session
    session.close()


@pytest.fixture
def make_peer() -> Iterator[Callable[[], Peer]]:
    """Make as many peers as a test needs."""
    peers: list[Peer] = []

    def make() -> Peer:
        peers.append(Peer())
        return peers[-1]

    yield make
    for peer in peers:
        peer.close()


@pytest.fixture(params=["of its own", "a hub's"])
def opened(peer: Peer, request: pytest.FixtureRequest) -> Iterator[Callable[..., Session]]:
    """Open a session with these budgets, whose queue is full at 100 kB."""
    sessions: list[Session] = []
    hub = None if request.param == "of its own" else Hub()

    def opened(**budgets: float) -> Session:
        session = Session(CLIENT, limits=Limits(send_queue=100_000), hub=hub)
        sessions.append(session)
        peer.hello()
        session.open(peer.channel, timeouts=Timeouts(**budgets))
        peer.receive()
        return session

    yield opened
    for session in sessions:
        session.close()
    if hub is not None:
        hub.close()
