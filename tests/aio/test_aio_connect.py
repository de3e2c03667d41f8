"""Connecting by `await`, on each driver: the same promises, and a cancelled one leaves nothing."""

from __future__ import annotations

import asyncio
import inspect
import os
import socket
import threading

import pytest
from aio_peer import connected

import installed_ssh
import ncwire
from ncwire import OptionError, SSHUnknownHostError, StepTimeoutError, Timeouts, UnsupportedOption
from ncwire.aio.pool import POOL
from ncwire.callhome import Device
from ncwire.testing import EmbeddedServer, EmbeddedUnixServer
from ncwire.testing.memory import MemoryDriver


@pytest.fixture(scope="module")
def server():
    with EmbeddedServer() as server:
        yield server


@pytest.fixture(scope="module", autouse=True)
def _used_before(server):
    """What a driver makes once for a process is there."""
    for driver in installed_ssh.QUICK:
        ncwire.connect(**way_to(server), driver=driver).close()


@pytest.fixture
def way(server):
    return way_to(server)


def way_to(server):
    return {
        "host": server.host,
        "port": server.port,
        "username": server.username,
        "password": server.password,
        "hostkey_b64": server.host_key.base64,
        "allow_agent": False,
        "look_for_keys": False,
    }


@pytest.fixture(params=installed_ssh.QUICK)
def driver(request):
    return request.param


def test_the_same_parameters_as_the_sync_one():
    awaited = inspect.signature(ncwire.aio.connect).parameters
    sync = inspect.signature(ncwire.connect).parameters
    assert [*awaited] == [name for name in sync if name != "hub"]
    assert all(awaited[name].default == sync[name].default for name in awaited)


def test_a_session_over_ssh(run, way, driver):
    async def main():
        async with ncwire.aio.connect(**way, driver=driver) as session:
            assert session.driver_choice.name == driver
            assert session.channel_info.library
            assert session.transport is not None
            assert session.port == way["port"]
            assert (await session.rpc("<get/>", check=True)).ok is not None
            replies = await asyncio.gather(*(session.rpc("<get/>") for _ in range(20)))
            assert len({each.message_id for each in replies}) == 20
            async with session.stream("<get/>") as stream:
                assert (await stream.read()).startswith(b"<")
        assert session.cause.closed_by == "us"

    run(main())


def test_a_session_over_a_unix_socket(run):
    async def main(path):
        options = {"path": path}
        async with ncwire.aio.connect(None, driver="unix", driver_options=options) as session:
            assert session.peer_address == path
            assert (await session.rpc("<get/>")).raw

    with EmbeddedUnixServer() as server:
        run(main(os.fspath(server.path)))


def test_an_unknown_host_is_refused_as_ever(run, way, driver, tmp_path):
    async def main():
        with pytest.raises(SSHUnknownHostError):
            await ncwire.aio.connect(
                **way | {"hostkey_b64": None}, known_hosts=known, driver=driver
            )

    known = tmp_path / "known_hosts"
    known.touch()
    run(main())


def test_what_cannot_be_honoured_is_refused(run):
    async def main():
        with pytest.raises(OptionError, match="port"):
            await ncwire.aio.connect("r1", port=-1)
        with pytest.raises(UnsupportedOption):
            await ncwire.aio.connect(None, driver="unix", password="x")
        with pytest.raises(TypeError, match="no_such"):
            await ncwire.aio.connect("r1", no_such=1)
        with pytest.raises(TypeError, match="hub"):
            await ncwire.aio.connect("r1", hub=ncwire.Hub)

    run(main())


