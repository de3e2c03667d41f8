"""A session by `await`: rpcs, listeners, the end."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import itertools
import threading
import time

import pytest
from aio_peer import BASE, AioPeer, connected, opening

import ncwire
from ncwire import RPCTimeoutError, SessionCloseError, SessionListener, Timeouts
from waiting import eventually


def test_an_rpc_is_answered(run):
    async def main():
        async with connected() as (session, peer):
            assert session.connected
            assert session.id == "7"
            assert ":base" in session.server_capabilities
            assert "session-id 7: connected" in repr(session)
            rpc = asyncio.create_task(session.rpc("<get/>"))
            request = await peer.receive()
            assert "<get/>" in request
            await peer.reply(request, "<data><a/></data>")
            reply = await rpc
            assert reply.data[0].tag.endswith("a")

    run(main())


def test_a_session_takes_no_thread(run):
    async def main():
        before = threading.active_count()
        async with connected() as (session, peer):
            answering = asyncio.create_task(peer.answer_all())
            await session.rpc("<get/>")
            # The pool's thread ends by itself once nothing is left to connect.
            await asyncio.to_thread(eventually, lambda: threading.active_count() <= before + 1)
            await session.rpc("<get/>")
            answering.cancel()

    run(main())


def test_replies_find_their_tasks_whatever_their_order(run):
    async def main():
        async with connected() as (session, peer), asyncio.TaskGroup() as group:
            tasks = [group.create_task(session.rpc(f"<get n='{n}'/>")) for n in range(50)]
            requests = [await peer.receive() for _ in tasks]
            for n, request in reversed(list(enumerate(requests))):
                await peer.reply(request, f"<n>{n}</n>")
            for n, task in enumerate(tasks):
                assert f"<n>{n}</n>" in (await task).raw

    run(main())


def test_an_error_is_raised_when_it_is_checked(run):
    async def main():
        async with connected() as (session, peer):
            answering = asyncio.create_task(
                peer.answer_all(
                    "<rpc-error><error-type>rpc</error-type><error-tag>in-use</error-tag>"
                    "<error-severity>error</error-severity></rpc-error>"
                )
            )
            assert not (await session.rpc("<get/>")).ok
            with pytest.raises(ncwire.RPCError, match="in-use"):
                await session.rpc("<get/>", check=True)
            answering.cancel()

    run(main())


def test_a_late_reply_is_an_error_and_is_dropped(run):
    async def main():
        async with connected() as (session, peer):
            with pytest.raises(RPCTimeoutError, match=r"0\.01 s"):
                await session.rpc("<get/>", 0.01)
            await peer.reply(await peer.receive(), "<late/>")
            answering = asyncio.create_task(peer.answer_all())
            assert "<ok/>" in (await session.rpc("<get/>")).raw
            assert session.unmatched_replies == 1
            answering.cancel()

    run(main())


def test_what_is_no_operation_is_refused_and_nothing_is_sent(run):
    async def main():
        async with connected() as (session, peer):
            for bad in ("<a", "", 7, "<a/><b/>"):
                with pytest.raises(ncwire.OptionError):
                    await session.rpc(bad)
            with pytest.raises(ncwire.OptionError, match="timeout"):
                await session.rpc("<get/>", -1)
            with pytest.raises(ncwire.OptionError, match="check"):
                await session.rpc("<get/>", check=True, sink=print)
            rpc = asyncio.create_task(session.rpc("<get/>"))
            request = await peer.receive()
            assert "<get/>" in request
            await peer.reply(request)
            await rpc

    run(main())


def test_the_peers_end_fails_what_waits_with_its_cause(run):
    async def main():
        async with connected() as (session, peer):
            rpcs = [asyncio.create_task(session.rpc("<get/>")) for _ in range(3)]
            await peer.receive()
            await peer.close()
            for each in rpcs:
                with pytest.raises(SessionCloseError) as caught:
                    await each
                assert caught.value.closed_by == "peer"
            await session.wait_closed()
            assert not session.connected
            assert session.cause.closed_by == "peer"
            with pytest.raises(SessionCloseError):
                await session.rpc("<get/>")

    run(main())


def test_leaving_the_block_ends_the_session_by_close_session(run):
    async def main():
        peer = AioPeer()
        await peer.start()
        await peer.hello()
        heard = []

        async def serve():
            await peer.receive()
            request = await peer.receive()
            heard.append("<close-session/>" in request)
            await peer.reply(request)
            heard.append(await peer.receive())

        serving = asyncio.create_task(serve())
        async with opening(peer) as session:
            pass
        await serving
        await peer.close()
        assert heard == [True, ""]
        assert session.cause.closed_by == "us"

    run(main())


def test_an_error_in_the_block_comes_out_and_ends_it(run):
    async def main():
        peer = AioPeer()
        await peer.start()
        await peer.hello()
        with pytest.raises(KeyError):
            async with opening(peer, timeouts=Timeouts(close=0.05)):
                raise KeyError
        await peer.close()

    run(main())


def test_close_ends_those_that_wait(run):
    async def main():
        async with connected() as (session, _):
            rpc = asyncio.create_task(session.rpc("<get/>"))
            await asyncio.sleep(0)
            await session.close()
            await session.close()
            with pytest.raises(SessionCloseError, match="closed by us"):
                await rpc

    run(main())


def test_a_listener_hears_on_the_loops_thread_and_may_make_tasks(run):
    async def main():
        async with connected() as (session, peer):
            heard = asyncio.get_running_loop().create_future()
            tasks = []

            class Asking(SessionListener):
                ended = None

                def callback(self, root, raw):
                    if root[0].endswith("hint"):
                        tasks.append(asyncio.create_task(session.rpc("<get/>")))
                        heard.set_result(threading.current_thread())

                def errback(self, ex):
                    self.ended = ex

            listener = Asking()
            session.add_listener(listener)
            assert session.get_listener_instance(Asking) is listener
            await peer.send("<hint/>")
            assert await heard is threading.current_thread()
            await peer.reply(await peer.receive())
            assert (await tasks[0]).ok
            await session.close()
            assert listener.ended.closed_by == "us"

    run(main())


def test_a_message_of_ones_own_is_sent(run):
    async def main():
        async with connected() as (session, peer):
            await session.send('<rpc message-id="own-1"><get/></rpc>')
            assert await peer.receive() == '<rpc message-id="own-1"><get/></rpc>'
            with pytest.raises(ncwire.UnsendableMessageError):
                await session.send("<a>]]>]]></a>")

    run(main())


def test_it_is_neither_copied_nor_used_in_another_loop(run):
    async def main():
        async with connected() as (session, _):
            with pytest.raises(TypeError):
                copy.copy(session)

            def elsewhere():
                with pytest.raises(ncwire.SessionError, match="another event loop"):
                    asyncio.run(session.rpc("<get/>"))

            await asyncio.to_thread(elsewhere)

    run(main())


def test_a_device_that_says_nothing_is_found_dead(run):
    async def main():
        peer = AioPeer()
        await peer.start()
        with pytest.raises(ncwire.HelloTimeoutError):
            await opening(peer, timeouts=Timeouts(hello=0.05))
        await peer.close()

    run(main())


def test_an_rpc_that_was_cancelled_stands_in_no_others_way(run):
    async def main():
        async with connected() as (session, peer):
            cancelled = asyncio.create_task(session.rpc("<first/>"))
            await peer.receive()
            cancelled.cancel()
            second = asyncio.create_task(session.rpc("<second/>"))
            await peer.reply(await peer.receive())
            assert (await second).ok
            third = asyncio.create_task(session.rpc("<third/>"))
            await peer.receive()
            # Without a message-id it is for the oldest that still waits.
            await peer.send(f'<rpc-reply xmlns="{BASE}"><third/></rpc-reply>')
            assert "<third/>" in (await third).raw
            assert cancelled.cancelled()

    run(main())


def test_many_that_wake_at_once_leave_others_their_turns(run):
    async def main():
        order, heard = [], asyncio.Event()
        loop = asyncio.get_running_loop()

        class Slow(SessionListener):
            """Takes longer than one turn of the home's."""

            def callback(self, root, raw):
                order.append("message")
                until = time.monotonic() + 0.003
                while time.monotonic() < until:
                    pass

            def errback(self, ex):
                pass

        def beat():
            order.append("beat")
            if order.count("message") < 10:
                loop.call_soon(beat)
            else:
                heard.set()

        async with contextlib.AsyncExitStack() as stack:
            pairs = [await stack.enter_async_context(connected()) for _ in range(10)]
            for session, _ in pairs:
                session.add_listener(Slow())
            for _, peer in pairs:
                await peer.send("<hint/>")
            loop.call_soon(beat)
            await heard.wait()
        assert ("message", "message") not in itertools.pairwise(order)

    run(main())
