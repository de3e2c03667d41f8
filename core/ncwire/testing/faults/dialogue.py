"""`Dialogue`: the NETCONF server of the matrix, which knows when the fault is due."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ncwire._protocol.framing import (
    ChunkedDecoder,
    EndOfMessageDecoder,
    frame_chunked,
    frame_end_of_message,
)
from ncwire._protocol.messages import BASE_NS, NOTIFICATION_NS
from ncwire.testing.faults.phase import Phase

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ncwire._protocol.framing import Decoder
    from ncwire.testing.faults.strike import Strike
    from ncwire.testing.stream import ChannelStream

WAITING = 3
"""After so many <wait/> all of them are answered."""
BEFORE, BURST = 5, 5
"""How many notifications come long before the fault, and at once with it."""
_OPERATION = re.compile(rb'message-id="([^"]*)"[^>]*>\s*<([\w-]+)')
_HELLO = (
    f'<hello xmlns="{BASE_NS}"><capabilities>'
    "<capability>urn:ietf:params:netconf:base:1.1</capability>"
    "<capability>urn:ietf:params:netconf:capability:notification:1.0</capability>"
    "</capabilities><session-id>1</session-id></hello>"
).encode()


class Dialogue:
    """Serves one session; the script of an `EmbeddedServer`.

    It speaks NETCONF 1.1 only, and says its hello after the client's. `settle` returns when the
    client has taken in all that was sent before.
    """

    def __init__(self, phase: Phase, strike: Strike, settle: Callable[[], None]) -> None:
        self._phase = phase
        self._strike = strike
        self._settle = settle
        self._waiting: list[bytes] = []

    def __call__(self, stream: ChannelStream) -> None:
        """Serve until the client closes the session or its stream ends."""
        hello = EndOfMessageDecoder()
        for _ in _messages(stream, hello):
            break
        else:
            return
        if self._phase is Phase.HELLO_IN:
            self._strike.at_next_bytes()
        _send(stream, frame_end_of_message(_HELLO))
        decoder = ChunkedDecoder()
        decoder.receive(hello.take_rest())
        for rpc in _messages(stream, decoder):
            if not self._answered(stream, rpc):
                break
        stream.close()

    def _answered(self, stream: ChannelStream, rpc: bytes) -> bool:
        """Answer an rpc, and tell whether more are to be answered."""
        found = _OPERATION.search(rpc)
        if found is None:
            return False
        message_id, operation = found.groups()
        match operation:
            case b"wait":
                self._answer_when_all_wait(stream, message_id)
            case b"halves":
                self._answer_by_halves(stream, message_id)
            case b"create-subscription":
                _send(stream, _reply(message_id))
                self._notify(stream)
            case b"close-session":
                if self._phase is Phase.CLOSING:
                    self._strike.at_next_bytes()
                _send(stream, _reply(message_id))
            case _:
                _send(stream, _reply(message_id))
        return operation != b"close-session"

    def _answer_when_all_wait(self, stream: ChannelStream, message_id: bytes) -> None:
        self._waiting.append(message_id)
        if len(self._waiting) < WAITING:
            return
        self._strike.in_silence()
        for each in self._waiting:
            _send(stream, _reply(each))

    def _answer_by_halves(self, stream: ChannelStream, message_id: bytes) -> None:
        reply = b"".join(_reply(message_id))
        middle = len(reply) // 2
        stream.send(reply[:middle])
        self._settle()
        self._strike.at_next_bytes()
        stream.send(reply[middle:])

    def _notify(self, stream: ChannelStream) -> None:
        for number in range(BEFORE):
            _send(stream, _notification(number))
        self._settle()
        with self._strike.at_burst():
            for number in range(BEFORE, BEFORE + BURST):
                _send(stream, _notification(number))


def _messages(stream: ChannelStream, decoder: Decoder) -> Iterator[bytes]:
    while True:
        while (message := decoder.next_message()) is not None:
            yield message
        data = stream.recv()
        if not data:
            return
        decoder.receive(data)


def _send(stream: ChannelStream, buffers: tuple[bytes | memoryview, ...]) -> None:
    stream.send(b"".join(buffers))


def _reply(message_id: bytes) -> tuple[bytes | memoryview, ...]:
    return frame_chunked(
        b'<rpc-reply xmlns="%b" message-id="%b"><ok/></rpc-reply>' % (BASE_NS.encode(), message_id)
    )


def _notification(number: int) -> tuple[bytes | memoryview, ...]:
    return frame_chunked(
        b'<notification xmlns="%b"><eventTime>2026-01-01T00:00:00Z</eventTime>'
        b"<event>%d</event></notification>" % (NOTIFICATION_NS.encode(), number)
    )
