"""End-of-message framing, received (RFC 6242 section 4.3)."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ncwire._protocol.framing import EndOfMessageDecoder
from ncwire.errors import MessageSizeError, NetconfFramingError

# Made of what the marker is made of, so that near misses are frequent.
documents = st.lists(
    st.sampled_from([b"]", b"]]", b">", b"]]>", b"]]>]", b"a", b"\n", b"\xc3\xa9", b"\0"])
).map(lambda parts: b"<" + b"".join(parts) + b">")
documents = documents.filter(lambda each: (each + b"]]>]]>").find(b"]]>]]>") == len(each))
padding = st.text(" \t\r\n\0", max_size=4).map(str.encode)


def pieces(stream: bytes, cuts: list[int]) -> list[bytes]:
    marks = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    return [stream[a:b] for a, b in pairwise(marks)]


def feed(
    decoder: EndOfMessageDecoder, stream: bytes, size_of_reads: int, received: list[bytes]
) -> None:
    for start in range(0, len(stream), size_of_reads):
        decoder.receive(stream[start : start + size_of_reads])
        while (message := decoder.next_message()) is not None:
            received.append(bytes(message))


def drain(decoder: EndOfMessageDecoder) -> list[bytes]:
    messages = []
    while (message := decoder.next_message()) is not None:
        messages.append(bytes(message))
    return messages


@given(
    messages=st.lists(documents),
    between=padding,
    rest=st.just(b"") | documents.map(lambda each: each[:-1]),
    cuts=st.lists(st.integers(0, 10_000)),
    asked_after_each=st.booleans(),
)
@example(messages=[b"<a>", b"<b>"], between=b"", rest=b"", cuts=[5, 11], asked_after_each=True)
def test_any_split_of_any_messages_gives_them_back(
    messages: list[bytes], between: bytes, rest: bytes, cuts: list[int], asked_after_each: bool
) -> None:
    stream = b"".join(between + each + b"]]>]]>" for each in messages) + between + rest
    decoder = EndOfMessageDecoder()
    received = []
    for piece in pieces(stream, cuts):
        decoder.receive(piece)
        if asked_after_each:
            received += drain(decoder)
    assert received + drain(decoder) == messages
    assert decoder.pending() == rest


@given(messages=st.lists(documents), between=padding)
def test_byte_by_byte_each_message_comes_with_its_last_byte(
    messages: list[bytes], between: bytes
) -> None:
    decoder = EndOfMessageDecoder()
    for each in messages:
        for byte in between + each + b"]]>]]":
            decoder.receive(bytes([byte]))
            assert decoder.next_message() is None
        decoder.receive(b">")
        assert decoder.next_message() == each


def test_the_callers_buffer_can_be_reused() -> None:
    decoder = EndOfMessageDecoder()
    buffer = bytearray(b"<a/>]]>")
    decoder.receive(memoryview(buffer))
    buffer[:] = b"]]>----"
    decoder.receive(memoryview(buffer)[:3])
    assert decoder.next_message() == b"<a/>"


def test_a_byte_order_mark_may_begin_a_message() -> None:
    decoder = EndOfMessageDecoder()
    for byte in b"\xef\xbb\xbf<a/>]]>]]>":
        assert decoder.next_message() is None
        decoder.receive(bytes([byte]))
    assert decoder.next_message() == b"\xef\xbb\xbf<a/>"


@pytest.mark.parametrize(
    "stray", [b"Welcome", b"\n#4\n<a/>", b"]]>]]>", b"\xef\xbb<", b"\xefa", b"\xff"]
)
def test_what_is_no_document_is_an_error_at_its_first_byte(stray: bytes) -> None:
    decoder = EndOfMessageDecoder()
    decoder.receive(b"<a/>]]>]]>\r\n" + stray)
    assert decoder.next_message() == b"<a/>"
    with pytest.raises(NetconfFramingError, match="expected '<'") as caught:
        decoder.next_message()
    excerpt = stray.lstrip()
    offset = 12 + len(stray) - len(excerpt)
    assert f"at byte {offset} of" in str(caught.value)
    assert repr(excerpt) in str(caught.value)


def test_an_excerpt_is_short() -> None:
    decoder = EndOfMessageDecoder()
    decoder.receive(b"x" * 1000)
    with pytest.raises(NetconfFramingError) as caught:
        decoder.next_message()
    assert repr(b"x" * 40) in str(caught.value)
    assert len(str(caught.value)) < 200


def test_after_an_error_it_is_raised_again_and_input_is_dropped() -> None:
    decoder = EndOfMessageDecoder()
    decoder.receive(b"x")
    with pytest.raises(NetconfFramingError) as first:
        decoder.next_message()
    decoder.receive(b"<a/>]]>]]>")
    with pytest.raises(NetconfFramingError) as second:
        decoder.next_message()
    assert second.value is first.value
    assert decoder.pending() == b"x"


@pytest.mark.parametrize("size_of_reads", [1, 7, 1000])
def test_the_limit_is_exact(size_of_reads: int) -> None:
    longest = b"<" + b"a" * 19
    stream = (longest + b"]]>]]>") * 3 + longest + b"b]]>]]>"
    decoder = EndOfMessageDecoder(max_message=20)
    received: list[bytes] = []
    with pytest.raises(MessageSizeError) as caught:
        feed(decoder, stream, size_of_reads, received)
    assert received == [longest] * 3
    assert caught.value.limit == 20


def test_the_limit_is_noticed_before_the_end_marker_comes() -> None:
    decoder = EndOfMessageDecoder(max_message=20)
    decoder.receive(b"<" + b"a" * 24)
    assert decoder.next_message() is None  # could still be the longest message and its marker
    decoder.receive(b"a")
    with pytest.raises(MessageSizeError, match="longer than the limit of 20 bytes"):
        decoder.next_message()


def test_the_limit_can_be_changed_between_messages() -> None:
    decoder = EndOfMessageDecoder(max_message=4)
    decoder.receive(b"<a/>]]>]]><abcdef/>]]>]]>")
    assert decoder.next_message() == b"<a/>"
    decoder.max_message = 9
    assert decoder.next_message() == b"<abcdef/>"


def test_padding_is_not_kept_and_counts_for_no_limit() -> None:
    decoder = EndOfMessageDecoder(max_message=4)
    decoder.receive(b" " * 1000)
    assert decoder.pending() == b""
    decoder.receive(b"<a/>]]>]]>")
    assert decoder.next_message() == b"<a/>"


def test_pending_is_the_unfinished_message() -> None:
    decoder = EndOfMessageDecoder()
    decoder.receive(b"\n<a/>]]>]]>\n<b")
    assert decoder.next_message() == b"<a/>"
    assert decoder.next_message() is None
    assert decoder.pending() == b"<b"


def test_the_rest_is_exactly_what_follows_the_last_message() -> None:
    decoder = EndOfMessageDecoder()
    decoder.receive(b"<a/>]]>]]>\n#4\n<b/>")
    assert decoder.next_message() == b"<a/>"
    assert decoder.take_rest() == b"\n#4\n<b/>"
    assert decoder.offset == 10
    assert decoder.pending() == b""
