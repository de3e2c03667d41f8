"""Several tasks that wait for the same thing: each gets its own, and none waits for ever."""

from __future__ import annotations

import asyncio

import pytest
from aio_peer import BASE, connected

from ncwire import SessionError


def test_notifications_are_shared_out(run):
    async def main():
        async with connected() as (session, peer), session.notifications() as events:
            tasks = [asyncio.create_task(events.get()) for _ in range(3)]
            await asyncio.sleep(0)
            tasks.pop().cancel()
            for n in range(2):
                await peer.send(f"<notification><n>{n}</n></notification>")
            got = await asyncio.gather(*tasks)
            assert sorted(f"<n>{n}</n>" in each.raw for n in range(2) for each in got) == (
                [False, False, True, True]
            )

    run(main())


def test_all_that_wait_for_notifications_are_told_of_the_end(run):
    async def main():
        async with connected() as (session, _), session.notifications() as events:
            tasks = [asyncio.create_task(events.get()) for _ in range(2)]
            await asyncio.sleep(0)
            await session.close()
            ends = await asyncio.gather(*tasks, return_exceptions=True)
            assert ends == [session.cause] * 2

    run(main())


def test_a_stream_is_read_by_one(run):
    async def main():
        async with connected() as (session, peer):
            opening = asyncio.ensure_future(session.stream("<get/>").__aenter__())
            request = await peer.receive()
            message_id = request.split('message-id="')[1].split('"')[0]
            await peer.send_raw(f'<rpc-reply xmlns="{BASE}" message-id="{message_id}">'.encode())
            stream = await opening
            await anext(stream)
            first = asyncio.create_task(anext(stream))
            await asyncio.sleep(0)
            with pytest.raises(SessionError, match="another task reads this stream"):
                await anext(stream)
            await peer.send_raw(b"<data/></rpc-reply>]]>]]>")
            assert b"<data/>" in await first + await stream.read()

    run(main())


def test_what_is_opened_is_entered_by_one(run):
    async def main():
        async with connected() as (session, peer):
            answering = asyncio.create_task(peer.answer_all())
            opening = session.stream("<get/>")
            async with opening as stream:
                with pytest.raises(SessionError, match="entered already"):
                    await opening.__aenter__()
                assert b"<ok/>" in await stream.read()
            async with opening as again:  # and left, once more
                assert b"<ok/>" in await again.read()
            answering.cancel()

    run(main())
