"""ncwire's sessions: each on a thread of its own, or all on one hub, with futures or without."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import ncwire
from many.crowd import AT_ONCE, EMPTY, Crowd
from ncwire.bench.session import RPC_TIMEOUT, connect
from ncwire.bench.target import CHUNKED, Case

if TYPE_CHECKING:
    from concurrent.futures import Future

    from ncwire.bench.target import Target

CONNECT_TIMEOUT = 300.0


class NcwireCrowd(Crowd):
    """Replies are taken by functions, on the thread that serves the session."""

    def __init__(self, target: Target, driver: str, *, hub: bool, futures: bool = False) -> None:
        super().__init__(target)
        self._driver = driver
        self._asking = Submitting if futures else Asking
        self._more: dict[str, Any] = {"hub": ncwire.Hub()} if hub else {}
        self._sessions: list[ncwire.Session] = []
        self._lock = threading.Lock()

    def connect(self, count: int) -> None:
        timeouts = ncwire.Timeouts(overall=CONNECT_TIMEOUT, hello=CONNECT_TIMEOUT, rpc=RPC_TIMEOUT)
        one = partial(connect, self.target, self._driver, CHUNKED, timeouts=timeouts, **self._more)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            started = [pool.submit(one) for _ in range(count)]
            self._sessions += [each.result() for each in started]

    def exchange(self, seconds: float, rate: float, streamed: int) -> list[float]:
        exchange = Exchange(time.perf_counter() + seconds, self._asking)
        sessions = list(self._sessions)
        if streamed:
            exchange.repeat(sessions.pop(0), Case(streamed).operation(), timed=False)
        operation = EMPTY.operation()
        if not rate:
            for session in sessions:
                exchange.repeat(session, operation)
        turn = 0
        due = time.perf_counter()
        while rate and due < exchange.until:
            time.sleep(max(0.0, due - time.perf_counter()))
            exchange.once(sessions[turn % len(sessions)], operation)
            turn += 1
            due += 1 / rate
        return exchange.result()

    def close(self) -> None:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda session: session.close(), self._sessions))
        self._sessions.clear()
        if "hub" in self._more:
            self._more["hub"].close()


class Exchange:
    """Rpcs in flight on many sessions, and the times of those that were answered."""

    def __init__(self, until: float, kind: type[Asking]) -> None:
        self.until = until
        self._kind = kind
        self.times: list[float] = []
        self._failures: list[Exception] = []
        self._asking = 0
        self._change = threading.Condition()

    def repeat(self, session: ncwire.Session, operation: str, *, timed: bool = True) -> None:
        """Send an rpc, and after its reply the next, until the time has come."""
        times = self.times if timed else []
        self._begin(self._kind(self, session, operation, self.until, times))

    def once(self, session: ncwire.Session, operation: str) -> None:
        """Send one rpc."""
        self._begin(self._kind(self, session, operation, 0.0, self.times))

    def done(self, failure: Exception | None = None) -> None:
        """Take note that one of those that ask has ended."""
        with self._change:
            if failure is not None:
                self._failures.append(failure)
            self._asking -= 1
            self._change.notify()

    def result(self) -> list[float]:
        """Wait for all replies; raises what an rpc failed with."""
        with self._change:
            self._change.wait_for(lambda: not self._asking or self._failures)
        if self._failures:
            raise self._failures[0]
        return self.times

    def _begin(self, asking: Asking) -> None:
        with self._change:
            self._asking += 1
        asking.send()


class Asking:
    """One session with one rpc in flight; does as little as can be, for it is measured too."""

    __slots__ = ("_began", "_exchange", "_operation", "_session", "_times", "_until")

    def __init__(
        self,
        exchange: Exchange,
        session: ncwire.Session,
        operation: str,
        until: float,
        times: list[float],
    ) -> None:
        self._exchange = exchange
        self._session = session
        self._operation = operation
        self._until = until
        self._times = times
        self._began = 0.0

    def send(self) -> None:
        self._began = time.perf_counter()
        self._session.request(self._operation, self._answered, self._exchange.done)

    def _answered(self, _reply: ncwire.Reply) -> None:
        now = time.perf_counter()
        try:
            self._times.append(now - self._began)
            if now < self._until:
                self.send()
            else:
                self._exchange.done()
        except Exception as error:  # noqa: BLE001 - it is raised where it is waited for
            self._exchange.done(error)


class Submitting(Asking):
    """The same, each reply by way of a future."""

    __slots__ = ()

    def send(self) -> None:
        self._began = time.perf_counter()
        self._session.submit(self._operation).add_done_callback(self._done)

    def _done(self, future: Future[ncwire.Reply]) -> None:
        try:
            self._answered(future.result())
        except Exception as error:  # noqa: BLE001 - as above
            self._exchange.done(error)
