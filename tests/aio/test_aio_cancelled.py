"""Cancelled at 200 points drawn by chance, of connecting, rpcs, streams and closing."""

from __future__ import annotations

import asyncio
import os
import random
import threading
import time

import pytest
from aio_loops import loop_factory

import installed_ssh
import ncwire
from ncwire.testing import EmbeddedServer, EmbeddedUnixServer
from ncwire.testing.conformance.resources import Resources, left_since

POINTS = 200
PATIENCE = 30.0
DATA = "<config>" + "<leaf>some text of a leaf</leaf>" * 20_000 + "</config>"


@pytest.fixture(
    scope="module",
    params=["unix", *(installed_ssh.parameter(name) for name in installed_ssh.NAMES)],
)
def way(request):
    """Return the parameters of `connect` to a server with a reply of half a megabyte."""
    if request.param == "unix":
        with EmbeddedUnixServer(datastore=DATA) as server:
            options = {"path": os.fspath(server.path)}
            yield {"host": None, "driver": "unix", "driver_options": options}
        return
    with EmbeddedServer(datastore=DATA) as server:
        yield {
            "host": server.host,
            "port": server.port,
            "username": server.username,
            "password": server.password,
            "hostkey_b64": server.host_key.base64,
            "allow_agent": False,
            "look_for_keys": False,
            "driver": request.param,
        }


async def connects(way):
    return await ncwire.aio.connect(**way)


async def asks(session):
    return await session.rpc("<get/>")


async def streams(session):
    async with session.stream("<get/>") as stream:
        return await stream.read()


async def cancelled_after(coroutine, seconds):
    """Return what a task comes to that is cancelled after so long; None if it was cancelled."""
    task = asyncio.ensure_future(coroutine)
    await asyncio.wait([task], timeout=seconds)
    task.cancel()
    await asyncio.wait([task])
    return None if task.cancelled() else task.result()


async def duration(function, *arguments):
    """Return what a coroutine function takes, in seconds, when it is warm."""
    times = []
    for _ in range(3):
        began = time.monotonic()
        await function(*arguments)
        times.append(time.monotonic() - began)
    return min(times)


async def connects_and_closes(way):
    await (await connects(way)).close()


async def play(way, drawn):
    """Cancel at all points; return how often each thing was cancelled before it was done."""
    cut = dict.fromkeys(("connect", "rpc", "stream"), 0)
    connecting = await duration(connects_and_closes, way)
    session = await connects(way)
    asking, streaming = await duration(asks, session), await duration(streams, session)
    for _ in range(POINTS):
        match what := drawn.choice([*cut, "close", "close_session"]):
            case "connect":
                other = await cancelled_after(connects(way), drawn.uniform(0, 1.2 * connecting))
                cut[what] += other is None
                if other is not None:
                    await other.close()
            case "rpc" | "stream":
                work, most = (asks, asking) if what == "rpc" else (streams, streaming)
                done = await cancelled_after(work(session), drawn.uniform(0, 1.2 * most))
                cut[what] += done is None
                assert "leaf" in (await session.rpc("<get/>")).raw
            case _:
                closing = getattr(session, what)
                await cancelled_after(closing(), drawn.choice([0, drawn.uniform(0, 0.01)]))
                async with asyncio.timeout(PATIENCE):
                    await session.wait_closed()
                assert session.cause.closed_by == "us"
                session = await connects(way)
    await session.close()
    return cut


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", [1])
def test_each_leaves_nothing_and_the_session_right(way, kind, seed):
    factory = loop_factory(kind)
    # What a driver and a kind of event loop make once in a process is there.
    ncwire.connect(**way).close()
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(asyncio.sleep(0))
    before = Resources.now()
    with asyncio.Runner(loop_factory=factory) as runner:
        cut = runner.run(play(way, random.Random(seed)))
    assert all(cut[what] for what in ("connect", "rpc", "stream")), cut
    assert left_since(before, PATIENCE) == ""
    assert not [each for each in threading.enumerate() if each.name == "ncwire-connect"]
