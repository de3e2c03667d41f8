"""ncclient over paramiko, as its documentation has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ncclient import manager
from ncclient.xml_ import to_ele

from ncwire.bench.worker import Contestant

if TYPE_CHECKING:
    from collections.abc import Callable

    from ncwire.bench.target import Case, Target


class Ncclient(Contestant):
    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self._manager: Any = None

    def open(self, _framing: str) -> None:
        self.close()
        self._manager = manager.connect(
            host=self.target.host,
            port=self.target.port,
            username=self.target.user,
            key_filename=self.target.key,
            hostkey_verify=False,
            allow_agent=False,
            look_for_keys=False,
            timeout=600,
        )

    def prepare(self, case: Case) -> Callable[[], object]:
        dispatch, operation = self._manager.dispatch, to_ele(case.operation())
        return lambda: dispatch(operation)

    def document(self, reply: Any) -> bytes:
        return str(reply.xml).encode()

    def close(self) -> None:
        if self._manager is not None:
            self._manager.close_session()
            self._manager = None
