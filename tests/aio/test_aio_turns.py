"""Whose turn it is: sessions that flood, and connects that are broken off, hold up no others."""

from __future__ import annotations

import asyncio
import socket
import threading

import pytest
from aio_peer import CLIENT, EOM, HELLO, AioPeer, connected, opening

import ncwire
from ncwire import TransportError
from ncwire.aio.pool import POOL
from ncwire.observe import Observer
from ncwire.testing.memory import MemoryChannel, MemoryDriver

FLOODS = 70
MESSAGE = b"<notification>" + b"x" * 8000 + b"</notification>" + EOM


class Flooding(MemoryChannel):
    """Always has something more to say, once it may."""

    flows = False

    def read(self, size):
        return MESSAGE if self.flows else super().read(size)


class FloodingDriver(MemoryDriver):
    contract = (1, 0)

    def connect(self, options, deadline):
        return Flooding(options.sock)


@pytest.fixture
def flooding():
    yield Flooding
    Flooding.flows = False


def test_sessions_that_flood_leave_the_others_their_turn(run, flooding):
    async def main():
        floods = []
        async with connected() as (quiet, peer):
            answering = asyncio.create_task(peer.answer_all())
            for _ in range(FLOODS):
                ours, theirs = socket.socketpair()
                theirs.sendall(HELLO.encode() + EOM)
                connecting = ncwire.aio.connect(
                    None, driver=FloodingDriver, sock=ours, capabilities=CLIENT
                )
                floods.append((await connecting, theirs))
            flooding.flows = True
            for _, theirs in floods:
                theirs.sendall(b"x")  # nobody takes it, so that the fd stays ready
            await asyncio.sleep(0)
            assert (await quiet.rpc("<get/>", 10)).ok
            flooding.flows = False
            answering.cancel()
        for session, theirs in floods:
            theirs.close()
            await session.close()

    run(main())


class Slow(MemoryDriver):
    """One whose connect ends with its abort, and that when it may."""

    contract = (1, 0)
    begun = threading.Event()
    aborting = threading.Event()
    may_abort = threading.Event()
    over = threading.Event()

    def connect(self, options, deadline):
        self.begun.set()
        self.over.wait(30)
        raise TransportError("aborted")

    def abort(self):
        self.aborting.set()
        self.may_abort.wait(30)
        self.over.set()


@pytest.fixture
def slow():
    events = (Slow.begun, Slow.aborting, Slow.may_abort, Slow.over)
    for event in events:
        event.clear()
    yield Slow
    for event in events:
        event.set()


async def told(event):
    """Wait for a thread's event; the loop goes on meanwhile."""
    assert await asyncio.to_thread(event.wait, 20)


def begin(driver):
    ours, theirs = socket.socketpair()
    opening = ncwire.aio.connect(None, driver=driver, sock=ours)
    return asyncio.ensure_future(opening.__aenter__()), theirs


def test_an_abort_that_takes_its_time_does_not_hold_the_loop(run, slow):
    async def main():
        connecting, theirs = begin(slow)
        await told(slow.begun)
        connecting.cancel()
        await told(slow.aborting)
        assert not connecting.done()
        slow.may_abort.set()  # by the loop, which would wait for it otherwise
        with pytest.raises(asyncio.CancelledError):
            await connecting
        theirs.close()

    run(main())


def test_cancelled_twice_it_returns_at_once_and_leaves_nothing(run, slow):
    async def main():
        connecting, theirs = begin(slow)
        await told(slow.begun)
        connecting.cancel()
        await told(slow.aborting)
        connecting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await connecting
        # It is about to be aborted still, and another session is no worse for it.
        async with connected() as (session, peer):
            answering = asyncio.create_task(peer.answer_all())
            assert (await session.rpc("<get/>")).ok
            slow.may_abort.set()
            assert (await session.rpc("<get/>")).ok
            answering.cancel()
        theirs.close()

    run(main())


def test_cancelled_when_it_is_open_it_returns_when_it_is_closed(run):
    async def main():
        loop = asyncio.get_running_loop()

        class Cancelling(Observer):
            def connect_ended(self, end):
                loop.call_soon_threadsafe(connecting.cancel)  # before it is told that it is done

        peer = AioPeer()
        await peer.start()
        await peer.hello()
        connecting = asyncio.ensure_future(opening(peer, observers=[Cancelling()]).__aenter__())
        while await peer.receive():
            pass
        await peer.close()
        began = loop.time()
        await asyncio.wait([connecting])
        assert connecting.cancelled()
        assert loop.time() - began < 3  # and not the whole of the five that it has patience

    run(main())


@pytest.fixture
def one_connects():
    size = POOL.size
    ncwire.aio.limit_connecting(1)
    yield
    ncwire.aio.limit_connecting(size)


def test_a_higher_limit_is_for_those_that_wait_too(run, slow, one_connects):
    async def main():
        connecting, theirs = begin(slow)
        await told(slow.begun)
        opening = [asyncio.ensure_future(connected().__aenter__()) for _ in range(2)]
        ncwire.aio.limit_connecting(3)
        sessions = await asyncio.gather(*opening)
        for session, peer in sessions:
            await session.close()
            await peer.close()
        slow.may_abort.set()
        connecting.cancel()
        await asyncio.wait([connecting])
        theirs.close()

    run(main())
