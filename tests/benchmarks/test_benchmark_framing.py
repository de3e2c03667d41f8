"""The floors are an honest yardstick only if they tell a whole reply from any other."""

import pytest

from ncwire._protocol.capabilities import Capabilities
from ncwire._protocol.client import Protocol
from ncwire.bench import subsystem
from ncwire.bench.floor import framing
from ncwire.bench.target import CHUNKED, END_OF_MESSAGE, Case
from ncwire.bench.worker import check

CASES = [
    Case(size, chunk, how)
    for size in (0, 1, 63, 64, 1000, 4096, 70_000)
    for chunk, how in ((0, CHUNKED), (64, CHUNKED), (4096, CHUNKED), (0, END_OF_MESSAGE))
]
MANY_BLOCKS = [Case(150 * subsystem.BLOCK + 77, chunk) for chunk in (0, 4096)]


def stream(case: Case) -> bytes:
    chunked = case.framing == CHUNKED
    return subsystem.reply(b"1", case.size, case.chunk, chunked=chunked)


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("size_of_reads", [1, 5, 1000, 1 << 20])
def test_a_reply_is_whole_with_its_last_byte_and_not_before(case, size_of_reads):
    whole = stream(case)
    reads = [whole[at : at + size_of_reads] for at in range(0, len(whole), size_of_reads)]
    feed = framing.receiver(case)().feed
    assert [feed(read) for read in reads] == [False] * (len(reads) - 1) + [True]
    check(framing.document(reads, case), case)


@pytest.mark.parametrize("case", [*CASES, *MANY_BLOCKS], ids=str)
def test_the_server_frames_as_ncwire_reads(case):
    version = "1.1" if case.framing == CHUNKED else "1.0"
    protocol = Protocol(Capabilities([f"urn:ietf:params:netconf:base:{version}"]))
    protocol.receive(subsystem.HELLO + subsystem.END_OF_MESSAGE)
    protocol.next_event()
    protocol.receive(stream(case))
    message = protocol.next_event()
    assert protocol.pending() == b""
    assert message.root[1]["message-id"] == "1"
    check(message.raw.encode(), case)


def test_the_end_of_chunks_within_a_chunk_is_data():
    feed = framing.Chunks().feed
    assert not feed(b"\n#5\na\n##\n")
    assert feed(b"\n##\n")


def test_a_request_is_answered_as_it_asks():
    case = Case(200, 64)
    buffers = subsystem.answer(framing.request(case), chunked=True)
    assert b"".join(each for some in buffers for each in some) == stream(case)


@pytest.mark.parametrize("damage", [(b"1500", b"1501"), (b"\n", b""), (b"<data>", b"<dat>")])
def test_a_reply_that_is_not_the_right_one_is_noticed(damage):
    case = Case(200)
    document = framing.document([stream(case)], case)
    check(document, case)
    with pytest.raises(ValueError, match=r"asked for|not found"):
        check(document.replace(*damage, 1), case)
    with pytest.raises(ValueError, match=r"no <ok/>"):
        check(document, Case(0))


def test_what_was_not_sent_is_left():
    buffers = [b"abc", b"", b"def"]
    left = [b"".join(subsystem.unsent(buffers, sent)) for sent in range(7)]
    assert left == [b"abcdef"[sent:] for sent in range(7)]
