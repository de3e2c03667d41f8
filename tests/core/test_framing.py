"""Limits, and framing what is sent (RFC 6242 section 4)."""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ncwire._protocol.framing import (
    ChunkedDecoder,
    EndOfMessageDecoder,
    Limits,
    frame_chunked,
    frame_end_of_message,
)
from ncwire.errors import OptionError, UnsendableMessageError

if TYPE_CHECKING:
    from pathlib import Path

LARGE = b"<" + b"a" * 100_000 + b">"


def test_limits_have_the_documented_defaults() -> None:
    assert Limits() == Limits(message=2**30, hello=4 * 2**20, chunk_header=13)


@pytest.mark.parametrize(("name", "value"), [("message", 0), ("hello", -1), ("chunk_header", 3)])
def test_a_limit_that_admits_nothing_is_refused(name: str, value: int) -> None:
    with pytest.raises(OptionError, match=f"limits.{name}"):
        Limits(**{name: value})


def test_the_least_limits_are_accepted() -> None:
    Limits(message=1, hello=1, chunk_header=4)


@given(payload=st.binary(min_size=1), chunk_size=st.integers(1, 50))
def test_what_is_framed_in_chunks_is_decoded_again(payload: bytes, chunk_size: int) -> None:
    decoder = ChunkedDecoder()
    decoder.receive(b"".join(frame_chunked(payload, chunk_size)))
    assert decoder.next_message() == payload
    assert decoder.pending() == b""


@given(
    payload=st.lists(st.sampled_from([b"]]>", b"]", b">", b"a"])).map(
        lambda parts: b"<" + b"".join(parts)
    )
)
def test_what_is_framed_by_a_marker_is_decoded_again_or_refused(payload: bytes) -> None:
    decoder = EndOfMessageDecoder()
    try:
        framed = b"".join(frame_end_of_message(payload))
    except UnsendableMessageError:
        assert (payload + b"]]>]]>").find(b"]]>]]>") < len(payload)
        return
    decoder.receive(framed)
    assert decoder.next_message() == payload
    assert decoder.pending() == b""


@pytest.mark.parametrize("payload", [b"<a>]]>]]></a>", b"]]>]]>", b"<a/>]]>"])
def test_a_payload_that_the_marker_would_cut_short_is_refused(payload: bytes) -> None:
    with pytest.raises(UnsendableMessageError, match="]]>]]>"):
        frame_end_of_message(payload)


def test_an_empty_message_is_refused() -> None:
    with pytest.raises(UnsendableMessageError, match="empty"):
        frame_end_of_message(b"")
    with pytest.raises(UnsendableMessageError, match="empty"):
        frame_chunked(b"")


def test_nothing_follows_the_end_marker() -> None:
    assert b"".join(frame_end_of_message(b"<a/>")) == b"<a/>]]>]]>"
    assert b"".join(frame_chunked(b"<a/>")) == b"\n#4\n<a/>\n##\n"


def test_a_small_message_is_one_buffer() -> None:
    assert len(frame_end_of_message(b"<a/>")) == 1
    assert len(frame_chunked(b"<a/>", chunk_size=1)) == 1


def test_a_large_message_is_not_copied() -> None:
    payload, marker = frame_end_of_message(LARGE)
    assert payload is LARGE
    assert marker == b"]]>]]>"
    header, chunk, end = frame_chunked(LARGE)
    assert header == b"\n#100002\n"
    assert isinstance(chunk, memoryview)
    assert chunk.obj is LARGE
    assert end == b"\n##\n"


@pytest.mark.parametrize("chunk_size", [0, -1, 4294967296])
def test_a_chunk_size_outside_the_grammar_is_refused(chunk_size: int) -> None:
    with pytest.raises(OptionError, match="chunk_size"):
        frame_chunked(b"<a/>", chunk_size)


def test_a_payload_over_the_largest_chunk_size_is_split(tmp_path: Path) -> None:
    # A sparse file: it takes up neither disk nor memory, for its bytes are not read.
    with (tmp_path / "sparse").open("w+b") as file:
        file.truncate(4294967295 + 5)
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            payload = memoryview(mapped)
            buffers = frame_chunked(payload)
            assert [buffers[0], buffers[2], buffers[4]] == [
                b"\n#4294967295\n",
                b"\n#5\n",
                b"\n##\n",
            ]
            assert list(map(len, buffers)) == [13, 4294967295, 4, 5, 4]
            for view in (buffers[1], buffers[3], payload):
                assert isinstance(view, memoryview)
                view.release()
