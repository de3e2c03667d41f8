"""Sessions that come back, by `await`: as the sync ones do, in one event loop, with no thread."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections import Counter

import pytest
from aio_changes import LATER, Changes, persistent

import ncwire
from ncwire.errors import (
    AuthenticationError,
    ConnectError,
    NoSessionError,
    OptionError,
    RPCError,
    SessionCloseError,
    SessionError,
    SSHError,
    SSHUnknownHostError,
)
from ncwire.persistent import State
from ncwire.testing import EmbeddedServer
from restarted_device import AT_ONCE, SUBSCRIBE


async def silent(device):
    """Return once the device has got an rpc that it does not answer."""
    assert await asyncio.to_thread(device.silent.acquire, timeout=20)


async def subscribe(session):
    await session.rpc(SUBSCRIBE, 20, check=True)


def test_the_same_parameters_as_the_sync_one():
    for awaited, sync in (
        (ncwire.aio.Persistent, ncwire.Persistent),
        (ncwire.aio.Persistent.from_function, ncwire.Persistent.from_function),
    ):
        names = [name for name in inspect.signature(sync).parameters if name != "hub"]
        assert [*inspect.signature(awaited).parameters] == names


def test_a_session_is_there_and_the_counters_tell(run, device):
    async def main():
        async with persistent(device) as keeper:
            session = await keeper.session(20)
            assert (await keeper.rpc("<get/>", 20)).ok
            assert await keeper.session() is session
            assert keeper.connected
            status = keeper.status
            assert (status.state, status.sessions, status.attempts) == (State.UP, 1, 1)
            assert keeper.cause is None
            assert keeper.name == device.path
            shown = f"<ncwire.aio.Persistent {device.path}: up, 1 sessions, 1 attempts>"
            assert repr(keeper) == shown
        assert keeper.status.state is State.STOPPED
        assert not session.connected
        assert "<close-session" in device.received[-1]
        with pytest.raises(SessionCloseError, match="persistent session was closed"):
            await keeper.rpc("<get/>")

    run(main())


def test_another_session_takes_its_place(run, device):
    async def main():
        changes = Changes()
        async with persistent(device, on_change=changes) as keeper:
            first = await keeper.session(20)
            device.hang_up()
            await changes.wait_for(State.UP, 2)
            assert await keeper.session(20) is not first
            assert (await keeper.rpc("<get/>", 20)).ok
            assert (await changes.wait_for(State.WAITING)).cause is first.cause
        assert changes.seen[0].state is State.CONNECTING
        assert changes.seen[-1].state is State.STOPPED

    run(main())
    assert sum("<get/>" in each for each in device.received) == 1


def test_what_was_under_way_gets_the_cause_and_is_sent_once(run, device):
    async def main():
        async with persistent(device) as keeper:
            session = await keeper.session(20)
            callers = [
                asyncio.ensure_future(keeper.rpc(f"<silence>{number}</silence>", 60))
                for number in range(4)
            ]
            for _ in callers:
                await silent(device)
            device.hang_up()
            errors = await asyncio.gather(*callers, return_exceptions=True)
            assert errors == [session.cause] * 4
            assert (await keeper.rpc("<get/>", 20)).ok

    run(main())
    sent = Counter(each.partition("<silence>")[2] for each in device.received if "silence" in each)
    assert sorted(sent.values()) == [1, 1, 1, 1]


def test_who_comes_while_there_is_none_waits(run, device):
    async def main():
        device.stop()
        changes = Changes()
        async with persistent(device, on_change=changes) as keeper:
            await changes.wait_for(State.WAITING, 2)
            caller = asyncio.ensure_future(keeper.rpc("<get/>", 30))
            await asyncio.sleep(0)
            device.start()
            assert (await caller).ok

    run(main())


def test_who_waits_in_vain_is_told_why_and_when(run, device):
    async def main():
        device.stop()
        changes = Changes()
        async with persistent(device, backoff=LATER, on_change=changes) as keeper:
            await changes.wait_for(State.WAITING)
            with pytest.raises(NoSessionError, match=r"within 0\.01 s: waiting") as caught:
                await keeper.rpc("<get/>", 0.01)
            assert 900 < caught.value.next_attempt <= 1000
            assert caught.value.__cause__ is keeper.status.cause
            with pytest.raises(OptionError, match="timeout"):
                await keeper.session(-1)

    run(main())


@pytest.mark.parametrize("awaited", [True, False])
def test_on_session_comes_before_any_caller(run, device, awaited):
    async def main():
        begun, go_on = asyncio.Event(), asyncio.Event()
        sessions = []

        async def prepare(session):
            begun.set()
            await go_on.wait()
            await session.rpc("<lock/>", 20)
            sessions.append(session)

        async with persistent(
            device, on_session=prepare if awaited else sessions.append
        ) as keeper:
            if awaited:
                await begun.wait()
                caller = asyncio.ensure_future(keeper.rpc("<get/>", 30))
                with pytest.raises(NoSessionError, match="connecting"):
                    await keeper.session(0)
                go_on.set()
                await caller
                first, second = device.received[:2]
                assert "<lock/>" in first
                assert "<get/>" in second
            assert [await keeper.session(20)] == sessions

    run(main())


def test_an_on_session_that_fails_is_a_failed_attempt(run, device):
    async def main():
        device.refused = {"<lock/>"}
        sessions, changes = [], Changes()

        async def prepare(session):
            sessions.append(session)
            await session.rpc("<lock/>", 20, check=True)

        async with persistent(device, on_session=prepare, on_change=changes) as keeper:
            failed = await changes.wait_for(State.WAITING, 2)
            assert isinstance(failed.cause, RPCError)
            assert failed.sessions == 0
            device.refused = set()
            assert await keeper.session(20) is sessions[-1]
            assert [each.connected for each in sessions[:-1]] == [False] * (len(sessions) - 1)

    run(main())


def test_a_session_that_ends_in_on_session_was_none(run, device):
    async def main():
        changes = Changes()

        async def prepare(session):
            await session.close()

        async with persistent(device, on_session=prepare, on_change=changes):
            failed = await changes.wait_for(State.WAITING, 2)
            assert isinstance(failed.cause, SessionCloseError)
            assert failed.sessions == 0

    run(main())


def test_a_fault_in_on_session_stops_it_for_all(run, device, caplog):
    async def main():
        async def prepare(session):
            raise TypeError("a fault")

        keeper = persistent(device, on_session=prepare)
        for _ in range(2):
            with pytest.raises(TypeError, match="a fault"):
                await keeper.session(20)
        assert keeper.status.state is State.STOPPED
        assert device.connections == 1
        await keeper.close()

    run(main())
    assert "no session came to be" in caplog.text


def test_on_session_cannot_wait_for_itself(run, device):
    async def main():
        told = []

        async def prepare(session):
            with pytest.raises(SessionError) as caught:
                await keeper.rpc("<get/>", 60)
            told.append(str(caught.value))

        keeper = persistent(device, on_session=prepare)
        await keeper.session(20)
        assert "use what on_session is given" in told[0]
        await keeper.close()

    run(main())


def test_a_host_key_that_is_not_known_is_asked_for_once(run):
    with EmbeddedServer() as server:

        async def main():
            keeper = ncwire.aio.Persistent(
                server.host, port=server.port, username="x", retry=lambda _: True, backoff=AT_ONCE
            )
            for _ in range(2):
                with pytest.raises(SSHUnknownHostError):
                    await keeper.session(20)
            assert keeper.status.attempts == 1
            assert keeper.status.state is State.STOPPED

        ncwire_used_before(server)
        run(main())


def ncwire_used_before(server):
    """What a driver makes once for a process is there."""
    with pytest.raises(SSHUnknownHostError):
        ncwire.connect(server.host, port=server.port, username="x")


def test_what_is_wrong_with_the_parameters(run, device):
    async def main():
        for wrong in ({"on_change": subscribe}, {"retry": subscribe}, {"on_session": 7}):
            with pytest.raises(OptionError, match=next(iter(wrong))):
                persistent(device, **wrong)
        with pytest.raises(OptionError, match=r"sock: .*one session only"):
            ncwire.aio.Persistent("r1", sock=7)
        with pytest.raises(TypeError, match="no hub"):
            ncwire.aio.Persistent("r1", hub=None)
        with pytest.raises(TypeError, match="no_such"):
            ncwire.aio.Persistent("r1", no_such=1)
        keeper = ncwire.aio.Persistent("r1", driver="no-such-driver")
        with pytest.raises(ncwire.DriverError, match="no-such-driver"):
            await keeper.session(20)

    run(main())


def test_without_a_loop_it_says_so():
    with pytest.raises(RuntimeError, match="no running event loop"):
        ncwire.aio.Persistent("192.0.2.1")


def test_sessions_of_a_function(run, device):
    async def main():
        made, changes = [], Changes()

        async def make():
            made.append(await ncwire.aio.connect(**device.target))
            return made[-1]

        options = {"backoff": AT_ONCE, "on_change": changes}
        async with ncwire.aio.Persistent.from_function(make, name="r1", **options) as keeper:
            assert await keeper.session(20) is made[0]
            await made[0].close()  # whoever ends it has the next one made
            await changes.wait_for(State.UP, 2)
            assert await keeper.session(20) is made[1]
            assert "r1" in repr(keeper)
        keeper = ncwire.aio.Persistent.from_function(lambda: ncwire.aio.connect(**device.target))
        assert (await keeper.rpc("<get/>", 20)).ok
        await keeper.close()
        keeper = ncwire.aio.Persistent.from_function(lambda: 7)
        with pytest.raises(TypeError, match=r"as ncwire\.aio\.connect does, not builtins\.int"):
            await keeper.session(20)
        sync = ncwire.connect(**device.target)
        keeper = ncwire.aio.Persistent.from_function(lambda: sync)
        with pytest.raises(TypeError, match=r"not ncwire\..*UnixSocketSession"):
            await keeper.session(20)
        assert not sync.connected
        sync.join(20)

    run(main())


def test_many_are_kept_with_no_thread(run, device):
    async def main():
        before = set(threading.enumerate())
        changes = [Changes() for _ in range(30)]
        keepers = [persistent(device, on_change=each) for each in changes]
        for each in keepers:
            await each.session(20)
        ours = set(threading.enumerate()) - before
        assert not [each for each in ours if "ncwire-connector" in each.name]
        device.hang_up()
        for each in changes:
            await each.wait_for(State.UP, 2)
        for each in keepers:
            assert (await each.rpc("<get/>", 20)).ok
        for each in keepers:
            await each.close()

    run(main())


def test_an_attempt_that_fails_tells_in_the_status(run, device):
    async def main():
        device.stop()
        changes = Changes()
        keeper = persistent(device, on_change=changes)
        failed = await changes.wait_for(State.WAITING, 3)
        assert isinstance(failed.cause, ConnectError)
        assert (failed.sessions, failed.attempts, failed.failures) == (0, 3, 3)
        await keeper.close()

    run(main())


def test_logins_that_break_off_are_tried_three_times(run, device):
    async def main():
        script, ups = ["lost", "lost", "in", "lost", "lost", "in", "lost", "lost", "lost"], []

        async def make():
            if script.pop(0) == "in":
                return await ncwire.aio.connect(**device.target)
            lost = SSHError("the server hung up")
            lost.is_lost_login = True
            raise lost

        async def leave(session):
            ups.append(session)
            asyncio.get_running_loop().call_soon(device.hang_up)

        async def use():
            while True:
                await (await keeper.session(20)).wait_closed()

        keeper = ncwire.aio.Persistent.from_function(make, backoff=AT_ONCE, on_session=leave)
        with pytest.raises(AuthenticationError, match="3 logins in a row"):
            await use()
        assert script == []
        assert len(ups) == 2

    run(main())
