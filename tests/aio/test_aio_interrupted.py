"""Ctrl-C, and signal handlers that raise, amid the event loop's own work."""

from __future__ import annotations

import asyncio
import signal

import pytest
from aio_peer import AioPeer, opening

from ncwire import SessionCloseError, SessionListener


class Interrupting(SessionListener):
    """Sends the process a signal in the middle of a turn."""

    def callback(self, root, raw):
        signal.raise_signal(signal.SIGUSR1)

    def errback(self, ex):
        pass


class Quitting(BaseException):
    """What no library catches."""


@pytest.fixture(params=[KeyboardInterrupt, Quitting])
def raised(request):
    def handler(number, frame):
        raise request.param

    before = signal.signal(signal.SIGUSR1, handler)
    yield request.param
    signal.signal(signal.SIGUSR1, before)


def test_an_interrupt_comes_out_of_the_loop_and_the_others_live_on(raised):
    # asyncio lets out of its loop what is a KeyboardInterrupt or SystemExit, and hands all else to
    # its exception handler.
    loop = asyncio.SelectorEventLoop()
    told = []
    loop.set_exception_handler(lambda _, context: told.append(type(context["exception"])))

    async def begin():
        pairs = []
        for _ in range(2):
            peer = AioPeer()
            await peer.start()
            await peer.hello()
            pairs.append((await opening(peer), peer))
            await peer.receive()
        return pairs

    async def end(session, other, peers):
        await session.wait_closed()
        answering = asyncio.ensure_future(peers[1].answer_all())
        assert (await other.rpc("<get/>")).ok
        await other.close()
        await answering
        for peer in peers:
            await peer.close()

    pairs = loop.run_until_complete(begin())
    (session, first), (other, second) = pairs
    session.add_listener(Interrupting())

    async def struck():
        await first.send("<hint/>")
        await asyncio.wait_for(session.wait_closed(), 20)

    try:
        loop.run_until_complete(struck())
    except KeyboardInterrupt:
        told.append(KeyboardInterrupt)
    assert told == [raised]
    loop.run_until_complete(asyncio.wait_for(end(session, other, [first, second]), 20))
    assert isinstance(session.cause, SessionCloseError)
    loop.close()
