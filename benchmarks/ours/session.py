"""Whole rpcs: `session.rpc` over any driver."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ncwire
from suite.target import CHUNKED
from suite.worker import Contestant

if TYPE_CHECKING:
    from collections.abc import Callable

    from suite.target import Case, Target

RPC_TIMEOUT = 600.0
BASE = "urn:ietf:params:netconf:base:"


def connect(target: Target, driver: str, framing: str = CHUNKED, **more: Any) -> ncwire.Session:
    """Return a connected session; the base version decides the framing."""
    return ncwire.connect(
        target.host,
        port=target.port,
        username=target.user,
        key_filename=target.key,
        known_hosts=target.known_hosts,
        allow_agent=False,
        look_for_keys=False,
        driver=driver,
        capabilities=[BASE + ("1.1" if framing == CHUNKED else "1.0")],
        **more,
    )


class NcwireSession(Contestant):
    def __init__(self, target: Target, driver: str) -> None:
        super().__init__(target)
        self._driver = driver
        self._session: ncwire.Session | None = None

    def open(self, framing: str) -> None:
        self.close()
        timeouts = ncwire.Timeouts(rpc=RPC_TIMEOUT)
        self._session = connect(self.target, self._driver, framing, timeouts=timeouts)

    def prepare(self, case: Case) -> Callable[[], ncwire.Reply]:
        assert self._session is not None
        rpc, operation = self._session.rpc, case.operation()
        return lambda: rpc(operation)

    def document(self, reply: ncwire.Reply) -> bytes:
        return reply.raw.encode()

    def close(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None
