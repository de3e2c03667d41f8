"""For how long the event loop is held: the longest of its turns, while ncwire has much to do.

A turn is what the loop does between two calls of a function that asks to be called again at once.
`cpu` is the longest turn by the time that the loop's thread ran, `wall` by the clock, on which a
machine with other work, and threads of a driver's, leave their mark.
"""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any, Self

import ncwire
from awaiting.ways import loops
from ncwire.bench.target import Case
from ncwire.testing.memory import MemoryDriver

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"
EOM = b"]]>]]>"
HELLO = (
    f'<hello xmlns="{BASE}"><capabilities><capability>urn:ietf:params:netconf:base:1.0'
    "</capability></capabilities><session-id>7</session-id></hello>"
).encode() + EOM
NOTIFICATION = (
    b'<notification xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0">'
    b"<eventTime>2026-01-01T00:00:00Z</eventTime><event/></notification>" + EOM
)
_FLOOD = """
import socket, sys
peer = socket.socket(fileno=int(sys.argv[1]))
peer.sendall(eval(sys.argv[2]))
while b"<go/>" not in peer.recv(65536):
    pass
peer.sendall(eval(sys.argv[3]) * int(sys.argv[4]))
while peer.recv(65536):
    pass
"""


class Beat:
    """Notes how long each turn of the running event loop takes."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.cpu = self.wall = 0.0
        self._runs = False

    def __enter__(self) -> Self:
        self._runs = True
        self._cpu, self._wall = time.thread_time(), time.perf_counter()
        self._loop.call_soon(self._beat)
        return self

    def __exit__(self, *_: object) -> None:
        self._beat()
        self._runs = False

    def _beat(self) -> None:
        if not self._runs:
            return
        cpu, wall = time.thread_time(), time.perf_counter()
        self.cpu, self.wall = max(self.cpu, cpu - self._cpu), max(self.wall, wall - self._wall)
        self._cpu, self._wall = cpu, wall
        self._loop.call_soon(self._beat)

    def figures(self) -> dict[str, float]:
        return {"cpu": self.cpu, "wall": self.wall}


async def large_reply(parameters: dict[str, Any], size: int) -> dict[str, float]:
    """Receive one reply of so many bytes, which is kept and not read."""
    async with ncwire.aio.connect(**parameters) as session:
        await session.rpc(Case(0).operation())
        with Beat() as beat:
            reply = await session.rpc(Case(size).operation())
        assert len(reply.raw) > size
    return beat.figures()


async def notifications(count: int) -> dict[str, float]:
    """Receive so many notifications, by one that iterates over them."""
    ours, theirs = socket.socketpair()
    order = [repr(HELLO), repr(NOTIFICATION), str(count)]
    with theirs:
        peer = subprocess.Popen(  # noqa: ASYNC220 - before anything is measured
            [sys.executable, "-c", _FLOOD, str(theirs.fileno()), *order],
            pass_fds=[theirs.fileno()],
        )
    session = await ncwire.aio.connect(None, driver=MemoryDriver, sock=ours)
    came = 0
    with Beat() as beat:
        async with session.notifications() as events:
            await session.send("<go/>")
            while events.received < count:
                await events.get()
                came += 1
    await session.close()
    peer.wait()
    return {**beat.figures(), "read": came}


async def all_at_once(count: int) -> dict[str, float]:
    """Have so many sessions that each await a reply, and all replies there at one moment."""
    peers: list[socket.socket] = []
    sessions = []
    for _ in range(count):
        ours, theirs = socket.socketpair()
        theirs.sendall(HELLO)
        peers.append(theirs)
        sessions.append(await ncwire.aio.connect(None, driver=MemoryDriver, sock=ours))
    tasks = [asyncio.create_task(session.rpc("<get/>")) for session in sessions]
    await asyncio.sleep(0.1)
    for peer in peers:
        message = peer.recv(65536)
        while b"message-id" not in message:
            message += peer.recv(65536)
        message_id = message.partition(b'message-id="')[2].partition(b'"')[0]
        peer.sendall(
            b'<rpc-reply xmlns="%b" message-id="%b"><ok/></rpc-reply>'
            % (BASE.encode(), message_id)
            + EOM
        )
    with Beat() as beat:
        await asyncio.gather(*tasks)
    await asyncio.gather(*(session.close() for session in sessions))
    for peer in peers:
        peer.close()
    return beat.figures()


def run(
    case: Callable[..., Coroutine[Any, Any, dict[str, float]]], *arguments: Any
) -> dict[str, dict[str, float]]:
    """Return the figures of a case, by event loop."""
    found = {}
    for name, factory in loops().items():
        with asyncio.Runner(loop_factory=factory) as runner:
            found[name] = runner.run(case(*arguments))
    return found
