"""`Decoder.take_whole`: a read that is one message is taken at once, every other left alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ncwire._protocol.framing import ChunkedDecoder, Decoder, EndOfMessageDecoder
from ncwire.errors import NetconfFramingError

KINDS = [ChunkedDecoder, EndOfMessageDecoder]
MESSAGE = {ChunkedDecoder: b"\n#4\n<a/>\n##\n", EndOfMessageDecoder: b"<a/>]]>]]>"}
HEADERS = [b"\n#4\n", b"\n#04\n", b"\n#3\n", b"\n#", b"\n##\n"]
MARKERS = [b"]]>]]>", b"]]>", b"\0", b"\n", b" "]
WIRE = st.lists(st.sampled_from([b"<a/>", b"<a", b"/>", *HEADERS, *MARKERS]), max_size=7).map(
    b"".join
)


def outcome(decoder: Decoder) -> list[object]:
    """Return all messages, what is pending and where the stream stands, or the error's text."""
    messages: list[object] = []
    try:
        while (message := decoder.next_message()) is not None:
            messages.append(message)
    except NetconfFramingError as error:
        return [*messages, str(error)]
    return [*messages, decoder.pending(), decoder.offset]


@pytest.mark.parametrize("kind", KINDS)
@given(reads=st.lists(WIRE, max_size=4), limit=st.sampled_from([3, 4, 100]))
def test_taking_whole_reads_changes_nothing(
    kind: type[Decoder], reads: list[bytes], limit: int
) -> None:
    plain, quick = kind(limit, 0), kind(limit, 0)
    received: list[object] = []
    expected: list[object] = []
    for data in reads:
        plain.receive(data)
        expected += outcome(plain)
        whole = quick.take_whole(data)
        if whole is None:
            quick.receive(data)
        else:
            received.append(whole)
        received += outcome(quick)
    assert received == expected


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_message_is_taken(kind: type[Decoder]) -> None:
    decoder = kind(100, 0)
    data = MESSAGE[kind]
    assert [decoder.take_whole(data), decoder.take_whole(data)] == [b"<a/>", b"<a/>"]
    assert decoder.offset == 2 * len(data)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_left_of_an_earlier_read_comes_first(kind: type[Decoder]) -> None:
    decoder = kind(100, 0)
    data = MESSAGE[kind]
    decoder.receive(data[:6])
    assert decoder.take_whole(data) is None
    assert decoder.next_message() is None
    assert decoder.take_whole(data) is None
