"""Sending by `await`: room in the queue, and messages in pieces."""

from __future__ import annotations

import asyncio

import pytest
from aio_peer import connected

import ncwire
from ncwire import BrokenMessageError, Limits, SendQueueFullError, Timeouts

LIMITS = Limits(send_queue=100_000)


async def fill(session, peer) -> None:
    """Have the queue full: the peer reads nothing."""
    peer.pause()
    for size in (300_000, 10_000, 50):
        while True:
            try:
                async with asyncio.timeout(0.1):
                    await session.send(f"<a>{'x' * size}</a>")
            except TimeoutError:
                break


def test_who_sends_waits_for_room_and_the_loop_goes_on(run):
    async def main():
        async with connected(limits=LIMITS) as (session, peer):
            await fill(session, peer)
            waiting = [asyncio.create_task(session.rpc(f"<get n='{n}'/>")) for n in range(5)]
            await asyncio.sleep(0.05)
            assert not any(each.done() for each in waiting)
            peer.resume()
            answering = asyncio.create_task(peer.answer_all())

            async def answer():
                while request := await peer.receive():
                    if "message-id" in request:
                        await peer.reply(request)

            answering.cancel()
            answering = asyncio.create_task(answer())
            assert all([(await each).ok for each in waiting])
            answering.cancel()

    run(main())


def test_no_room_in_time_is_an_error_and_nothing_is_sent(run):
    async def main():
        async with connected(limits=LIMITS) as (session, peer):
            await fill(session, peer)
            with pytest.raises(SendQueueFullError):
                await session.rpc("<never/>", 0.05)
            with pytest.raises(SendQueueFullError):
                async with session.stream("<never/>", 0.05):
                    pass
            assert session.connected
            peer.resume()
            rpc = asyncio.create_task(session.rpc("<get/>"))
            while "<get/>" not in (request := await peer.receive()):
                assert "<never/>" not in request
            await peer.reply(request)
            assert (await rpc).ok

    run(main())


def test_who_waits_for_room_is_told_of_the_end(run):
    async def main():
        async with connected(limits=LIMITS, timeouts=Timeouts(close=0.1)) as (session, peer):
            await fill(session, peer)
            rpc = asyncio.create_task(session.rpc("<get/>"))
            sending = asyncio.create_task(session.send("<a/>"))
            await asyncio.sleep(0)
            await session.close()
            for each in (rpc, sending):
                with pytest.raises(ncwire.SessionCloseError):
                    await each

    run(main())


def test_one_that_is_cancelled_in_the_line_is_not_sent(run):
    async def main():
        async with connected(limits=LIMITS) as (session, peer):
            await fill(session, peer)
            tasks = [
                asyncio.create_task(session.rpc("<never/>")),
                asyncio.create_task(session.send(f"<never>{'x' * 99}</never>")),
                asyncio.create_task(session.rpc(pieces("<never>", "</never>"))),
                asyncio.create_task(session.rpc("<get/>")),
            ]
            await asyncio.sleep(0.01)
            for each in tasks[:3]:
                each.cancel()
            await asyncio.wait(tasks[:3])
            assert all(each.cancelled() for each in tasks[:3])
            peer.resume()
            while "<get/>" not in (request := await peer.receive()):
                assert "<never" not in request
            await peer.reply(request)
            assert (await tasks[3]).ok

    run(main())


async def pieces(*texts):
    for text in texts:
        yield text.encode()
        await asyncio.sleep(0)


def test_an_operation_comes_in_pieces(run):
    async def main():
        async with connected() as (session, peer):
            large = ["<edit>", *["<n>" + "z" * 5000 + "</n>"] * 200, "</edit>"]
            whole = "".join(large)
            for kind in (pieces(*large), [each.encode() for each in large]):
                rpc = asyncio.create_task(session.rpc(kind))
                request = await peer.receive()
                assert whole in request
                await peer.reply(request)
                assert (await rpc).ok
            sending = asyncio.create_task(session.send(pieces("<rpc>", "</rpc>")))
            assert await peer.receive() == "<rpc></rpc>"
            await sending
            stream = session.stream(pieces("<get>", "</get>"))
            streaming = asyncio.create_task(read(stream))
            await peer.reply(await peer.receive())
            assert b"<ok/>" in await streaming

    run(main())


def test_others_come_after_a_message_in_pieces(run):
    async def main():
        async with connected() as (session, peer):
            go_on = asyncio.Event()

            async def slow():
                yield b"<edit>" + b"x" * 200_000
                await go_on.wait()
                yield b"</edit>"

            first = asyncio.create_task(session.rpc(slow()))
            await asyncio.sleep(0.01)
            second = asyncio.create_task(session.rpc("<get/>"))
            third = asyncio.create_task(session.rpc(pieces("<third>", "</third>")))
            await asyncio.sleep(0.01)
            go_on.set()
            for name, task in (("edit", first), ("get", second), ("third", third)):
                request = await peer.receive()
                assert f"<{name}" in request
                await peer.reply(request)
                assert (await task).ok

    run(main())


def test_the_peer_paces_a_message_in_pieces(run):
    async def main():
        async with connected() as (session, peer):
            given = 0

            async def much():
                nonlocal given
                yield b"<edit>"
                for _ in range(1000):
                    given += 1
                    yield b"x" * 65536
                yield b"</edit>"

            peer.pause()
            rpc = asyncio.create_task(session.rpc(much()))
            seen = -1
            while seen != given:
                seen = given
                await asyncio.sleep(0.2)
            assert 0 < given < 200
            peer.resume()
            with pytest.raises(asyncio.LimitOverrunError):
                await peer.receive()  # more than it takes, but it comes
            rpc.cancel()
            with pytest.raises(asyncio.CancelledError):
                await rpc
            await session.wait_closed()
            assert isinstance(session.cause, BrokenMessageError)

    run(main())


def test_what_goes_wrong_before_anything_was_sent_leaves_the_session(run):
    async def main():
        async with connected() as (session, peer):

            async def failing():
                yield b"<edit>"
                raise KeyError("mine")

            with pytest.raises(KeyError, match="mine"):
                await session.rpc(failing())
            with pytest.raises(ncwire.OptionError, match="element"):
                await session.rpc(pieces("no", " element"))
            with pytest.raises(ncwire.OptionError, match="of str"):
                await session.rpc(["<edit/>"])
            answering = asyncio.create_task(peer.answer_all())
            assert (await session.rpc("<get/>")).ok
            answering.cancel()

    run(main())


def test_what_goes_wrong_in_the_middle_ends_it(run):
    async def main():
        async with connected() as (session, _):

            async def failing():
                yield b"<edit>" + b"x" * 200_000
                raise KeyError("mine")

            with pytest.raises(KeyError, match="mine"):
                await session.rpc(failing())
            await session.wait_closed()
            assert isinstance(session.cause, BrokenMessageError)

    run(main())


def test_what_yields_the_pieces_cannot_send_itself(run):
    async def main():
        async with connected() as (session, _):

            async def sending():
                yield b"<edit>" + b"x" * 200_000
                await session.rpc("<get/>")

            with pytest.raises(ncwire.SessionError, match="in the middle of that message"):
                await session.rpc(sending())

    run(main())


async def read(opening) -> bytes:
    return b"".join([piece async for piece in opening])
