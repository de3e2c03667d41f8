"""A peer by hand at the other end of a memory channel, for sessions that are observed."""

from __future__ import annotations

import contextlib
import re
import socket
import threading

from ncwire import Session
from ncwire.testing.memory import MemoryChannel

CLIENT = ["urn:ietf:params:netconf:base:1.0"]
HELLO = (
    '<hello xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><capabilities><capability>'
    "urn:ietf:params:netconf:base:1.0</capability></capabilities><session-id>7</session-id></hello>"
)
EOM = b"]]>]]>"


class WatchedPeer:
    def __init__(self) -> None:
        self.channel, self.sock = MemoryChannel.pair()
        self.sock.settimeout(20)
        self._received = b""
        self._scripts = []
        self._sessions = []

    def opened(self, timeouts=None, **settings) -> Session:
        session = Session(CLIENT, **settings)
        self._sessions.append(session)
        self.sock.sendall(HELLO.encode() + EOM)
        session.open(self.channel, timeouts=timeouts)
        self._next()
        return session

    def asked(self) -> str:
        """Return the message-id of the next rpc."""
        return re.search(rb'message-id="([^"]*)"', self._next())[1].decode()

    def reply(self, content: bytes) -> None:
        start = f'<rpc-reply xmlns="{BASE}" message-id="{self.asked()}">'
        self.sock.sendall(start.encode() + content + b"</rpc-reply>" + EOM)

    def begin_reply(self, content: bytes) -> None:
        start = f'<rpc-reply xmlns="{BASE}" message-id="{self.asked()}">'
        self.sock.sendall(start.encode() + content)

    def script(self, play, *arguments) -> None:
        thread = threading.Thread(target=play, args=arguments, daemon=True)
        self._scripts.append(thread)
        thread.start()

    def hang_up(self) -> None:
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.hang_up()
        for session in self._sessions:
            session.close()
        self.channel.abort()
        for thread in self._scripts:
            thread.join(20)
        self.sock.close()

    def _next(self) -> bytes:
        while EOM not in self._received:
            part = self.sock.recv(1 << 20)
            if not part:
                raise EOFError
            self._received += part
        message, _, self._received = self._received.partition(EOM)
        return message


BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"
