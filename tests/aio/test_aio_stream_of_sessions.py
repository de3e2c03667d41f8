"""Notifications of all sessions of a persistent session in one async iterator, with its gaps."""

from __future__ import annotations

import asyncio

import pytest
from aio_changes import Changes, persistent

import ncwire
from ncwire.errors import SessionCloseError
from ncwire.persistent import Gap, State
from restarted_device import SUBSCRIBE


async def subscribe(session):
    await session.rpc(SUBSCRIBE, 20, check=True)


def told(item):
    return item.raw.partition("<n>")[2].partition("</n>")[0]


def test_one_stream_over_all_sessions_with_a_gap_between(run, device):
    async def main():
        changes = Changes()
        async with (
            persistent(device, on_session=subscribe, on_change=changes) as keeper,
            keeper.notifications() as stream,
        ):
            first = await keeper.session(20)
            late = keeper.notifications()
            device.notify("a")
            device.notify("b")
            assert [told(await stream.get(20)) for _ in range(2)] == ["a", "b"]
            assert told(await late.get(20)) == "a"
            device.hang_up()
            await changes.wait_for(State.UP, 2)
            device.notify("c")
            gap = await anext(stream)
            assert isinstance(gap, Gap)
            assert gap.cause is first.cause
            assert gap.since <= gap.until
            assert told(await anext(stream)) == "c"
            assert (stream.received, stream.dropped, stream.undecodable) == (3, 0, 0)
            assert await stream.get(0, None) is None
            with pytest.raises(ncwire.StepTimeoutError):
                await stream.get(0.01)
            device.stop()
            await changes.wait_for(State.WAITING, 2)
            between = keeper.notifications()
            device.start()
            assert isinstance(await between.get(20), Gap)
        assert [type(each) async for each in stream] == [Gap]
        assert [each async for each in keeper.notifications()] == []

    run(main())


def test_a_reader_that_waits_ends_with_it(run, device):
    async def main():
        keeper = persistent(device)
        await keeper.session(20)
        stream, other = keeper.notifications(), keeper.notifications()

        async def read(stream):
            return [each async for each in stream]

        readers = [asyncio.ensure_future(read(each)) for each in (stream, other)]
        await asyncio.sleep(0)
        await other.close()
        assert await readers[1] == []
        await keeper.close()
        assert await readers[0] == []
        with pytest.raises(SessionCloseError):
            await stream.get(0)

    run(main())


def test_a_device_that_restarts_again_and_again(run, device):
    async def main():
        changes, restarts = Changes(), 20
        async with (
            persistent(device, on_session=subscribe, on_change=changes) as keeper,
            keeper.notifications() as stream,
        ):
            got = []
            for number in range(restarts):
                await changes.wait_for(State.UP, number + 1)
                assert (await keeper.rpc(f"<edit>{number}</edit>", 20)).ok
                device.notify(str(number))
                while not got or isinstance(got[-1], Gap):
                    got.append(await stream.get(20))
                assert told(got.pop()) == str(number)
                device.hang_up()
            assert len(got) == restarts - 1

    run(main())
    edits = [each for each in device.received if "<edit>" in each]
    assert len(edits) == len(set(edits)) == 20