@pytest.fixture
def silent():
    """Return the port of a server that accepts and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def test_a_step_that_is_late_is_an_error(run, silent, driver):
    async def main():
        with pytest.raises(StepTimeoutError):
            await ncwire.aio.connect(
                "127.0.0.1", port=silent, driver=driver, timeouts=Timeouts(handshake=0.1)
            )

    run(main())


def test_a_cancelled_connect_leaves_nothing(run, silent, driver):
    async def main():
        threads = set(threading.enumerate())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await ncwire.aio.connect("127.0.0.1", port=silent, driver=driver)
        left = {each for each in set(threading.enumerate()) - threads if "connect" in each.name}
        for each in left:
            each.join(20)  # it has told its end already, and returns
            assert not each.is_alive()

    run(main())


def test_cancelled_in_the_hello_it_leaves_nothing(run, way):
    async def main(path):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await ncwire.aio.connect(None, driver="unix", driver_options={"path": path})

    def say_nothing(stream):
        stream.recv(65536)
        stream.recv(65536)

    with EmbeddedUnixServer(script=say_nothing) as server:
        run(main(os.fspath(server.path)))


@pytest.fixture
def one_at_a_time():
    size = POOL.size
    ncwire.aio.limit_connecting(1)
    yield
    ncwire.aio.limit_connecting(size)


def test_connects_beyond_the_limit_wait_for_their_turn(run, silent, one_at_a_time):
    async def main():
        first = asyncio.create_task(connect())
        await asyncio.sleep(0.05)
        second = asyncio.create_task(connect())
        third = asyncio.create_task(connected().__aenter__())
        await asyncio.sleep(0.05)
        assert sum(each.name == "ncwire-connect" for each in threading.enumerate()) == 1
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        session, peer = await third
        await session.close()
        await peer.close()

    async def connect():
        await ncwire.aio.connect("127.0.0.1", port=silent)

    run(main())
    with pytest.raises(OptionError, match="count"):
        ncwire.aio.limit_connecting(0)


@pytest.mark.parametrize("form", ["sock", "sock_fd"])
def test_one_that_is_cancelled_before_its_turn_closes_the_socket_it_was_given(
    run, silent, one_at_a_time, form
):
    async def main():
        ours, theirs = socket.socketpair()
        given = {"sock": ours} if form == "sock" else {"sock_fd": ours.detach()}
        first = asyncio.create_task(connect())
        await asyncio.sleep(0)
        second = asyncio.create_task(connect(driver=MemoryDriver, **given))
        await asyncio.sleep(0)
        for task in (second, first):
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        theirs.settimeout(20)
        assert theirs.recv(1) == b""  # closed
        theirs.close()

    async def connect(**given):
        host = None if given else "127.0.0.1"
        await ncwire.aio.connect(host, **given or {"port": silent})

    run(main())


def test_devices_that_call_home_are_an_async_iterator(run, server):
    async def main():
        device = Device(
            name="r1",
            host_keys=server.host_key,
            username=server.username,
            password=server.password,
            allow_agent=False,
            look_for_keys=False,
        )
        async with ncwire.aio.callhome.listen([device], address="127.0.0.1", port=0) as listener:
            with pytest.raises(StepTimeoutError):
                await listener.accept(0.01)
            for _ in range(3):
                sock = socket.create_connection(("127.0.0.1", listener.port))
                server.serve(sock)
            taken = 0
            async for session in listener:
                async with session:
                    assert session.device == "r1"
                    assert (await session.rpc("<get/>")).raw
                taken += 1
                if taken == 3:
                    break
            waiting = asyncio.create_task(listener.accept())
            await asyncio.sleep(0)
            await listener.update([device])
        with pytest.raises(ncwire.ListenError):
            await waiting
        assert [each async for each in listener] == []

    run(main())


def test_a_listener_that_is_forgotten_is_told_of(run, server):
    async def main():
        device = Device(name="r1", host_keys=server.host_key, username="u", password="p")
        await ncwire.aio.callhome.listen([device], address="127.0.0.1", port=0)

    with pytest.warns(ResourceWarning, match="unclosed listener on port"):
        run(main())


def test_a_hub_is_refused_with_the_reason(run):
    async def main():
        with pytest.raises(TypeError, match=r"connect takes no hub: the event loop serves"):
            await ncwire.aio.connect("192.0.2.1", hub=None)

    run(main())


def test_a_forgotten_await_is_told():
    opening = ncwire.aio.connect("192.0.2.1")
    with pytest.raises(AttributeError, match=r"rpc: nothing is open yet: await this"):
        opening.rpc("<get/>")
    with pytest.raises(TypeError, match="async with"), opening:
        pass
    assert not hasattr(opening, "__aiter__")
