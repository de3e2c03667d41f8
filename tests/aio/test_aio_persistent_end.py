"""The end of a session that comes back, by `await`: at once, from anywhere, with nothing left."""

from __future__ import annotations

import asyncio
import copy
import gc
import pickle
import random
import signal
import time

import pytest
from aio_changes import persistent
from aio_loops import loop_factory

import ncwire
from children import in_child, refusal
from ncwire.errors import SessionCloseError, SessionError
from ncwire.persistent import Backoff, State
from restarted_device import AT_ONCE

LATER = Backoff(first=1000, ceiling=1000, random=lambda: 1.0)
QUICK = 4.0
"""Seconds: less than any budget that would be waited out."""


class Reached:
    """An `on_change` that lets a task wait for a state."""

    def __init__(self, state):
        self.state = state
        self.seen = []
        self.event = asyncio.Event()

    def __call__(self, status):
        self.seen.append(status.state)
        if status.state is self.state:
            self.event.set()


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
        sessions = []

        async def prepare(session):
            sessions.append(session)
            await keeper.close()
            assert not session.connected

        keeper = persistent(device, on_session=prepare)
        began = time.monotonic()
        with pytest.raises(SessionCloseError):
            await keeper.session(20)
        await keeper.close()
        assert time.monotonic() - began < QUICK
        assert len(sessions) == 1
        assert keeper.status.sessions == 0

    run(main())


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


def test_a_loop_that_is_closed_with_one_that_waits(run, device):
    device.stop()

    async def main():
        waits = Reached(State.WAITING)
        keeper = persistent(device, backoff=LATER, on_change=waits)
        await waits.event.wait()
        return keeper, keeper.notifications()

    with pytest.warns(ResourceWarning, match="persistent session with the device: its event loop"):
        keeper, _ = run(main())
    assert "its event loop was closed" in str(keeper.cause)


def test_a_loop_that_is_closed_with_one_that_is_up(run, device):
    async def main():
        keeper = persistent(device)
        return keeper, await keeper.session(20)

    with pytest.warns(ResourceWarning, match="unclosed session .*its event loop was closed"):
        keeper, session = run(main())
    assert keeper.cause is session.cause
    assert keeper.status.state is State.STOPPED


def test_a_run_that_ends_while_it_connects(run, device):
    begun = []

    async def prepare(session):
        begun[0].set()
        await asyncio.Event().wait()

    async def main():
        begun.append(asyncio.Event())
        keeper = persistent(device, on_session=prepare)
        await begun[0].wait()
        return keeper

    keeper = run(main())
    assert "CancelledError" in str(keeper.cause)


def test_another_loop_is_told_which(run, device, kind):
    async def main():
        keeper = persistent(device)
        await keeper.session(20)

        def elsewhere():
            async def use():
                for call in (keeper.session, keeper.close):
                    with pytest.raises(SessionError, match="served by another event loop"):
                        await call()
                with pytest.raises(SessionError, match="served by another event loop"):
                    keeper.notifications()

            with asyncio.Runner(loop_factory=loop_factory(kind)) as runner:
                runner.run(use())

        await asyncio.to_thread(elsewhere)
        assert (await keeper.rpc("<get/>", 20)).ok
        await keeper.close()

    run(main())


@pytest.mark.parametrize("up", [True, False])
def test_a_forked_child_has_stopped_and_the_parents_lives_on(run, device, up):
    async def main():
        changes = Reached(State.WAITING)
        backoff = AT_ONCE if up else LATER
        keeper = persistent(device, backoff=backoff, on_change=changes)
        stream = keeper.notifications()
        session = await keeper.session(20)
        if not up:
            device.stop()
            await changes.event.wait()

        def child():
            before = len(changes.seen)
            told = {
                name: refusal(lambda call=call: asyncio.run(call()))
                for name, call in {
                    "session": lambda: keeper.session(60),
                    "rpc": lambda: keeper.rpc("<get/>", 60),
                    "get": lambda: stream.get(60),
                    "close": keeper.close,
                }.items()
            }
            return keeper.status.state.value, told, len(changes.seen) - before

        state, told, changed = await asyncio.to_thread(in_child, child)
        assert (state, changed) == ("stopped", 0)
        for name, (kind, text, seconds) in told.items():
            assert (kind, name) == ("" if name == "close" else "SessionCloseError", name)
            assert "forked" in text or name == "close"
            assert seconds < QUICK
        if up:
            assert await keeper.session(20) is session
            assert (await keeper.rpc("<get/>", 20)).ok
        else:
            assert keeper.status.state is State.WAITING
        await keeper.close()

    run(main())


def test_it_is_neither_copied_nor_pickled(run, device):
    async def main():
        async with persistent(device) as keeper:
            for each in (keeper, keeper.notifications()):
                for attempt in (pickle.dumps, copy.copy):
                    with pytest.raises(TypeError, match="cannot be copied or pickled"):
                        attempt(each)

    run(main())


def test_it_lives_though_nobody_knows_it(run, device):
    async def main():
        ups, keepers = Reached(State.UP), []
        persistent(device, on_change=ups, on_session=keepers.append)
        gc.collect()
        await ups.event.wait()
        ups.event.clear()
        device.hang_up()
        gc.collect()
        await ups.event.wait()

    with pytest.warns(ResourceWarning, match="unclosed session"):
        run(main())
