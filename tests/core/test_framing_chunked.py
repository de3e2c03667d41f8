"""Chunked framing, received (RFC 6242 section 4.2)."""

from __future__ import annotations

import re
import tracemalloc
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ncwire._protocol.framing import ChunkedDecoder
from ncwire.errors import MessageSizeError, NetconfFramingError

data = st.binary(min_size=1, max_size=30) | st.sampled_from([b"\n##\n", b"]]>]]>", b"\n#1\n"])
chunked_messages = st.lists(st.lists(data, min_size=1, max_size=5))
tokens = st.sampled_from(
    [
        *(b"\n", b"#", b"##", b"0", b"1", b"12", b"9999999999", b"x", b" ", b"\r\n"),
        *(b"\n#1\na", b"\n#2\n\n#", b"\n##\n", b"\n#4294967295\n", b"\n#4294967296\n"),
    ]
)


def encode(chunks: list[bytes]) -> bytes:
    return b"".join(b"\n#%d\n%b" % (len(each), each) for each in chunks) + b"\n##\n"


def pieces(stream: bytes, cuts: list[int]) -> list[bytes]:
    marks = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    return [stream[a:b] for a, b in pairwise(marks)]


def drain(decoder: ChunkedDecoder) -> list[bytes]:
    messages = []
    while (message := decoder.next_message()) is not None:
        messages.append(bytes(message))
    return messages


def feed(decoder: ChunkedDecoder, stream: bytes, size_of_reads: int) -> None:
    for start in range(0, len(stream), size_of_reads):
        decoder.receive(stream[start : start + size_of_reads])
        drain(decoder)


@dataclass
class Model:
    """The RFC's grammar, one byte at a time, as plainly as can be."""

    messages: list[bytes] = field(default_factory=list)
    wrong_at: int | None = None
    _header: bytes = b""
    _left: int = 0
    _message: bytes = b""

    def feed(self, stream: bytes) -> Model:
        for index in range(len(stream)):
            self._byte(stream[index : index + 1])
            if self.wrong_at is not None:
                self.wrong_at = index
                break
        return self

    def _byte(self, byte: bytes) -> None:
        if self._left:
            self._message += byte
            self._left -= 1
            return
        self._header += byte
        if self._header == b"\n##\n" and self._message:
            self.messages.append(self._message)
            self._header = self._message = b""
        elif re.fullmatch(rb"\n#[0-9]+\n", self._header):
            self._left, self._header = int(self._header[2:-1]), b""
        elif not self._can_go_on():
            self.wrong_at = 0

    def _can_go_on(self) -> bool:
        if self._header in (b"\n", b"\n#"):
            return True
        if self._header == b"\n##":
            return bool(self._message)
        size = re.fullmatch(rb"\n#([1-9][0-9]{0,9})", self._header)
        return size is not None and int(size[1]) <= 4294967295


@given(
    messages=chunked_messages,
    rest=chunked_messages,
    missing=st.integers(1, 4),
    cuts=st.lists(st.integers(0, 10_000)),
    asked_after_each=st.booleans(),
)
def test_any_split_of_any_messages_gives_them_back(
    messages: list[list[bytes]],
    rest: list[list[bytes]],
    missing: int,
    cuts: list[int],
    asked_after_each: bool,
) -> None:
    unfinished = encode(rest[0])[:-missing] if rest else b""
    decoder = ChunkedDecoder()
    received = []
    for piece in pieces(b"".join(map(encode, messages)) + unfinished, cuts):
        decoder.receive(piece)
        if asked_after_each:
            received += drain(decoder)
    assert received + drain(decoder) == [b"".join(each) for each in messages]
    payload = b"".join(rest[0]) if rest else b""
    assert decoder.pending() == payload + b"\n##\n"[: len(b"\n##\n") - missing] * bool(rest)


@given(messages=chunked_messages)
def test_byte_by_byte_each_message_comes_with_its_last_byte(messages: list[list[bytes]]) -> None:
    decoder = ChunkedDecoder()
    for chunks in messages:
        *but_last, last = encode(chunks)
        for byte in but_last:
            decoder.receive(bytes([byte]))
            assert decoder.next_message() is None
            assert decoder.pending()
        decoder.receive(bytes([last]))
        assert decoder.next_message() == b"".join(chunks)
        assert decoder.pending() == b""


@given(stream=st.lists(tokens).map(b"".join))
@example(stream=b"\n##\n")
@example(stream=b"\n#1\na\n##x")
def test_byte_by_byte_an_error_comes_at_the_first_wrong_byte(stream: bytes) -> None:
    model = Model().feed(stream)
    decoder = ChunkedDecoder(max_message=2**40)
    received = []
    for index in range(len(stream)):
        decoder.receive(stream[index : index + 1])
        if index == model.wrong_at:
            with pytest.raises(NetconfFramingError):
                decoder.next_message()
            break
        received += drain(decoder)
    assert received == model.messages


@given(stream=st.lists(tokens).map(b"".join), cuts=st.lists(st.integers(0, 10_000)))
def test_any_split_gives_the_messages_before_an_error_and_the_same_error(
    stream: bytes, cuts: list[int]
) -> None:
    model = Model().feed(stream)
    whole, split = ChunkedDecoder(max_message=2**40), ChunkedDecoder(max_message=2**40)
    whole.receive(stream)
    for piece in pieces(stream, cuts):
        split.receive(piece)
    outcomes = []
    for decoder in (whole, split):
        received = [decoder.next_message() for _ in model.messages]
        assert received == model.messages
        try:
            assert decoder.next_message() is None
            outcomes.append(None)
        except NetconfFramingError as error:
            outcomes.append(str(error).partition(", got")[0])
    assert outcomes[0] == outcomes[1]
    assert (outcomes[0] is None) == (model.wrong_at is None)


