"""The protocol machine under all ways in which one stream can come."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, NamedTuple

from ncwire._protocol.client import HelloReceived, Inlet, MessageReceived
from ncwire.errors import MessageSizeError, NcwireError
from targets import cutting
from targets.property import Raised, agree, outcome, require, told

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ncwire._protocol.client import Protocol, Root

HELLO_1_0 = (
    b'<hello xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><capabilities><capability>'
    b"urn:ietf:params:netconf:base:1.0</capability></capabilities><session-id>4</session-id></hello>"
    b"]]>]]>"
)
HELLO_1_1 = HELLO_1_0.replace(b"base:1.0</cap", b"base:1.1</cap")

_NOT_TEXT = "not UTF-8"
# How much of what is wrong is shown depends on how much had come.
_EXCERPT = re.compile(r", got .*|(?<=\)): .*", re.DOTALL)


class Told(NamedTuple):
    """The events of a stream, and the error after them."""

    events: list[object]
    error: Raised | None


def from_server(data: bytes) -> bytes:
    """Return a whole stream: a hello comes before what is none, and its framing goes with it."""
    if b"hello" in data[:200]:
        return data
    return (HELLO_1_1 if data.startswith(b"\n") else HELLO_1_0) + data


def check(make: Callable[[], Protocol], data: bytes) -> None:
    """Have a server's stream come in every way: all are told the same."""
    at_once = read(make(), [data])
    for pieces in (cutting.byte_by_byte(data), cutting.at_random(data)):
        agree("a stream means the same however it is cut", at_once, read(make(), pieces))
    ends = _ends(make(), data)
    agree("a read that is a message is told alike", at_once, read(make(), cutting.at(data, ends)))


def read(protocol: Protocol, pieces: Sequence[bytes]) -> Told:
    """Return what a protocol makes of these reads; whole ones are taken whole."""
    events: list[object] = []
    try:
        for piece in pieces:
            if (whole := protocol.take_whole(piece)) is not None:
                root, content = whole
                events.append(shown(MessageReceived(root, content)))
                continue
            protocol.receive(piece)
            while (event := protocol.next_event()) is not None:
                events.append(shown(event))
    except NcwireError as error:
        return Told(events, _again(protocol, error))
    return Told(events, None)


def shown(event: object) -> object:
    """Return an event in a form that can be compared."""
    if isinstance(event, MessageReceived):
        return event.root, _text(lambda: event.raw)
    if isinstance(event, HelloReceived):
        require(1 <= int(event.session_id) < 1 << 32, "a session-id is from 1 to 4294967295")
        return event.session_id, list(event.capabilities), event.framing
    return repr(event)


class Pieces(Inlet):
    """Takes a message, and keeps it."""

    full = False

    def __init__(self, root: Root, done: list[object]) -> None:
        self._root = root
        self._done = done
        self._pieces: list[bytes] = []

    def put(self, pieces: list[bytes]) -> None:
        self._pieces += pieces

    def finish(self) -> None:
        content = b"".join(self._pieces)
        self._done.append((self._root, _text(content.decode)))


def _text(document: Callable[[], str]) -> str:
    text = outcome(document, (NcwireError, UnicodeDecodeError))
    return text if isinstance(text, str) else _NOT_TEXT


def _comparable(events: list[object], others: list[object]) -> list[object]:
    """Return events; of a message that is no text only that it came, for that shows in one way."""
    return [
        _NOT_TEXT if _NOT_TEXT in (_last(event), _last(other)) else event
        for event, other in itertools.zip_longest(events, others)
    ]


def _last(event: object) -> object:
    return event[-1] if isinstance(event, tuple) else event


def check_diverted(make: Callable[[], Protocol], data: bytes) -> None:
    """Have all messages handed over as they come: they are the same, as far as they go.

    Each piece is judged without what follows it, so that an error may come sooner, and be another;
    and what is handed over is bounded by no limit.
    """
    protocol, at_once = make(), read(make(), [data])
    found: list[object] = []
    failed = False
    try:
        for piece in cutting.at_random(data):
            protocol.receive(piece)
            while (event := protocol.next_event()) is not None:
                found.append(shown(event))
                if isinstance(event, HelloReceived):
                    protocol.divert(lambda root: Pieces(root, found))
    except NcwireError as error:
        _again(protocol, error)
        failed = True
    if at_once.error is None or at_once.error.kind != MessageSizeError.__name__:
        expected = _comparable(at_once.events, found)
        agree(
            "what is handed over is what would be told",
            expected,
            _comparable(found, at_once.events),
        )
        # What is handed over is bytes: that they are no text is for who reads them.
        text = at_once.error is not None and "is not UTF-8" in at_once.error.text
        require(failed or text or at_once.error is None, "what is an error stays one")


def _ends(protocol: Protocol, data: bytes) -> list[int]:
    """Return where events come, byte by byte: between two of them is a whole message."""
    ends = []
    try:
        for index, byte in enumerate(cutting.byte_by_byte(data), start=1):
            protocol.receive(byte)
            if protocol.next_event() is not None:
                ends.append(index)
    except NcwireError:
        pass
    return ends


def _again(protocol: Protocol, error: NcwireError) -> Raised:
    again = told(protocol.next_event)
    agree("an error is raised again and again", Raised(type(error).__name__, str(error)), again)
    return Raised(type(error).__name__, _EXCERPT.sub("", str(error)))
