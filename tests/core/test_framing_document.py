"""Large messages, kept in pieces."""

from __future__ import annotations

import random
import tracemalloc
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ncwire._protocol.framing import (
    ChunkedDecoder,
    Decoder,
    Document,
    EndOfMessageDecoder,
    frame_chunked,
    frame_end_of_message,
)
from ncwire._protocol.framing.document import SMALL
from ncwire.errors import MessageSizeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

some = st.sampled_from([b"a", b"\xc3\xa9", b"\xf0\x9f\x98\x80", b"\xe2\x82", b"\xff", b"\xac"])
TEXT = "".join(random.Random(1).choices("abc]>#\n<é€😀", k=200_000))
LARGE = f"<a>{TEXT}".replace("]]>]]>", "")
ASCII = "<a>" + "abc]>#\n<d" * 20_000


def document(data: bytes, cuts: list[int]) -> Document:
    made = Document()
    marks = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    for start, stop in pairwise(marks):
        made.add(data[start:stop])
    return made


def decoded(decoder: Decoder, stream: bytes, size_of_reads: int) -> list[bytes | Document]:
    documents = []
    for start in range(0, len(stream), size_of_reads):
        decoder.receive(stream[start : start + size_of_reads])
        while (each := decoder.next_document()) is not None:
            documents.append(each)
    return documents


def text(content: bytes | Document) -> str:
    return content.decode() if isinstance(content, bytes) else content.text()


@contextmanager
def traced() -> Iterator[Callable[[], tuple[int, int]]]:
    """Trace what is allocated; what it yields tells how much is held, and was at most."""
    tracemalloc.start()
    try:
        yield tracemalloc.get_traced_memory
    finally:
        tracemalloc.stop()


def is_utf8(data: bytes) -> bool:
    return data.decode(errors="ignore").encode() == data


@given(data=st.lists(some).map(b"".join), cuts=st.lists(st.integers(0, 1_000)))
@example(data=b"a\xe2\x82\xac", cuts=[2, 3])
@example(data=b"a\xe2\x82", cuts=[2])
@example(data=b"\xe2\x82a", cuts=[2])
def test_whether_it_is_utf8_is_known_however_it_came(data: bytes, cuts: list[int]) -> None:
    made = document(data, cuts)
    ended = made.end()
    assert made.size == len(data)
    assert ended == data
    assert (made.wrong is None) == is_utf8(data)
    if made.wrong is not None:
        with pytest.raises(UnicodeDecodeError) as caught:
            data.decode()
        assert f"at its byte {caught.value.start} " in str(made.wrong)


def test_small_pieces_are_gathered() -> None:
    made = Document()
    with traced() as memory:
        for _ in range(300_000):
            made.add(b"a")
        ended = made.end()
        held, _ = memory()
    assert held < 400_000
    assert isinstance(ended, Document)
    assert ended.text() == "a" * 300_000


def test_its_text_is_one_and_the_same_and_kept_once() -> None:
    size = 4_000_000
    made = document(b"a" * size, [*range(0, size, 32_768)])
    made.end()
    with traced() as memory:
        first = made.text()
        assert made.text() is first
        _, peak = memory()
    assert peak < 2.1 * size  # besides the pieces, which were there before


def test_its_head_ends_between_two_characters() -> None:
    made = document("<a>€uro".encode(), [1, 4])
    assert made.head(3) == "<a>"
    assert made.head(5) == "<a>"
    assert made.head(6) == "<a>€"
    assert made.head(1_000) == "<a>€uro"


@pytest.mark.parametrize(
    "size_of_reads",
    [
        32_768,
        *(pytest.param(size, marks=pytest.mark.exhaustive) for size in (1_000, 100_001, 10**6)),
    ],
)
@pytest.mark.parametrize("chunk_size", [1, 7, 4_096, 50_000, 10**6])
@pytest.mark.parametrize("large", [LARGE, ASCII, ASCII + "é" + ASCII], ids=["utf8", "ascii", "é"])
def test_large_chunked_messages_come_whole(
    large: str, chunk_size: int, size_of_reads: int
) -> None:
    data = (large if chunk_size > 1 else large[:SMALL]).encode()
    stream = b"".join(frame_chunked(data, chunk_size)) * 2 + b"\n#3\n<b>\n##\n"
    decoder = ChunkedDecoder(max_message=len(data))
    first, second, third = decoded(decoder, stream, size_of_reads)
    assert text(first) == text(second) == data.decode()
    assert third == b"<b>"
    assert decoder.pending() == b""
    assert decoder.offset == len(stream)


