"""A client's protocol: hellos, framings and messages, however the bytes are cut."""

from __future__ import annotations

from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from client_protocol import BOTH, EOM, chunked, drain, opened, server_hello
from hypothesis import given
from hypothesis import strategies as st

from ncwire._protocol.capabilities import (
    BASE_1_0,
    BASE_1_1,
    Capabilities,
    default_client_capabilities,
)
from ncwire._protocol.client import Framing, HelloReceived, MessageReceived, Protocol
from ncwire._protocol.framing import Limits, frame_chunked
from ncwire._protocol.messages import BASE_NS
from ncwire.errors import (
    ForbiddenXMLError,
    HelloError,
    HelloMalformedError,
    HelloMissingError,
    HelloSessionIdError,
    MessageError,
    MessageSizeError,
    NcwireError,
    NetconfFramingError,
    NoCommonBaseError,
    SessionError,
    UnsendableMessageError,
)

texts = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="<&\ufffe\uffff")
)


def test_our_hello_is_framed_by_the_end_marker_and_nothing_follows() -> None:
    sent = Protocol(default_client_capabilities()).hello()
    assert sent.endswith(b"</hello>" + EOM)
    root = ET.fromstring(sent.removesuffix(EOM))
    assert [each.text for each in root.iter(f"{{{BASE_NS}}}capability")] == list(BOTH)


def test_before_the_hello_nothing_is_known() -> None:
    protocol = Protocol(default_client_capabilities())
    assert protocol.next_event() is None
    assert not protocol.hello_received
    assert protocol.session_id is None
    assert protocol.server_capabilities is None
    assert protocol.framing is None
    with pytest.raises(SessionError, match="hello has not come"):
        protocol.frame(b"<a/>")


@pytest.mark.parametrize(
    ("client", "server", "framing"),
    [
        (BOTH, BOTH, Framing.CHUNKED),
        (BOTH, (BASE_1_1,), Framing.CHUNKED),
        (BOTH, (BASE_1_0,), Framing.END_OF_MESSAGE),
        ((BASE_1_0,), BOTH, Framing.END_OF_MESSAGE),
        ((BASE_1_1,), BOTH, Framing.CHUNKED),
    ],
)
def test_chunked_framing_is_used_only_if_both_offer_1_1(
    client: tuple[str, ...], server: tuple[str, ...], framing: Framing
) -> None:
    protocol = Protocol(Capabilities(client))
    protocol.receive(server_hello(*server) + EOM)
    assert drain(protocol) == [HelloReceived("4", Capabilities(server), framing)]
    assert protocol.hello_received
    assert protocol.session_id == "4"
    assert protocol.server_capabilities == Capabilities(server)
    assert protocol.framing is framing


@pytest.mark.parametrize(
    ("client", "server", "both_named"),
    [
        ((BASE_1_0,), (BASE_1_1,), "the server offers 1.1, we offer 1.0"),
        ((BASE_1_1,), (BASE_1_0,), "the server offers 1.0, we offer 1.1"),
        (BOTH, ("urn:x",), "the server offers none that is known, we offer 1.0 and 1.1"),
    ],
)
def test_no_common_base_names_both_sides(
    client: tuple[str, ...], server: tuple[str, ...], both_named: str
) -> None:
    protocol = Protocol(Capabilities(client))
    protocol.receive(server_hello(*server) + EOM)
    with pytest.raises(NoCommonBaseError, match=both_named):
        protocol.next_event()
    assert not protocol.hello_received


