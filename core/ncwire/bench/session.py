"""ncwire as a contestant: `session.rpc` and `session.submit`, over any driver."""

from __future__ import annotations

import time
from collections import deque
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import ncwire
from ncwire.bench import consumption
from ncwire.bench.handover import unpacked
from ncwire.bench.target import CHUNKED, Case
from ncwire.bench.worker import WARM_UP, Contestant, Worker

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from ncwire.bench.quantities import Batch
    from ncwire.bench.target import Target

RPC_TIMEOUT = 600.0
BASE = "urn:ietf:params:netconf:base:"


def connect(
    target: Target, driver: str, framing: str = CHUNKED, **more: Any
) -> ncwire.DriverSession:
    """Return a connected session over SSH; the base version decides the framing."""
    return ncwire.connect(
        target.host,
        port=target.port,
        username=target.user,
        key_filename=target.key,
        known_hosts=target.known_hosts,
        allow_agent=False,
        look_for_keys=False,
        driver=driver,
        capabilities=_capabilities(framing),
        **more,
    )


def _capabilities(framing: str) -> list[str]:
    return [BASE + ("1.1" if framing == CHUNKED else "1.0")]


class NcwireSession(Contestant):
    """One driver; `device` are the parameters for a server not ours, `packed`.

    `way` are those for a server of ours, where that is not the target.
    """

    def __init__(
        self,
        target: Target,
        driver: str,
        device: str | None = None,
        way: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(target)
        self._driver = driver
        self._way = way
        self._device = None if device is None else unpacked(device)
        # A device has few sessions, and is to know at once that one is free again.
        self._close = ncwire.Session.close if device is None else ncwire.Session.close_session
        self._session: ncwire.Session | None = None

    def connected(self, framing: str) -> ncwire.DriverSession:
        """Return a session of its own."""
        if self._device is not None:
            return ncwire.connect(**self._device, driver=self._driver)
        timeouts = ncwire.Timeouts(rpc=RPC_TIMEOUT)
        if self._way is not None:
            return ncwire.connect(
                **self._way,
                driver=self._driver,
                capabilities=_capabilities(framing),
                timeouts=timeouts,
            )
        return connect(self.target, self._driver, framing, timeouts=timeouts)

    def open(self, framing: str) -> None:
        """See `Contestant`."""
        self.close()
        self._session = self.connected(framing)

    def prepare(self, case: Case) -> Callable[[], ncwire.Reply]:
        """See `Contestant`."""
        rpc, operation = self.opened().rpc, case.operation()
        return lambda: rpc(operation)

    def document(self, reply: ncwire.Reply) -> bytes:
        """See `Contestant`."""
        return reply.raw.encode()

    def close(self) -> None:
        """See `Contestant`."""
        if self._session is not None:
            self._close(self._session)
            self._session = None

    def opened(self) -> ncwire.Session:
        """Return the session that `open` has opened."""
        if self._session is None:
            raise AssertionError("it was not opened")
        return self._session

    def worker(self) -> NcwireWorker:
        """See `Contestant`."""
        return NcwireWorker(self)


class NcwireWorker(Worker):
    """Carries out besides what a bare loop cannot: many rpcs in flight, many sessions."""

    def __init__(self, contestant: NcwireSession) -> None:
        super().__init__(contestant)
        self._sessions = contestant

    def pipelined(self, case: dict[str, Any], seconds: float, window: int) -> Batch:
        """Carry out rpcs for so many seconds, always so many in flight.

        Returns seconds for each rpc: the time of all by their number, and CPU time.
        """
        case_ = Case(**case)
        self.prepared(case_)
        session, operation = self._sessions.opened(), case_.operation()
        _keep_in_flight(session, operation, WARM_UP * seconds, window)
        cpu, began = consumption.cpu_time(), time.perf_counter()
        count = _keep_in_flight(session, operation, seconds, window)
        took, cpu = time.perf_counter() - began, consumption.cpu_time() - cpu
        return {"count": count, "wall": took / count, "cpu": cpu / count}

    def memory(self, framing: str, sessions: int) -> Batch:
        """Open so many sessions beside the one that is open; return bytes for each of them."""
        self.opened(framing)
        consumption.give_back()
        before = consumption.resident("VmRSS")
        with ExitStack() as stack:
            for _ in range(sessions):
                stack.enter_context(self._sessions.connected(framing))
            consumption.give_back()
            each = (consumption.resident("VmRSS") - before) / sessions
        return {"count": sessions, "session": each, "process": before}


def _keep_in_flight(session: ncwire.Session, operation: str, seconds: float, window: int) -> int:
    """Return how many rpcs were answered."""
    until = time.perf_counter() + seconds
    waiting: deque[Future[ncwire.Reply]] = deque()
    count = 0
    while time.perf_counter() < until:
        while len(waiting) < window:
            waiting.append(session.submit(operation))
        waiting.popleft().result()
        count += 1
    for each in waiting:
        each.result()
    return count + len(waiting)