@pytest.mark.parametrize("wrong", [b"\xff", b"\xe2\x82"])
def test_what_is_not_utf8_is_found_among_chunks(wrong: bytes) -> None:
    data = ASCII.encode() + wrong + ASCII.encode()
    stream = b"".join(frame_chunked(data, 4_096))
    (ended,) = decoded(ChunkedDecoder(), stream, stream.index(wrong) + len(wrong))
    assert isinstance(ended, Document)
    assert f"at its byte {len(ASCII)} " in str(ended.wrong)


@pytest.mark.parametrize("chunk_size", [4_096, 1_200])
def test_chunks_are_not_copied_as_they_come(chunk_size: int) -> None:
    size = 4_000_000
    stream = b"".join(frame_chunked(b"a" * size, chunk_size))
    decoder = ChunkedDecoder()
    reads = [stream[start : start + 100_000] for start in range(0, len(stream), 100_000)]
    with traced() as memory:
        for each in reads:
            decoder.receive(each)
            ended = decoder.next_document()
        held, peak = memory()
    assert isinstance(ended, Document)
    assert held < 0.1 * size
    assert peak < 0.2 * size
    taken = ended.take()
    assert all(isinstance(each, bytes) for each in taken)
    assert b"".join(taken) == b"a" * size


@pytest.mark.parametrize(("chunk_size", "size_of_reads"), [(2_900, 3_000), (100, 100_000)])
def test_small_chunks_and_reads_are_gathered(chunk_size: int, size_of_reads: int) -> None:
    size = 4_000_000
    stream = b"".join(frame_chunked(b"a" * size, chunk_size))
    decoder = ChunkedDecoder()
    with traced() as memory:
        for start in range(0, len(stream), size_of_reads):
            decoder.receive(stream[start : start + size_of_reads])
            ended = decoder.next_document()
        held, _ = memory()
    assert isinstance(ended, Document)
    assert held < 1.05 * size


def test_a_large_read_is_not_kept_for_a_small_part_of_it() -> None:
    size, many = 100_000, 20
    messages = b"".join(frame_chunked(b"a" * size, 4_096)) * many
    decoder = ChunkedDecoder()
    with traced() as memory:
        decoder.receive(bytearray(messages))
        del messages
        first = decoder.next_document()
        assert isinstance(first, Document)
        while decoder.next_document() is not None:
            pass
        held, _ = memory()
    assert held < 2 * size
    assert first.text() == "a" * size


@pytest.mark.parametrize("size_of_reads", [1_000, 32_768, 100_001, 10**6])
def test_large_messages_before_a_marker_come_whole(size_of_reads: int) -> None:
    data = LARGE.encode()
    stream = b"".join(frame_end_of_message(data)) * 2 + b"<b>]]>]]>"
    decoder = EndOfMessageDecoder(max_message=len(data))
    first, second, third = decoded(decoder, stream, size_of_reads)
    assert text(first) == text(second) == LARGE
    assert third == b"<b>"
    assert decoder.pending() == b""
    assert decoder.offset == len(stream)


@pytest.mark.parametrize("filler", [b"]", b"]]", b">]", b"]]>]a", b"]]>]]a"])
def test_the_marker_is_found_among_what_looks_like_it(filler: bytes) -> None:
    data = b"<a>" + filler * 30_000 + b"b"
    stream = (data + b"]]>]]>") * 2
    decoder = EndOfMessageDecoder()
    assert [text(each) for each in decoded(decoder, stream, 10_000)] == [data.decode()] * 2


def test_chunks_of_many_sizes_are_counted_against_the_limit() -> None:
    sizes = [1 + each * 7919 % 5_000 for each in range(100)]
    stream = b"".join(b"\n#%d\n%b" % (size, b"a" * size) for size in sizes) + b"\n##\n"
    assert len(decoded(ChunkedDecoder(sum(sizes)), stream, 30_000)) == 1
    with pytest.raises(MessageSizeError, match=f"limit of {sum(sizes) - 1} bytes"):
        decoded(ChunkedDecoder(sum(sizes) - 1), stream, 30_000)
