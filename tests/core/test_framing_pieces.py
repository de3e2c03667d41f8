"""Framing a message in pieces: the same on the wire, however it is cut."""

from __future__ import annotations

import pytest

from ncwire._protocol.framing import (
    ChunkedDecoder,
    EndOfMessageDecoder,
    chunked_pieces,
    end_of_message_pieces,
)
from ncwire.errors import OptionError, UnsendableMessageError

SIZES = (1, 5, 6, 1000, 64 * 1024 - 1, 64 * 1024, 64 * 1024 + 1, 10**6)


def cut(data, size):
    return [data[at : at + size] for at in range(0, len(data), size)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("framed", "decoder"),
    [(end_of_message_pieces, EndOfMessageDecoder), (chunked_pieces, ChunkedDecoder)],
)
def test_what_was_framed_is_decoded(framed, decoder, size):
    message = b"<a>0123456789 ]]>]]</a>\n" * (8 * size // 24 + 20)
    receiving = decoder(2**30)
    for buffer in framed([b"", *cut(message, size), b""]):
        assert buffer
        receiving.receive(buffer)
    assert receiving.next_message() == message
    assert receiving.next_message() is None
    assert not receiving.pending()


def test_small_pieces_become_chunks_of_64_kb_and_large_ones_are_not_cut():
    small = list(chunked_pieces([b"x" * 1000] * 100))
    assert [bytes(each[:9]) for each in small] == [b"\n#65000\nx", b"\n#35000\nx", b"\n##\n"]
    large = b"".join(chunked_pieces([b"x" * 10**6]))
    assert large == b"\n#1000000\n" + b"x" * 10**6 + b"\n##\n"


@pytest.mark.parametrize("framed", [end_of_message_pieces, chunked_pieces])
@pytest.mark.parametrize("size", [10, 70_000])
def test_a_buffer_may_be_used_again(framed, size):
    buffer = bytearray(size)

    def reused():
        for letter in b"abc":
            buffer[:] = bytes([letter]) * size
            yield memoryview(buffer)

    assert all(b"".join(framed(reused())).count(letter) == size for letter in (b"a", b"b", b"c"))


@pytest.mark.parametrize("filling", [0, 70_000])
@pytest.mark.parametrize("place", range(1, 6))
def test_an_end_marker_in_two_pieces_is_found_before_it_is_yielded(place, filling):
    marker = b"]]>]]>"
    pieces = [b"<a>" + b"x" * filling + marker[:place], marker[place:] + b"x" * filling]
    sent = bytearray()
    with pytest.raises(UnsendableMessageError, match="&gt;"):
        sent.extend(each for buffer in end_of_message_pieces(pieces) for each in buffer)
    assert marker not in sent


def test_an_end_marker_cut_into_single_bytes_between_large_pieces_is_found():
    large = b"x" * 70_000
    with pytest.raises(UnsendableMessageError):
        list(end_of_message_pieces([large, *cut(b"]]>]]>", 1), large]))


def test_an_end_that_makes_a_marker_with_the_end_marker_is_found():
    with pytest.raises(UnsendableMessageError):
        list(end_of_message_pieces([b"<a>]]>"]))


@pytest.mark.parametrize("framed", [end_of_message_pieces, chunked_pieces])
def test_a_message_without_a_byte_has_no_form(framed):
    with pytest.raises(UnsendableMessageError, match="empty"):
        list(framed([b"", b""]))
    with pytest.raises(OptionError, match="pieces of str"):
        list(framed(["<a/>"]))
