"""scrapli's NETCONF client with a native core, as its documentation has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scrapli import Netconf
from scrapli.auth import Options as AuthOptions
from scrapli.session import Options as SessionOptions
from scrapli.transport import BinOptions, Ssh2Options

from ncwire.bench.worker import Contestant

if TYPE_CHECKING:
    from collections.abc import Callable

    from ncwire.bench.target import Case, Target


class Scrapli(Contestant):
    def __init__(self, target: Target, transport: str) -> None:
        super().__init__(target)
        self._transport = transport
        self._netconf: Any = None

    def open(self, _framing: str) -> None:
        self.close()
        transport = (
            Ssh2Options() if self._transport == "ssh2" else BinOptions(enable_strict_key=False)
        )
        self._netconf = Netconf(
            host=self.target.host,
            port=self.target.port,
            auth_options=AuthOptions(username=self.target.user, private_key_path=self.target.key),
            session_options=SessionOptions(operation_timeout_s=600),
            transport_options=transport,
        )
        self._netconf.open()

    def prepare(self, case: Case) -> Callable[[], object]:
        rpc, operation = self._netconf.raw_rpc, case.operation()
        return lambda: rpc(payload=operation)

    def document(self, reply: Any) -> bytes:
        return str(reply.result).encode()

    def close(self) -> None:
        if self._netconf is not None:
            self._netconf.close()
            self._netconf = None
