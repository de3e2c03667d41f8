"""netconf-client over paramiko, as its documentation has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netconf_client.connect import connect_ssh
from netconf_client.ncclient import Manager

from ncwire.bench.worker import Contestant

if TYPE_CHECKING:
    from collections.abc import Callable

    from ncwire.bench.target import Case, Target

BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"


class NetconfClient(Contestant):
    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self._session: Any = None
        self._manager: Any = None

    def open(self, _framing: str) -> None:
        self.close()
        self._session = connect_ssh(
            host=self.target.host,
            port=self.target.port,
            username=self.target.user,
            key_filename=self.target.key,
        )
        self._manager = Manager(self._session, timeout=600)

    def prepare(self, case: Case) -> Callable[[], object]:
        dispatch = self._manager.dispatch
        # It takes whole rpcs, and correlates replies by their order.
        rpc = f'<rpc message-id="1" xmlns="{BASE}">{case.operation()}</rpc>'
        return lambda: dispatch(rpc)

    def document(self, reply: Any) -> bytes:
        return bytes(reply.xml)

    def close(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None