@given(
    contents=st.lists(texts | st.sampled_from(["\n##\n", "]]>]]>", "\n#1\n"])),
    unfinished=st.booleans(),
    cuts=st.lists(st.integers(0, 10_000)),
    framing=st.sampled_from(list(Framing)),
)
def test_any_split_of_a_stream_gives_the_same_events(
    contents: list[str], unfinished: bool, cuts: list[int], framing: Framing
) -> None:
    documents = [f'<a b="{index}">{text}</a>' for index, text in enumerate(contents)]
    if framing is Framing.CHUNKED:
        stream = server_hello(*BOTH) + EOM + chunked(*documents) + b"\n#9\n<" * unfinished
    else:
        documents = [each for each in documents if "]]>]]>" not in each]
        stream = server_hello(BASE_1_0) + EOM
        stream += b"".join(b"\n" + each.encode() + EOM for each in documents) + b"<" * unfinished
    marks = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    protocol = Protocol(default_client_capabilities())
    events = []
    for start, end in pairwise(marks):
        protocol.receive(stream[start:end])
        events += drain(protocol)
    hello, *messages = events
    assert isinstance(hello, HelloReceived)
    assert hello.framing is framing
    assert messages == [
        MessageReceived(("a", {"b": each.split('"')[1]}), each) for each in documents
    ]
    assert protocol.pending() == b"<" * unfinished


def test_a_character_split_over_chunks_and_reads_is_whole_again() -> None:
    protocol = opened(*BOTH)
    for byte in b"".join(frame_chunked("<a>é€😀</a>".encode(), 1)):
        assert protocol.next_event() is None
        protocol.receive(bytes([byte]))
    assert drain(protocol) == [MessageReceived(("a", {}), "<a>é€😀</a>")]


def test_the_framing_switches_at_the_very_byte_after_the_hello() -> None:
    protocol = Protocol(default_client_capabilities())
    protocol.receive(server_hello(*BOTH) + EOM + b"\n#9\n<a>]]>]]>\n#4\n</a>\n##\n")
    assert isinstance(protocol.next_event(), HelloReceived)
    assert protocol.next_event() == MessageReceived(("a", {}), "<a>]]>]]></a>")


def test_a_server_that_does_not_switch_is_an_error_at_its_first_byte() -> None:
    first = server_hello(*BOTH) + EOM
    protocol = Protocol(default_client_capabilities())
    protocol.receive(first + b"<rpc-reply")
    assert isinstance(protocol.next_event(), HelloReceived)
    with pytest.raises(NetconfFramingError, match=f"at byte {len(first)} of .*b'<rpc-reply'"):
        protocol.next_event()


def test_a_server_that_switches_without_leave_is_an_error_at_its_first_byte() -> None:
    protocol = opened(BASE_1_0)
    protocol.receive(b"\n#")
    with pytest.raises(NetconfFramingError, match="expected '<'"):
        protocol.next_event()


def test_what_came_before_an_error_comes_out_first() -> None:
    protocol = Protocol(default_client_capabilities())
    protocol.receive(server_hello(*BOTH) + EOM + chunked("<a/>", "<b/>") + b"\n#0")
    events = [protocol.next_event() for _ in range(3)]
    assert events[1:] == [MessageReceived(("a", {}), "<a/>"), MessageReceived(("b", {}), "<b/>")]
    with pytest.raises(NetconfFramingError, match="leading zeros"):
        protocol.next_event()


@pytest.mark.parametrize(
    ("stream", "error"),
    [
        (chunked("<a>"[:2]), MessageError),
        (b"\n#5\n<a \xff>\n##\n", MessageError),
        (chunked("<!DOCTYPE a><a/>"), ForbiddenXMLError),
        (b"x", NetconfFramingError),
        (b"\n#99\n", MessageSizeError),
    ],
)
def test_after_an_error_it_is_raised_again_and_input_is_dropped(
    stream: bytes, error: type[NcwireError]
) -> None:
    protocol = opened(*BOTH, limits=Limits(message=98))
    protocol.receive(stream)
    with pytest.raises(error) as first:
        protocol.next_event()
    pending = protocol.pending()
    protocol.receive(chunked("<a/>"))
    with pytest.raises(error) as second:
        protocol.next_event()
    assert second.value is first.value
    assert type(first.value) is error
    assert protocol.pending() == pending


def test_a_message_that_is_not_utf_8_is_known_by_its_root_and_says_where() -> None:
    protocol = opened(*BOTH)
    document = b"<a n='1'>" + b"b" * 50 + b"\xe9" + b"c" * 50 + b"</a>"
    for take in ("whole", "in parts"):
        data = b"".join(frame_chunked(document))
        if take == "whole":
            root, content = protocol.take_whole(data)
        else:
            protocol.receive(data)
            root, content = protocol.next_event()
        assert root == ("a", {"n": "1"})
        assert content.wrong == (59, "invalid continuation byte")
        assert content.join() == document
    protocol.receive(chunked("<b/>"))
    assert protocol.next_event().raw == "<b/>"


