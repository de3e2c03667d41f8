"""ncwire's sessions in one asyncio event loop, each used by a task."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import ncwire
from awaiting.ways import loops
from many.crowd import AT_ONCE, EMPTY, Crowd
from many.ncwire_crowd import CONNECT_TIMEOUT
from ncwire.bench.session import RPC_TIMEOUT
from ncwire.bench.target import Case

if TYPE_CHECKING:
    from ncwire.aio import Session
    from ncwire.bench.target import Target


class AioCrowd(Crowd):
    def __init__(self, target: Target, driver: str, *, loop: str) -> None:
        super().__init__(target)
        self._driver = driver
        self._runner = asyncio.Runner(loop_factory=loops()[loop])
        self._sessions: list[Session[Any]] = []

    def connect(self, count: int) -> None:
        ncwire.aio.limit_connecting(AT_ONCE)
        self._runner.run(self._connect(count))

    async def _connect(self, count: int) -> None:
        timeouts = ncwire.Timeouts(overall=CONNECT_TIMEOUT, hello=CONNECT_TIMEOUT, rpc=RPC_TIMEOUT)
        target = self.target

        async def one() -> Session[Any]:
            return await ncwire.aio.connect(
                target.host,
                port=target.port,
                username=target.user,
                key_filename=target.key,
                known_hosts=target.known_hosts,
                allow_agent=False,
                look_for_keys=False,
                driver=self._driver,
                capabilities=["urn:ietf:params:netconf:base:1.1"],
                timeouts=timeouts,
            )

        self._sessions += await asyncio.gather(*(one() for _ in range(count)))

    def idle(self, seconds: float) -> None:
        self._runner.run(asyncio.sleep(seconds))

    def exchange(self, seconds: float, rate: float, streamed: int) -> list[float]:
        return self._runner.run(self._exchange(seconds, rate, streamed))

    async def _exchange(self, seconds: float, rate: float, streamed: int) -> list[float]:
        until = time.perf_counter() + seconds
        sessions = list(self._sessions)
        times: list[float] = []
        operation = EMPTY.operation()

        async def repeat(session: Session[Any], operation: str, times: list[float]) -> None:
            now = time.perf_counter()
            while now < until:
                await session.rpc(operation)
                began, now = now, time.perf_counter()
                times.append(now - began)

        async with asyncio.TaskGroup() as group:
            if streamed:
                first = sessions.pop(0)
                group.create_task(repeat(first, Case(streamed).operation(), []))
            if not rate:
                for session in sessions:
                    group.create_task(repeat(session, operation, times))
            else:
                await self._paced(group, sessions, operation, until, rate, times)
        return times

    @staticmethod
    async def _paced(
        group: asyncio.TaskGroup,
        sessions: list[Session[Any]],
        operation: str,
        until: float,
        rate: float,
        times: list[float],
    ) -> None:
        async def once(session: Session[Any]) -> None:
            began = time.perf_counter()
            await session.rpc(operation)
            times.append(time.perf_counter() - began)

        turn, due = 0, time.perf_counter()
        while due < until:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(once(sessions[turn % len(sessions)]))
            turn += 1
            due += 1 / rate

    def close(self) -> None:
        self._runner.run(self._close())
        self._runner.close()

    async def _close(self) -> None:
        await asyncio.gather(*(session.close() for session in self._sessions))
        self._sessions.clear()
