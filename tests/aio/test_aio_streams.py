"""Streamed replies, sinks and notifications, by `await`."""

from __future__ import annotations

import asyncio

import pytest
from aio_peer import BASE, EOM, connected

import ncwire
from ncwire import RPCTimeoutError, SessionCloseError, StepTimeoutError

MEGABYTE = b"x" * 2**20


async def send_large(peer, request: str, megabytes: int) -> None:
    message_id = request.partition('message-id="')[2].partition('"')[0]
    head = f'<rpc-reply xmlns="{BASE}" message-id="{message_id}"><data>'.encode()
    await peer.send_raw(head)
    for _ in range(megabytes):
        await peer.send_raw(MEGABYTE)
    await peer.send_raw(b"</data></rpc-reply>" + EOM)


def test_a_reply_is_streamed_in_each_way(run):
    async def main():
        async with connected() as (session, peer):
            answering = asyncio.create_task(peer.answer_all("<data>" + "y" * 100_000 + "</data>"))
            async with session.stream("<get/>") as stream:
                assert stream.root[0] == f"{{{BASE}}}rpc-reply"
                whole = b"".join([piece async for piece in stream])
                assert stream.size == len(whole) > 100_000
            stream = await session.stream("<get/>")
            assert (await stream.read(10)).startswith(b"<rpc-reply")
            assert len(await stream.read()) == len(whole) - 10
            assert await stream.read(10) == b""
            assert len(b"".join([piece async for piece in session.stream("<get/>")])) == len(whole)
            answering.cancel()

    run(main())


def test_a_sink_is_called_or_awaited(run, tmp_path):
    async def main():
        async with connected() as (session, peer):
            answering = asyncio.create_task(peer.answer_all("<data>" + "y" * 100_000 + "</data>"))
            pieces = []

            async def take(piece):
                await asyncio.sleep(0)
                pieces.append(piece)

            class File:
                async def write(self, piece):
                    pieces.append(piece)

            reply = await session.rpc("<get/>", sink=take)
            assert reply.size == sum(map(len, pieces))
            await session.rpc("<get/>", sink=File())
            assert 2 * reply.size == sum(map(len, pieces))
            with (tmp_path / "reply.xml").open("wb") as file:
                await session.rpc("<get/>", sink=file)
            assert (tmp_path / "reply.xml").stat().st_size == reply.size
            with pytest.raises(ncwire.OptionError, match="sink"):
                await session.rpc("<get/>", sink=7)
            answering.cancel()

    run(main())


def test_the_peer_is_not_read_while_the_reader_is_behind(run):
    async def main():
        async with connected() as (session, peer):
            opening = asyncio.ensure_future(session.stream("<get/>").__aenter__())
            sending = asyncio.create_task(send_large(peer, await peer.receive(), 40))
            stream = await opening
            # Nothing is taken: so the peer comes to a stop, with much of it unsent.
            while not (last := peer.unread()) or last != await later(peer.unread):
                pass
            assert not sending.done()
            size = 0
            async for piece in stream:
                size += len(piece)
            assert size > 40 * 2**20
            await sending

    async def later(function):
        await asyncio.sleep(0.2)
        return function()

    run(main())


def test_a_stream_that_is_closed_early_leaves_the_session(run):
    async def main():
        async with connected() as (session, peer):
            task = asyncio.ensure_future(session.stream("<get/>").__aenter__())
            sending = asyncio.create_task(send_large(peer, await peer.receive(), 8))
            stream = await task
            await anext(stream)
            await stream.close()
            with pytest.raises(ncwire.SessionError, match="closed"):
                await anext(stream)
            await sending
            answering = asyncio.create_task(peer.answer_all())
            assert (await session.rpc("<get/>")).ok
            answering.cancel()

    run(main())


def test_a_stream_ends_with_the_session_or_in_time(run):
    async def main():
        async with connected() as (session, peer):
            with pytest.raises(RPCTimeoutError):
                await session.stream("<get/>", 0.02)
            await peer.receive()
            task = asyncio.ensure_future(session.stream("<get/>", 0.1).__aenter__())
            message_id = (await peer.receive()).partition('message-id="')[2].partition('"')[0]
            await peer.send_raw(f'<rpc-reply xmlns="{BASE}" message-id="{message_id}">'.encode())
            async with await task as stream:
                await anext(stream)
                with pytest.raises(RPCTimeoutError, match="bytes"):
                    await anext(stream)
            task = asyncio.ensure_future(session.stream("<get/>").__aenter__())
            await peer.receive()
            await peer.close()
            with pytest.raises(SessionCloseError):
                await task

    run(main())


def test_notifications_come_in_their_order(run):
    async def main():
        async with connected() as (session, peer), session.notifications() as events:
            for n in range(200):
                await peer.send(f"<notification><n>{n}</n></notification>")
            got = [await events.get() for _ in range(200)]
            assert [f"<n>{n}</n>" in each.raw for n, each in enumerate(got)] == [True] * 200
            assert events.received == 200
            assert events.dropped == events.undecodable == 0
            assert await events.get(0, None) is None
            with pytest.raises(StepTimeoutError):
                await events.get(0.01)

    run(main())


def test_iterating_over_notifications_ends_with_the_session(run):
    async def main():
        async with connected() as (session, peer):
            seen, first = [], asyncio.Event()

            async def read(events):
                async for event in events:
                    seen.append(event)
                    first.set()

            reading = asyncio.create_task(read(session.notifications()))
            await peer.send("<notification/>")
            await first.wait()
            await session.close()
            await reading
        async with connected() as (session, peer):
            reading = asyncio.create_task(read(session.notifications()))
            await peer.close()
            with pytest.raises(SessionCloseError):
                await reading

    run(main())


def test_a_reader_that_lags_loses_the_oldest(run):
    async def main():
        async with connected() as (session, peer), session.notifications(maxsize=3) as events:
            answering = asyncio.create_task(peer.answer_all())
            for n in range(10):
                await peer.send(f"<notification><n>{n}</n></notification>")
            await session.rpc("<get/>")
            assert (events.received, events.dropped) == (10, 7)
            assert "<n>7</n>" in (await events.get()).raw
            answering.cancel()

    run(main())


def test_reading_on_and_on_lets_other_tasks_have_their_turn(run):
    async def main():
        async with connected() as (session, peer), session.notifications() as events:
            answering = asyncio.create_task(peer.answer_all())
            for _ in range(500):
                await peer.send("<notification/>")
            await session.rpc("<get/>")
            turns = 0

            async def other():
                nonlocal turns
                while True:
                    turns += 1
                    await asyncio.sleep(0)

            task = asyncio.create_task(other())
            for _ in range(500):
                await events.get(0)
            assert turns >= 5
            task.cancel()
            answering.cancel()

    run(main())
