"""Framing alone, from reads in memory: ncwire's protocol, and the floor's framing beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ncwire._protocol.capabilities import Capabilities
from ncwire._protocol.client import MessageReceived, Protocol
from ncwire.bench import subsystem
from ncwire.bench.floor import framing
from ncwire.bench.target import CHUNKED
from ncwire.bench.worker import Contestant

if TYPE_CHECKING:
    from collections.abc import Callable

    from ncwire.bench.target import Case, Target

READ = 256 * 1024


class ProtocolOnly(Contestant):
    """Everything between a driver's read and a listener: framing, UTF-8, the root element."""

    def __init__(self, target: Target, read: int = READ) -> None:
        super().__init__(target)
        self._read = read
        self._protocol: Protocol | None = None

    def open(self, framing_: str) -> None:
        version = "1.1" if framing_ == CHUNKED else "1.0"
        self._protocol = Protocol(Capabilities([f"urn:ietf:params:netconf:base:{version}"]))
        self._protocol.receive(subsystem.HELLO + subsystem.END_OF_MESSAGE)
        self._protocol.next_event()

    def prepare(self, case: Case) -> Callable[[], object]:
        assert self._protocol is not None
        reads = _reads(case, self._read)
        receive, next_event = self._protocol.receive, self._protocol.next_event

        def reply() -> object:
            for read in reads:
                receive(read)
                event = next_event()
            return event

        return reply

    def document(self, reply: Any) -> bytes:
        assert isinstance(reply, MessageReceived)
        return reply.raw.encode()


class FloorFraming(Contestant):
    """What the bare loops do with what they read."""

    _case: Case

    def __init__(self, target: Target, read: int = READ) -> None:
        super().__init__(target)
        self._read = read

    def open(self, framing_: str) -> None:
        """Do nothing: there is no session."""

    def prepare(self, case: Case) -> Callable[[], object]:
        self._case = case
        reads = _reads(case, self._read)
        receiver = framing.receiver(case)

        def reply() -> list[bytes]:
            feed = receiver().feed
            got = []
            for read in reads:
                got.append(read)
                if feed(read):
                    return got
            raise EOFError

        return reply

    def document(self, reply: list[bytes]) -> bytes:
        return framing.document(reply, self._case)


def _reads(case: Case, size: int) -> list[bytes]:
    stream = subsystem.reply(b"1", case.size, case.chunk, chunked=case.framing == CHUNKED)
    return [stream[start : start + size] for start in range(0, len(stream), size)]
