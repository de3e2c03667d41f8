"""ncwire as a contestant whose sessions are observed."""

from __future__ import annotations

import logging
import os
import tempfile
from typing import TYPE_CHECKING, Any

from ncwire import observe
from ncwire.bench.session import NcwireSession

if TYPE_CHECKING:
    from ncwire.bench.target import Target


class Counting(observe.Observer):
    """Counts messages, bytes and rpcs, and asks for no message's bytes."""

    def __init__(self) -> None:
        self.messages = self.bytes = self.rpcs = 0
        self.seconds = 0.0

    def message_sent(self, message: observe.Message) -> None:
        """Count one of ours."""
        self.messages += 1
        self.bytes += message.size

    message_received = message_sent

    def rpc_ended(self, rpc: observe.RPCEnd) -> None:
        """Count its time."""
        self.rpcs += 1
        self.seconds += rpc.seconds


class Observed(NcwireSession):
    """As its base; `kind` is "counting", "trace" or "log"."""

    def __init__(self, target: Target, kind: str, **parameters: Any) -> None:
        super().__init__(target, **parameters)
        if kind == "log":
            log = logging.getLogger("ncwire.messages")
            log.setLevel(logging.DEBUG)
            log.addHandler(logging.StreamHandler(open(os.devnull, "w", encoding="utf-8")))  # noqa: PTH123, SIM115 - until the process ends
            log.propagate = False
        elif kind == "trace":
            # In memory where the system has it so: a disk is not to be measured.
            folder = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: PTH112
            with tempfile.NamedTemporaryFile(dir=folder) as file:
                observe.add(observe.TraceWriter(file.name))
        else:
            observe.add(Counting())
