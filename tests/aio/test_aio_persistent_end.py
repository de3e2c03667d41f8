"""The end of a session that comes back, by `await`: at once, from anywhere, with nothing left."""

from __future__ import annotations

import asyncio
import gc
import random
import signal
import time
import weakref
from contextlib import suppress

import pytest
from aio_changes import LATER, Reached, persistent

import ncwire
from ncwire.errors import NoSessionError, SessionCloseError
from ncwire.persistent import State

QUICK = 4.0
"""Seconds: less than any budget that would be waited out."""


def test_while_it_waits_for_the_next_attempt(run, device):
    async def main():
        device.stop()
        waits = Reached(State.WAITING)
        keeper = persistent(device, backoff=LATER, on_change=waits)
        await waits.event.wait()
        waiting = asyncio.ensure_future(keeper.session(60))
        await asyncio.sleep(0)
        began = time.monotonic()
        await keeper.close()
        await keeper.close()
        with pytest.raises(SessionCloseError) as caught:
            await waiting
        assert time.monotonic() - began < QUICK
        assert caught.value is keeper.cause
        assert keeper.cause.closed_by == "us"
        assert waits.seen[-1] is State.STOPPED

    run(main())


def test_while_it_connects(run):
    async def main():
        accepted = asyncio.Event()

        async def serve(reader, writer):
            accepted.set()
            await reader.read()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            keeper = ncwire.aio.Persistent("127.0.0.1", port=port, hostkey_verify=False)
            await accepted.wait()
            began = time.monotonic()
            await keeper.close()
            assert time.monotonic() - began < QUICK
            with pytest.raises(SessionCloseError):
                await keeper.session()

    run(main())


def test_before_it_has_begun(run, device):
    async def main():
        keeper = persistent(device)
        await keeper.close()
        assert keeper.status.attempts == 0

    run(main())
    assert device.connections == 0


def test_while_on_session_is_at_work(run, device):
    async def main():
        raised, at_work = [], asyncio.Event()

        async def prepare(session):
            at_work.set()
            try:
                await session.rpc("<silence/>", 60)
            except BaseException as error:
                raised.append(error)
                raise

        keeper = persistent(device, on_session=prepare)
        await at_work.wait()
        began = time.monotonic()
        await keeper.close()
        assert time.monotonic() - began < QUICK
        assert isinstance(raised[0], asyncio.CancelledError)
        assert keeper.status.sessions == 0

    run(main())


def test_in_on_session_itself(run, device):
    async def main():
        sessions, returned = [], asyncio.Event()

        async def prepare(session):
            await keeper.close()
            sessions.append((session, session.connected))
            returned.set()

        keeper = persistent(device, on_session=prepare)
        began = time.monotonic()
        with pytest.raises(SessionCloseError):
            await keeper.session(20)
        await returned.wait()
        assert time.monotonic() - began < QUICK
        assert [connected for _, connected in sessions] == [False]
        assert keeper.status.sessions == 0

    run(main())


def test_an_on_session_that_swallows_its_cancellation(run, device):
    async def main():
        at_work, sessions = asyncio.Event(), []

        async def prepare(session):
            sessions.append(session)
            at_work.set()
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()

        keeper = persistent(device, on_session=prepare)
        await at_work.wait()
        await keeper.close()
        assert keeper.status.sessions == 0
        assert not sessions[0].connected

    run(main())


def test_changes_are_told_one_after_the_other(run, device):
    async def main():
        seen, returned = [], []

        def changed(status):
            assert seen == returned, "it is called while it is at work"
            seen.append(status.state)
            if status.state is State.CONNECTING:
                with pytest.raises(StopIteration):  # as a task does that begins eagerly
                    keeper.close().send(None)
            returned.append(status.state)

        keeper = persistent(device, on_change=changed)
        with pytest.raises(SessionCloseError):
            await keeper.session(20)
        assert returned == [State.CONNECTING, State.STOPPED]

    run(main())


def test_what_is_over_is_kept_by_nobody(run, device):
    async def main():
        device.stop()
        waits = Reached(State.WAITING)
        keeper = persistent(device, backoff=LATER, on_change=waits)
        await waits.event.wait()
        gc.collect()
        before = futures()
        for _ in range(20):
            with pytest.raises(NoSessionError):
                await keeper.session(0.001)
        gc.collect()
        assert futures() <= before + 1
        await keeper.close()
        kept = weakref.ref(waits)
        del keeper, waits
        gc.collect()
        assert kept() is None

    run(main())


def futures():
    return sum(isinstance(each, asyncio.Future) for each in gc.get_objects())


@pytest.mark.parametrize("state", [State.CONNECTING, State.UP, State.WAITING])
def test_a_task_made_in_on_change(run, device, state):
    async def main():
        tasks, seen, stopped = [], [], asyncio.Event()

        def changed(status):
            seen.append(status.state)
            if status.state is state:
                tasks.append(asyncio.ensure_future(keeper.close()))
            if status.state is State.STOPPED:
                stopped.set()

        keeper = persistent(device, on_change=changed, backoff=LATER)
        if state is State.WAITING:
            await keeper.session(20)
            device.stop()
        await stopped.wait()
        await asyncio.gather(*tasks)
        assert seen[-2:] == [state, State.STOPPED]

    run(main())


def test_a_task_made_by_a_signal(run, device):
    async def main():
        device.stop()
        keeper, tasks = persistent(device, backoff=LATER), []
        loop = asyncio.get_running_loop()
        close = keeper.close
        loop.add_signal_handler(
            signal.SIGUSR1, lambda: tasks.append(asyncio.ensure_future(close()))
        )
        try:
            signal.raise_signal(signal.SIGUSR1)
            with pytest.raises(SessionCloseError):
                await keeper.session(60)
        finally:
            loop.remove_signal_handler(signal.SIGUSR1)
        await asyncio.gather(*tasks)

    run(main())


def test_a_close_that_is_cancelled_has_stopped_it(run, device):
    async def main():
        keeper = persistent(device)
        session = await keeper.session(20)
        closing = asyncio.ensure_future(keeper.close())
        await asyncio.sleep(0)
        closing.cancel()
        await asyncio.wait([closing])
        await session.wait_closed()
        assert keeper.status.state is State.STOPPED

    run(main())


def test_a_call_that_is_cancelled_leaves_it_as_it_was(run, device):
    async def main():
        device.stop()
        waits = Reached(State.WAITING)
        keeper = persistent(device, on_change=waits)
        await waits.event.wait()
        stream = keeper.notifications()
        for call in (keeper.session(60), keeper.rpc("<get/>", 60), stream.get(60)):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await call
        device.start()
        assert (await keeper.rpc("<get/>", 20)).ok
        await keeper.close()

    run(main())
    assert len(device.received) == 1


def test_closed_at_points_drawn_by_chance(run, device):
    drawn = random.Random(1)

    async def prepare(session):
        await session.rpc("<lock/>")

    async def main():
        for _ in range(100):
            keeper = persistent(device, on_session=prepare)
            calls = [asyncio.ensure_future(keeper.rpc("<get/>")) for _ in range(2)]
            await asyncio.wait(calls, timeout=drawn.uniform(0, 0.01))
            if drawn.random() < 0.3:
                device.hang_up()
            calls[0].cancel()
            await keeper.close()
            await asyncio.wait(calls)
            assert keeper.status.state is State.STOPPED

    run(main())
