"""What bounds a client's messages, and what a large one costs."""

from __future__ import annotations

import tracemalloc

import pytest
from client_protocol import BOTH, EOM, chunked, drain, opened, server_hello

from ncwire._protocol.capabilities import (
    BASE_1_0,
    BASE_1_1,
    default_client_capabilities,
)
from ncwire._protocol.client import MessageReceived, Protocol
from ncwire._protocol.framing import Limits, frame_chunked, frame_end_of_message
from ncwire.errors import (
    MessageSizeError,
)


def test_a_hello_has_a_limit_of_its_own() -> None:
    protocol = Protocol(default_client_capabilities(), Limits(hello=50))
    protocol.receive(server_hello(*BOTH) + EOM)
    with pytest.raises(MessageSizeError, match="hello is longer than the limit of 50 bytes"):
        protocol.next_event()


@pytest.mark.parametrize("server", [BASE_1_0, BASE_1_1])
def test_the_hellos_limit_holds_for_the_hello_only(server: str) -> None:
    frame = chunked if server == BASE_1_1 else lambda document: document.encode() + EOM
    hello = server_hello(server)
    protocol = Protocol(default_client_capabilities(), Limits(hello=len(hello), message=1_007))
    protocol.receive(hello + EOM + frame(f"<a>{'b' * 1_000}</a>"))
    assert len(drain(protocol)) == 2
    protocol.receive(frame(f"<a>{'b' * 1_001}</a>"))
    with pytest.raises(MessageSizeError, match="message is longer than the limit of 1007 bytes"):
        protocol.next_event()


def test_the_limit_of_a_chunk_header_is_used() -> None:
    protocol = opened(*BOTH, limits=Limits(chunk_header=5))
    protocol.receive(b"\n#100")
    with pytest.raises(MessageSizeError, match="chunk header is longer than the limit of 5"):
        protocol.next_event()


def test_pending_is_the_unfinished_message() -> None:
    protocol = Protocol(default_client_capabilities())
    protocol.receive(b"\n<hel")
    assert protocol.next_event() is None
    assert protocol.pending() == b"<hel"
    protocol = opened(*BOTH)
    assert protocol.pending() == b""
    protocol.receive(b"\n#5\n<a")
    assert protocol.next_event() is None
    assert protocol.pending() == b"<a"


@pytest.mark.parametrize("server", [BASE_1_0, BASE_1_1])
def test_a_large_message_is_kept_twice_at_most(server: str) -> None:
    size = 8_000_000
    document = b"<a>" + b"b" * size + b"</a>"
    frame = frame_chunked if server == BASE_1_1 else frame_end_of_message
    stream = b"".join(frame(document))
    protocol = opened(server)
    del document
    tracemalloc.start()
    try:
        for start in range(0, len(stream), 32 * 1024):
            protocol.receive(stream[start : start + 32 * 1024])
            event = protocol.next_event()
        assert isinstance(event, MessageReceived)
        assert len(event.raw) == size + 7
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2.3 * size  # the buffer grows in steps of an eighth
    assert held < 1.1 * size


@pytest.mark.parametrize("server", [BASE_1_0, BASE_1_1])
@pytest.mark.parametrize(
    ("start", "root"),
    [
        ('<a b="1">', ("a", {"b": "1"})),
        ("\n<!-- not plain -->" + " " * 10_000 + '<a b="&lt;é">', ("a", {"b": "<é"})),
        ("<a" + " " * 10_000 + "b='1'>", ("a", {"b": "1"})),
    ],
)
def test_a_large_message_in_many_reads_is_one_event(
    server: str, start: str, root: tuple[str, dict[str, str]]
) -> None:
    document = start + "é" * 100_000 + "</a>"
    frame = frame_chunked if server == BASE_1_1 else frame_end_of_message
    stream = b"".join(frame(document.encode())) * 2
    protocol = opened(server)
    events = []
    for at in range(0, len(stream), 32_769):
        protocol.receive(stream[at : at + 32_769])
        events += drain(protocol)
    assert [each.root for each in events if isinstance(each, MessageReceived)] == [root] * 2
    assert [each.raw for each in events if isinstance(each, MessageReceived)] == [
        document.lstrip() if server == BASE_1_0 else document
    ] * 2


@pytest.mark.parametrize("server", [BASE_1_0, BASE_1_1])
@pytest.mark.parametrize("wrong", ["é".encode()[:1], b"\xff"])
def test_a_large_message_that_is_not_utf_8_says_where(server: str, wrong: bytes) -> None:
    document = b"<a>" + b"b" * 100_000 + wrong + b"</a>"
    frame = frame_chunked if server == BASE_1_1 else frame_end_of_message
    stream = b"".join(frame(document))
    protocol = opened(server)
    for at in range(0, len(stream) - 1, 32_768):
        protocol.receive(stream[at : min(at + 32_768, len(stream) - 1)])
        assert protocol.next_event() is None
    protocol.receive(stream[-1:])
    root, content = protocol.next_event()
    assert root == ("a", {})
    assert str(content.wrong).startswith("not UTF-8 at its byte 100003 ")
    assert content.join() == document
