"""Persistent sessions and event loops: closed too early, another one, and a forked child's."""

from __future__ import annotations

import asyncio
import copy
import gc
import pickle

import pytest
from aio_changes import LATER, Reached, persistent
from aio_loops import loop_factory

from children import in_child, refusal
from ncwire.errors import SessionError
from ncwire.persistent import State
from restarted_device import AT_ONCE

QUICK = 4.0
"""Seconds: less than any budget that would be waited out."""


def test_a_loop_that_is_closed_with_one_that_waits(run, device):
    device.stop()

    async def main():
        waits = Reached(State.WAITING)
        keeper = persistent(device, backoff=LATER, on_change=waits)
        await waits.event.wait()
        return keeper, keeper.notifications()

    with pytest.warns(ResourceWarning, match=r"persistent session with /.*: its event loop"):
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
