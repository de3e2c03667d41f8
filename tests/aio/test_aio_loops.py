"""Event loops: which serve, two at a time, one after the other, closed too early, forked."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from aio_loops import loop_factory
from aio_peer import CLIENT, EOM, HELLO, AioPeer, connected, opening

import ncwire
from ncwire.testing.memory import MemoryDriver


class Unwatching(asyncio.SelectorEventLoop):
    """As asyncio.ProactorEventLoop is, which watches no fds."""

    def add_reader(self, fd, callback, *args):
        raise NotImplementedError


def test_a_loop_that_cannot_watch_fds_is_refused_with_what_to_do():
    async def main():
        with pytest.raises(ncwire.SessionError, match=r"add_reader.*Unwatching cannot; use"):
            await ncwire.aio.connect("127.0.0.1")

    with asyncio.Runner(loop_factory=Unwatching) as runner:
        runner.run(main())


def test_without_a_loop_it_says_so():
    with pytest.raises(RuntimeError, match="no running event loop"):
        ncwire.aio.connect("127.0.0.1").__await__().send(None)


def test_nothing_is_done_before_it_is_awaited():
    ncwire.aio.connect("192.0.2.1", no_such_parameter=1)


async def one_rpc() -> None:
    async with connected() as (session, peer):
        answering = asyncio.create_task(peer.answer_all())
        assert (await session.rpc("<get/>")).ok
        answering.cancel()


def test_one_loop_after_the_other(run):
    for _ in range(3):
        run(one_rpc())


def test_two_loops_at_a_time(run):
    failed = []

    def other():
        try:
            run(one_rpc())
        except BaseException as error:
            failed.append(error)
            raise

    threads = [threading.Thread(target=other) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert not failed


class Noting(ncwire.SessionListener):
    def __init__(self):
        self.ended = []

    def callback(self, root, raw):
        pass

    def errback(self, ex):
        self.ended.append(ex)


@pytest.fixture
def silent_peer():
    """Return our socket of a pair whose other end outlives the loop, and has said hello."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(HELLO.encode() + EOM)
        yield ours


async def connect_to(ours):
    return await ncwire.aio.connect(None, driver=MemoryDriver, sock=ours, capabilities=CLIENT)


def test_a_loop_may_change_threads(kind, run):
    # The second thread may have the number of the first, and so may one that connects.
    loop = loop_factory(kind)()

    def in_thread(coroutine):
        with ThreadPoolExecutor(1) as executor:
            work = asyncio.wait_for(coroutine, 20)
            return executor.submit(loop.run_until_complete, work).result()

    async def open_both():
        peer = AioPeer()
        await peer.start()
        await peer.hello()
        return await opening(peer), peer

    async def close_both(session, peer):
        held = []

        async def beat():
            while True:
                began = time.monotonic()
                await asyncio.sleep(0)
                held.append(time.monotonic() - began)

        beating = asyncio.create_task(beat())
        await asyncio.sleep(0)
        closing = asyncio.create_task(session.close())
        await peer.receive()
        await peer.receive()
        await peer.close()
        await closing
        beating.cancel()
        assert max(held) < session_budget

    session_budget = 2.5  # of the five seconds that it would wait for itself
    loop.set_debug(True)
    for _ in range(3):
        session, peer = in_thread(open_both())
        in_thread(close_both(session, peer))
    session, peer = in_thread(open_both())
    loop.run_until_complete(close_both(session, peer))
    loop.close()


def test_a_loop_that_is_closed_with_a_session_open_leaves_nothing(silent_peer, run):
    listener = Noting()

    async def main():
        session = await connect_to(silent_peer)
        session.add_listener(listener)
        return session, session.notifications()

    with pytest.warns(ResourceWarning, match="unclosed session .*its event loop was closed"):
        session, _ = run(main())
    assert "its event loop was closed" in str(session.cause)
    assert listener.ended == [session.cause]
    assert not session.connected


def test_a_loop_that_is_closed_amid_an_rpc_leaves_nothing(silent_peer, run):
    tasks = []

    async def main():
        session = await connect_to(silent_peer)
        tasks.append(asyncio.ensure_future(session.rpc("<get/>")))
        tasks.append(asyncio.ensure_future(session.notifications().get()))
        tasks.append(asyncio.ensure_future(session.stream("<get/>").__aenter__()))
        await asyncio.sleep(0)

    with pytest.warns(ResourceWarning, match="unclosed session"):
        run(main())
    assert all(each.cancelled() for each in tasks)


def test_a_loop_that_is_closed_amid_a_connect_leaves_nothing(run):
    async def main():
        peer = AioPeer()
        await peer.start()
        asyncio.ensure_future(opening(peer).__aenter__())  # noqa: RUF006 - it is to be cancelled
        await asyncio.sleep(0.05)
        await peer.close()

    run(main())


def test_a_loop_that_is_only_closed_leaves_nothing(silent_peer, kind, run):
    # As a runner does not do: no task is cancelled.
    loop = loop_factory(kind)()
    listener = Noting()
    session = loop.run_until_complete(connect_to(silent_peer))
    session.add_listener(listener)
    with pytest.warns(ResourceWarning, match="unclosed session"):
        loop.close()
    assert not session.connected
    assert len(listener.ended) == 1


def test_a_program_that_forgets_a_session_is_told(run_program):
    out = run_program(
        """
import asyncio, socket
import ncwire
from ncwire.testing.memory import MemoryDriver

ours, theirs = socket.socketpair()
theirs.sendall(HELLO.encode() + b"]]>]]>")

async def main():
    await ncwire.aio.connect(None, driver=MemoryDriver, sock=ours)

asyncio.run(main())
theirs.close()
""".replace("HELLO", repr(HELLO)),
        warnings="default",
        stderr=True,
    )
    assert "ResourceWarning: unclosed session" in out
    assert "Traceback" not in out


def test_in_a_forked_child_it_has_ended_and_the_parents_lives_on(run_program):
    out = run_program(
        """
import asyncio, os, sys
sys.path.insert(0, "tests/aio")
from aio_peer import connected

async def one_rpc():
    async with connected() as (session, peer):
        answering = asyncio.create_task(peer.answer_all())
        assert (await session.rpc("<get/>")).ok
        answering.cancel()

def epolls():
    fds = os.listdir("/proc/self/fd")
    paths = [f"/proc/self/fd/{fd}" for fd in fds]
    links = [os.readlink(path) for path in paths if os.path.lexists(path)]
    return sum("eventpoll" in link for link in links)

def child(session, before):
    assert epolls() == before - 1  # the one that it shares with its parent is closed
    assert not session.connected
    assert session.cause.closed_by == "fork"
    asyncio.run(one_rpc())  # a new loop, with sessions of its own

async def main():
    async with connected() as (session, peer):
        answering = asyncio.create_task(peer.answer_all())
        waiting = asyncio.create_task(session.rpc("<get/>"))
        await waiting
        before = epolls()
        pid = os.fork()
        if not pid:
            try:
                asyncio._set_running_loop(None)
                child(session, before)
            except BaseException:
                import traceback
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        _, status = await asyncio.to_thread(os.waitpid, pid, 0)
        assert status == 0, status
        for _ in range(10):
            assert (await session.rpc("<get/>")).ok
        answering.cancel()

asyncio.run(main())
print("well")
"""
    )
    assert out == "well\n"
