"""A scripted NETCONF peer in the very event loop of the session, framing by hand."""

from __future__ import annotations

import asyncio
import re
import socket
from contextlib import asynccontextmanager, suppress

import ncwire
from ncwire.testing.memory import MemoryDriver

BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"
EOM = b"]]>]]>"
CLIENT = ["urn:ietf:params:netconf:base:1.0"]
HELLO = (
    f'<hello xmlns="{BASE}"><capabilities><capability>urn:ietf:params:netconf:base:1.0'
    "</capability></capabilities><session-id>7</session-id></hello>"
)


class AioPeer:
    """The server's side of one connection."""

    def __init__(self) -> None:
        self.ours, self._theirs = socket.socketpair()
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    async def start(self) -> None:
        self._reader, self._writer = await asyncio.open_connection(
            sock=self._theirs, limit=1 << 24
        )

    async def hello(self) -> None:
        await self.send(HELLO)

    async def send(self, document: str) -> None:
        self._writer.write(document.encode() + EOM)
        await self._writer.drain()

    async def send_raw(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def reply(self, request: str, body: str = "<ok/>") -> None:
        message_id = re.search(r'message-id="([^"]*)"', request)[1]
        await self.send(f'<rpc-reply xmlns="{BASE}" message-id="{message_id}">{body}</rpc-reply>')

    async def receive(self) -> str:
        """Return the next message, "" at the stream's end."""
        try:
            return (await self._reader.readuntil(EOM))[: -len(EOM)].decode()
        except (asyncio.IncompleteReadError, OSError):
            return ""

    async def answer_all(self, body: str = "<ok/>") -> None:
        while request := await self.receive():
            await self.reply(request, body)

    def pause(self) -> None:
        """Read nothing more from the socket, so that what the session sends stays with it."""
        self._writer.transport.pause_reading()

    def resume(self) -> None:
        self._writer.transport.resume_reading()

    def unread(self) -> int:
        """Return how many bytes of ours the session has not read yet."""
        return self._writer.transport.get_write_buffer_size()

    async def close(self) -> None:
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()


@asynccontextmanager
async def connected(**parameters):
    """Yield a session and its peer, which has read the hello; what is left open is closed."""
    peer = AioPeer()
    await peer.start()
    await peer.hello()
    session = await opening(peer, **parameters)
    try:
        await peer.receive()
        yield session, peer
    finally:
        await session.close()
        await peer.close()


def opening(peer: AioPeer, **parameters):
    return ncwire.aio.connect(
        None, driver=MemoryDriver, sock=peer.ours, capabilities=CLIENT, **parameters
    )
