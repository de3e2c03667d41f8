"""scrapli-netconf, as its documentation has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scrapli_netconf.driver import NetconfDriver

from ncwire.bench.worker import Contestant

if TYPE_CHECKING:
    from collections.abc import Callable

    from ncwire.bench.target import Case, Target


class ScrapliNetconf(Contestant):
    def __init__(self, target: Target, transport: str) -> None:
        super().__init__(target)
        self._transport = transport
        self._connection: Any = None

    def open(self, _framing: str) -> None:
        self.close()
        self._connection = NetconfDriver(
            host=self.target.host,
            port=self.target.port,
            auth_username=self.target.user,
            auth_private_key=self.target.key,
            auth_strict_key=False,
            transport=self._transport,
            timeout_ops=600,
        )
        self._connection.open()

    def prepare(self, case: Case) -> Callable[[], object]:
        rpc, operation = self._connection.rpc, case.operation()
        return lambda: rpc(filter_=operation)

    def document(self, reply: Any) -> bytes:
        raw = reply.raw_result
        return raw if isinstance(raw, bytes) else str(raw).encode()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