@pytest.mark.parametrize(
    ("stream", "expected", "offset", "excerpt"),
    [
        (b"<rpc-reply/>", "a line feed before '#'", 100, b"<rpc-reply/>"),
        (b"\n<a/>", "'#' after the line feed", 101, b"<a/>"),
        (b"\r\n#4\n", "a line feed before '#'", 100, b"\r\n#4\n"),
        (b"\n#04\n", "without leading zeros", 102, b"04\n"),
        (b"\n#0\n", "a chunk size from 1 to 4294967295", 102, b"0\n"),
        (b"\n#-1\n", "a chunk size from 1 to 4294967295", 102, b"-1\n"),
        (b"\n#4x\n", "a digit or the line feed", 103, b"x\n"),
        (b"\n#4\r\n", "a digit or the line feed", 103, b"\r\n"),
        (b"\n#4294967296\n", "a chunk size of at most 4294967295", 102, b"4294967296\n"),
        (b"\n#99999999999\n", "a chunk size of at most 4294967295", 102, b"99999999999\n"),
        (b"\n##\n", "at least one chunk", 102, b"#\n"),
        (b"\n#1\na\n##x", "the line feed that ends a message", 108, b"x"),
        (b"\n#1\na]]>]]>", "a line feed before '#'", 105, b"]]>]]>"),
    ],
)
@pytest.mark.parametrize("size_of_reads", [1, 100])
def test_an_error_says_what_was_expected_where_and_what_came(
    stream: bytes, expected: str, offset: int, excerpt: bytes, size_of_reads: int
) -> None:
    decoder = ChunkedDecoder(offset=100)
    with pytest.raises(NetconfFramingError, match=re.escape(expected)) as caught:
        feed(decoder, stream, size_of_reads)
    assert f"at byte {offset} of" in str(caught.value)
    if size_of_reads > 1:
        assert str(caught.value).endswith(repr(excerpt))


def test_an_excerpt_is_short() -> None:
    decoder = ChunkedDecoder()
    decoder.receive(b"\n#x" + b"y" * 1000)
    with pytest.raises(NetconfFramingError) as caught:
        decoder.next_message()
    assert len(str(caught.value)) < 250


def test_after_an_error_it_is_raised_again_and_input_is_dropped() -> None:
    decoder = ChunkedDecoder()
    decoder.receive(b"x")
    with pytest.raises(NetconfFramingError) as first:
        decoder.next_message()
    decoder.receive(b"\n#1\na\n##\n")
    with pytest.raises(NetconfFramingError) as second:
        decoder.next_message()
    assert second.value is first.value
    assert decoder.pending() == b"x"


def test_the_largest_chunk_size_is_legal_and_allocates_nothing() -> None:
    decoder = ChunkedDecoder(max_message=2**32)
    tracemalloc.start()
    try:
        decoder.receive(b"\n#4294967295\n<a>")
        assert decoder.next_message() is None
        assert tracemalloc.get_traced_memory()[1] < 10_000
    finally:
        tracemalloc.stop()
    assert decoder.pending() == b"<a>"


def test_the_limit_counts_all_chunks_and_is_checked_on_the_header() -> None:
    decoder = ChunkedDecoder(max_message=10)
    decoder.receive(b"\n#6\nabcdef\n#4\nghij\n##\n\n#6\nabcdef\n#5")
    assert decoder.next_message() == b"abcdefghij"
    assert decoder.next_message() is None
    decoder.receive(b"\n")
    with pytest.raises(MessageSizeError, match="message is longer than the limit of 10 bytes"):
        decoder.next_message()


def test_a_chunk_header_has_a_limit_of_its_own() -> None:
    decoder = ChunkedDecoder(max_header=6)
    decoder.receive(b"\n#123\n" + b"a" * 123 + b"\n#123")
    assert decoder.next_message() is None
    decoder.receive(b"4")
    with pytest.raises(MessageSizeError, match="chunk header is longer than the limit of 6"):
        decoder.next_message()


@pytest.mark.parametrize("size_of_reads", [1, 100])
def test_a_size_of_eleven_digits_is_a_header_too_long(size_of_reads: int) -> None:
    decoder = ChunkedDecoder()
    stream = b"\n#11111111111"
    with pytest.raises(MessageSizeError, match="chunk header is longer than the limit of 13"):
        feed(decoder, stream, size_of_reads)


def test_a_generous_header_limit_does_not_admit_more_digits() -> None:
    decoder = ChunkedDecoder(max_header=10_000)
    decoder.receive(b"\n#" + b"1" * 9_000 + b"\n")
    with pytest.raises(MessageSizeError, match="chunk header is longer than the limit of 13"):
        decoder.next_message()


def test_the_callers_buffer_can_be_reused() -> None:
    decoder = ChunkedDecoder()
    buffer = bytearray(b"\n#2\na")
    decoder.receive(memoryview(buffer))
    buffer[:] = b"b\n##\n"
    decoder.receive(buffer)
    buffer[:] = b"-----"
    assert decoder.next_message() == b"ab"


def test_a_header_alone_is_an_unfinished_message() -> None:
    decoder = ChunkedDecoder()
    decoder.receive(b"\n#2\n")
    assert decoder.next_message() is None
    assert decoder.pending() == b"\n#2\n"