@pytest.mark.parametrize("message", [b"<\xff/>", b"\xff<a/>", b"<a b='\xff>", b"<a \xff='b'/>"])
def test_one_whose_root_cannot_be_read_is_an_error_and_keeps_no_copy(message: bytes) -> None:
    protocol = opened(*BOTH)
    protocol.receive(b"".join(frame_chunked(message)))
    with pytest.raises(MessageError, match=r"not UTF-8 at its byte \d .* its root") as caught:
        protocol.next_event()
    assert caught.value.__cause__ is None
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("stream", "error"),
    [
        (b"% Authorization failed\n", HelloMissingError),
        (b"\n#4\n", HelloMissingError),
        (b"<rpc-reply/>" + EOM, HelloMissingError),
        (b"<hello" + EOM, HelloMalformedError),
        (b"<hello>\xff</hello>" + EOM, HelloMalformedError),
        (b"<hello><capabilities/></hello>" + EOM, HelloMalformedError),
        (server_hello(*BOTH).replace(b"session-id", b"sessionid") + EOM, HelloSessionIdError),
        (server_hello("urn:x") + EOM, NoCommonBaseError),
    ],
)
def test_each_bad_hello_is_an_error_of_its_own(stream: bytes, error: type[HelloError]) -> None:
    protocol = Protocol(default_client_capabilities())
    protocol.receive(stream)
    with pytest.raises(error, match=r"^hello: ") as caught:
        protocol.next_event()
    assert type(caught.value) is error
    assert protocol.framing is None


def test_a_hostile_hello_is_refused() -> None:
    protocol = Protocol(default_client_capabilities())
    protocol.receive(b"<!DOCTYPE hello>" + server_hello(*BOTH) + EOM)
    with pytest.raises(ForbiddenXMLError, match="the hello has a DOCTYPE"):
        protocol.next_event()


@pytest.mark.parametrize("server", [BASE_1_0, BASE_1_1])
def test_a_second_hello_is_an_ordinary_message(server: str) -> None:
    protocol = opened(server)
    again = server_hello(*BOTH).decode()
    protocol.receive(chunked(again) if server == BASE_1_1 else again.encode() + EOM)
    event = protocol.next_event()
    assert isinstance(event, MessageReceived)
    assert event.root == (f"{{{BASE_NS}}}hello", {})
    assert event.raw == again
    assert protocol.server_capabilities == Capabilities([server])


def test_what_is_sent_is_framed_as_negotiated() -> None:
    assert b"".join(opened(BASE_1_0).frame("<é/>".encode())) == "<é/>".encode() + EOM
    assert b"".join(opened(*BOTH).frame("<é/>".encode())) == b"\n#5\n<\xc3\xa9/>\n##\n"
    assert b"".join(opened(*BOTH).frame(b"<a>]]>]]></a>")) == b"\n#13\n<a>]]>]]></a>\n##\n"


@pytest.mark.parametrize(
    ("server", "message"),
    [(BASE_1_0, b"<a>]]>]]></a>"), (BASE_1_0, b""), (BASE_1_1, b"")],
)
def test_what_cannot_be_sent_is_refused_and_the_session_goes_on(
    server: str, message: bytes
) -> None:
    protocol = opened(server)
    with pytest.raises(UnsendableMessageError):
        protocol.frame(message)
    assert protocol.frame(b"<a/>")


def test_the_document_is_not_shown_in_a_repr() -> None:
    assert "secret" not in repr(MessageReceived(("a", {}), "<a>secret</a>"))


def test_a_message_that_begins_with_a_nul_is_none() -> None:
    protocol = opened(*BOTH)
    data = b"".join(frame_chunked(b'\0x" xmlns="u"/>'))
    with pytest.raises(MessageError):
        protocol.take_whole(data)
