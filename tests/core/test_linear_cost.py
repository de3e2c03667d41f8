"""The cost of a message is linear in what came, in whichever pieces: counted, not timed.

What is counted: each call that is made, of Python's and of C's, and the bytes of the buffers whose
methods are called (find, join, decode), as much as they may have looked at. Twice the data must
come to twice that, give or take.
"""

from __future__ import annotations

import sys

import pytest

from ncwire._protocol.capabilities import BASE_1_0, BASE_1_1, Capabilities
from ncwire._protocol.client import Protocol
from ncwire._protocol.framing import frame_chunked, frame_end_of_message

REPLY = b'<rpc-reply message-id="1"><data>%b</data></rpc-reply>'
FRAMINGS = {
    "end of message": (BASE_1_0, frame_end_of_message),
    "one chunk": (BASE_1_1, frame_chunked),
    "small chunks": (BASE_1_1, lambda reply: frame_chunked(reply, 7)),
}
TEXTS = {
    "text": b"x" * 64,
    "almost the end": b"]]>]]" * 13,
    "almost a chunk's end": b"\n##" * 21,
    "not ASCII": "é".encode() * 32,
}
"""What is repeated in a reply; the last of each read may be the beginning of an end."""
TIMES = 4


class Work:
    """Counts calls, and the bytes of the buffers that they are made on, while it is entered."""

    def __init__(self) -> None:
        self.calls = self.touched = 0

    def __enter__(self):
        sys.setprofile(self._note)
        return self

    def __exit__(self, *_):
        sys.setprofile(None)

    def _note(self, frame, event, argument):
        if event == "call":
            self.calls += 1
        elif event == "c_call":
            self.calls += 1
            owner = getattr(argument, "__self__", None)
            if isinstance(owner, bytes | bytearray | memoryview | str):
                self.touched += len(owner)


def stream(framing: str, text: bytes, times: int) -> bytes:
    _, frame = FRAMINGS[framing]
    return b"".join(frame(REPLY % (text * times)))


def split(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def work(receive, reads) -> Work:
    with Work() as work:
        for read in reads:
            receive(read)
    return work


def received(framing: str, text: bytes, times: int, size: int) -> Work:
    base, _ = FRAMINGS[framing]
    protocol = Protocol(Capabilities([base]))
    hello = (
        "<hello xmlns='urn:ietf:params:xml:ns:netconf:base:1.0'><capabilities><capability>"
        f"{base}</capability></capabilities><session-id>1</session-id></hello>]]>]]>"
    )
    protocol.receive(hello.encode())
    protocol.next_event()
    events = []

    def receive(read: bytes) -> None:
        protocol.receive(read)
        event = protocol.next_event()
        if event is not None:
            events.append(event.raw)

    counted = work(receive, split(stream(framing, text, times), size))
    assert len(events) == 1
    assert len(events[0].encode()) > times * len(text)
    return counted


@pytest.mark.parametrize(
    ("size", "times"),
    [
        (1, 40),
        pytest.param(100, 400, marks=pytest.mark.exhaustive),
        pytest.param(4096, 2_000, marks=pytest.mark.exhaustive),
    ],
)
@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("framing", FRAMINGS)
def test_four_times_the_data_cost_four_times(framing, text, size, times):
    small = received(framing, TEXTS[text], times, size)
    large = received(framing, TEXTS[text], TIMES * times, size)
    assert large.calls < 1.2 * TIMES * small.calls
    assert large.touched < 1.2 * TIMES * small.touched


def test_what_is_quadratic_is_seen():
    """A reader that looks for the end in all that it has, at each read."""

    def reader():
        buffer = bytearray()

        def receive(read: bytes) -> None:
            buffer.extend(read)
            buffer.find(b"]]>]]>")

        return receive

    text = TEXTS["text"]
    small, large = (
        work(reader(), split(stream("end of message", text, times), 100))
        for times in (400, TIMES * 400)
    )
    assert large.touched > 3 * TIMES * small.touched
