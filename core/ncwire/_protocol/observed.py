"""A `Protocol` that tells of what it frames, and of the hellos."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, NamedTuple

from ncwire._protocol.client import Protocol
from ncwire._protocol.framing import as_bytes
from ncwire._protocol.lenient import LenientProtocol
from ncwire._protocol.messages import build_hello, read_root, spellings
from ncwire._protocol.operation import HEAD
from ncwire.errors import MessageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ncwire._protocol.client import Framing
    from ncwire._protocol.messages import Hello

_RPC = spellings("rpc")
# What follows the start tag of an <rpc>: its operation's. Possessive, for what has none: a peer
# could have it tried for ever.
_OPERATION = re.compile(
    rb"<(?:[^\s<>/?!:]++:)?rpc(?:\s(?:[^<>\"']++|\"[^\"]*+\"|'[^']*+')*+)?>"
    rb"(?:\s++|<\?.*?\?>|<!--.*?-->)*+<(?:[^\s<>/?!:]++:)?([^\s<>/?!:]++)",
    re.DOTALL,
)
# All of it, in the form that ncwire gives it; possessive, so that nothing is tried twice.
_PLAIN = re.compile(
    rb"(?:<\?xml[^<>?]*+\?>\s*+)?+<(?:[\w-]++:)?+rpc message-id=\"(\w++)\"[^<>]*+>\s*+"
    rb"<([\w-]++)[\s/>]"
)


class Heading(NamedTuple):
    """What the beginning of a message says: its root's local name, and of an rpc the rest."""

    kind: str
    message_id: str | None = None
    operation: str = ""


class Tap(ABC):
    """Who is told. What is sent is told of before the connection has it."""

    @abstractmethod
    def hello_sent(self, document: bytes) -> None:
        """Tell of our hello, which is about to be sent."""

    @abstractmethod
    def hello_received(self, document: bytes) -> None:
        """Tell of the server's first message, whether it is good or not."""

    @abstractmethod
    def sent(self, document: bytes) -> None:
        """Tell of a message that is about to be sent; the framing can carry it."""

    @abstractmethod
    def begun(self, head: bytes) -> Heading:
        """Tell of how a message in pieces begins; return what its beginning says."""

    @abstractmethod
    def sent_in_pieces(self, heading: Heading, size: int) -> None:
        """Tell of a message whose last piece is about to be sent, with its bytes in all."""


class ObservedProtocol(Protocol):
    """A protocol whose messages are told of; for the rest see its base."""

    def __init__(self, *arguments: Any, tap: Tap) -> None:
        super().__init__(*arguments)
        self._tap = tap

    def hello(self) -> bytes:
        """Return the client's hello; see `Protocol.hello`."""
        self._tap.hello_sent(build_hello(self._client, self._dialect.hello_prefix))
        return super().hello()

    def frame_pieces(self, pieces: Iterable[bytes]) -> Iterator[bytes | memoryview]:
        """Yield a message's buffers; see `Protocol.frame_pieces`."""
        return super().frame_pieces(self._told(pieces))

    def _told(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        head, size = b"", 0
        heading: Heading | None = None
        for piece in map(as_bytes, pieces):
            size += len(piece)
            if heading is None:
                head += piece[: HEAD - len(head)]
                if len(head) == HEAD or _OPERATION.search(head):
                    heading = self._tap.begun(head)
            yield piece
        # Before what ends the message is sent, and so before a reply.
        self._tap.sent_in_pieces(heading or self._tap.begun(head), size)

    def _hello(self, document: bytes) -> Hello:
        self._tap.hello_received(document)
        return super()._hello(document)

    def _switch(self, framing: Framing) -> None:
        super()._switch(framing)
        frame, sent = self.frame, self._tap.sent

        def framed(message: bytes) -> tuple[bytes | memoryview, ...]:
            buffers = frame(message)
            sent(message)
            return buffers

        self.frame = framed


class ObservedLenientProtocol(ObservedProtocol, LenientProtocol):
    """The same of a `LenientProtocol`; a hello is told of as it came."""


def heading(document: bytes) -> Heading:
    """Return what the beginning of a document says; a kind of "" where it has no readable root."""
    if plain := _PLAIN.match(document):
        return Heading("rpc", plain[1].decode(), plain[2].decode())
    head = document[:HEAD]
    try:
        name, attributes = read_root(head.decode(errors="replace"))
    except MessageError:
        # A long comment may come first.
        if not head.lstrip().startswith((b"<?", b"<!--")) or len(head) == len(document):
            return Heading("")
        try:
            name, attributes = read_root(document)
        except MessageError:
            return Heading("")
        head = document
    local = name.rpartition("}")[2]
    if name not in _RPC:
        return Heading(local, attributes.get("message-id"))
    found = _OPERATION.search(head)
    operation = found[1].decode(errors="replace") if found else ""
    return Heading(local, attributes.get("message-id"), operation)
