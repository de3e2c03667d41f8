"""Sessions by await are observed as others are, those that come back too."""

from __future__ import annotations

import asyncio

from noting import Noting

import ncwire
from ncwire.testing import EmbeddedServer


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


def of_interest(observer):
    return [name for name in observer.names() if name != "connect_step"]


def test_a_session_by_await():
    observer = Noting()

    async def main(server):
        async with ncwire.aio.connect(**way_to(server), observers=[observer]) as session:
            await session.rpc("<get/>")

    with EmbeddedServer() as server:
        asyncio.run(main(server))
    heard = of_interest(observer)
    assert heard[:2] == ["connect_begun", "message_sent"]
    assert heard[-1] == "ended"
    assert [each.operation for each in observer.of("rpc_begun")] == ["get", "close-session"]
    assert {each.outcome for each in observer.of("rpc_ended")} == {"answered"}
    assert "hello" in {each.name for each in observer.of("connect_step")}


def test_one_that_comes_back():
    observer = Noting()
    with (
        EmbeddedServer() as server,
        ncwire.Persistent(**way_to(server), observers=[observer]) as device,
    ):
        device.rpc("<get/>")
    assert {each.outcome for each in observer.of("rpc_ended")} == {"answered"}
    assert len(observer.of("ended")) == 1
