"""One empty rpc after the other: awaited, and not, in turns in one process."""

from __future__ import annotations

import asyncio
import statistics
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import ncwire
from awaiting.ways import loops
from ncwire.bench.target import Case

if TYPE_CHECKING:
    from ncwire.aio import Session

EMPTY = Case(0).operation()
WARM_UP = 50


def measure(parameters: dict[str, Any], rounds: int, seconds: float) -> dict[str, list[float]]:
    """Return the median of each round, in seconds, by who took it."""
    figures: dict[str, list[float]] = {"sync": []}
    with ExitStack() as stack:
        sync = stack.enter_context(ncwire.connect(**parameters))
        contestants: dict[str, tuple[asyncio.Runner, Session[Any]]] = {}
        for name, factory in loops().items():
            runner = stack.enter_context(asyncio.Runner(loop_factory=factory))
            session = runner.run(_connected(parameters))
            stack.callback(lambda runner, session: runner.run(session.close()), runner, session)
            contestants[name] = runner, session
            figures[name] = []
        one_after_the_other(sync, WARM_UP * 0.001)
        for _ in range(rounds):
            figures["sync"].append(one_after_the_other(sync, seconds))
            for name, (runner, session) in contestants.items():
                figures[name].append(runner.run(awaited(session, seconds)))
    return figures


async def _connected(parameters: dict[str, Any]) -> Session[Any]:
    session = await ncwire.aio.connect(**parameters)
    await awaited(session, WARM_UP * 0.001)
    return session


def one_after_the_other(session: ncwire.Session, seconds: float) -> float:
    times = []
    now = time.perf_counter()
    until = now + seconds
    while now < until:
        session.rpc(EMPTY)
        began, now = now, time.perf_counter()
        times.append(now - began)
    return statistics.median(times)


async def awaited(session: Session[Any], seconds: float) -> float:
    times = []
    now = time.perf_counter()
    until = now + seconds
    while now < until:
        await session.rpc(EMPTY)
        began, now = now, time.perf_counter()
        times.append(now - began)
    return statistics.median(times)
